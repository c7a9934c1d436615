//! How a socket is opened: by name, by path, with TLS or without. It does not know what is said over it.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::select_ok;
use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};

/// Where a server listens.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    Tcp { host: Arc<str>, port: u16, tls: bool },
    Unix(PathBuf),
}

/// A stream of bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// To be awaited on the runtime where the socket is to be registered.
pub(super) async fn open(place: &Place) -> io::Result<Box<dyn Stream>> {
    match place {
        Place::Unix(path) => unix(path).await,
        Place::Tcp { host, port, tls } => {
            let stream = tcp(host, *port).await?;
            if *tls { with_tls(stream, host).await } else { Ok(Box::new(stream)) }
        }
    }
}

/// To whichever of the host's addresses answers first.
async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let attempts: Vec<_> =
        lookup_host((host, port)).await?.map(|address| Box::pin(TcpStream::connect(address))).collect();
    if attempts.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name of the host leads to no address"));
    }
    let (stream, _) = select_ok(attempts).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(3))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    // A connection that is given up takes its unsent requests with it. Otherwise the system would go on delivering
    // them, and a `SET` could arrive after the `DEL` that was sent on the next connection to undo it.
    socket.set_linger(Some(Duration::ZERO))?;
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(5)))?;
    Ok(stream)
}

#[cfg(unix)]
async fn unix(path: &PathBuf) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "elsewhere, it waits")]
async fn unix(_: &PathBuf) -> io::Result<Box<dyn Stream>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this platform has no sockets with a path"))
}

#[cfg(feature = "redis-tls")]
async fn with_tls(stream: TcpStream, host: &str) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(super::tls::connect(stream, host).await?))
}

/// The settings have refused such an address already.
#[cfg(not(feature = "redis-tls"))]
#[expect(clippy::unused_async, reason = "with the feature, it waits")]
async fn with_tls(_: TcpStream, _: &str) -> io::Result<Box<dyn Stream>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, super::NO_TLS))
}

impl fmt::Display for Place {
    /// `host:port` or the path of the socket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}
