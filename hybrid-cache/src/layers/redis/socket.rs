//! How a socket is opened, by name, by path, with TLS or without, and how it is closed. It does not know what is said over it.

use std::{
    fmt, io,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::select_ok;
use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
};

/// Where a server listens.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    Tcp { host: Arc<str>, port: u16, tls: bool },
    Unix(PathBuf),
}

/// A stream of bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open socket. Whoever has a clone can close it, also while another one reads and writes.
#[derive(Clone)]
pub(super) struct Socket(Arc<Inside>);

struct Inside {
    /// `None` once it is closed.
    stream: Mutex<Option<Box<dyn Stream>>>,
    /// In which it was opened.
    process: u32,
}

/// To be awaited on the runtime where the socket is to be registered.
pub(super) async fn open(place: &Place) -> io::Result<Socket> {
    let stream = match place {
        Place::Unix(path) => unix(path).await?,
        Place::Tcp { host, port, tls } => {
            let stream = tcp(host, *port).await?;
            if *tls { with_tls(stream, host).await? } else { Box::new(stream) }
        }
    };
    Ok(Socket(Arc::new(Inside { stream: Mutex::new(Some(stream)), process: std::process::id() })))
}

impl Socket {
    /// Closes it before this returns, whatever the runtimes are doing whose tasks use it. See `linger` below for what that
    /// means to what was written.
    pub(super) fn close(&self) {
        // A fork shares what the system tells its parent of the parent's sockets, and would take this one out of that.
        if self.0.process == std::process::id() {
            drop(self.0.lock().take());
        }
    }

    fn with<T>(
        &self,
        operate: impl FnOnce(Pin<&mut dyn Stream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut *self.0.lock() {
            Some(stream) => operate(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl Inside {
    /// A panic while the lock was held left nothing half done.
    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Stream>>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(context))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn opened_in(process: u32) -> Socket {
        let (stream, _) = tokio::io::duplex(8);
        Socket(Arc::new(Inside { stream: Mutex::new(Some(Box::new(stream))), process }))
    }

    #[test]
    fn a_socket_is_closed_by_whoever_has_it_and_in_a_fork_by_nobody() {
        let socket = opened_in(std::process::id());
        socket.clone().close();
        assert!(socket.0.lock().is_none());

        let parents = opened_in(std::process::id() + 1);
        parents.close();
        assert!(parents.0.lock().is_some());
    }
}
