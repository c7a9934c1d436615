//! Settings → how to connect. Opens nothing before it is told to.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_core::future::BoxFuture;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
    RedisError, aio::MultiplexedConnection,
};
use tokio::time::timeout;

use super::{
    bounded::Bounded,
    fault::{Cause, Censor, Fault},
    socket::{self, Place, Socket},
};
use crate::{
    config::{RedisSettings, without_tls},
    error::LayerError,
};

/// Requests that wait for the connection's writer at most; more of them wait outside, within their budgets.
const WAITING_REQUESTS: usize = 1024;
/// How long one attempt to connect may go on. Longer than the budget of an operation, which ends without the attempt
/// being given up: else a server that is further away than one budget could never be reached.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Where Redis is and how to talk to it.
#[derive(Clone)]
pub(super) struct Address {
    place: Place,
    settings: RedisConnectionInfo,
    connect_limit: Duration,
    pub(super) censor: Censor,
}

/// A connection that nobody uses yet.
pub(super) struct Opened {
    pub(super) requests: MultiplexedConnection,
    /// What moves its bytes, to be run as long as it is used.
    pub(super) driver: BoxFuture<'static, ()>,
    /// See [`Bounded::overrun`].
    pub(super) overrun: Arc<AtomicBool>,
    pub(super) socket: Socket,
}

impl Address {
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, LayerError> {
        let (url, tls) = without_tls(settings.url.expose());
        // The library's error is dropped: it could quote the address, and the address may hold the password.
        let not_understood = || LayerError::Redis {
            operation: "read its address",
            source: Box::new(Cause::new(
                "expected redis://[user:password@]host[:port][/database], the same with rediss:// for TLS, \
                 or unix:/path/of/socket[?db=database]",
            )),
        };
        let info = url.as_ref().into_connection_info().map_err(|_| not_understood())?;
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                Place::Tcp { host: Arc::from(host.as_str()), port: *port, tls }
            }
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            _ => return Err(not_understood()),
        };
        let mut redis = info.redis_settings().clone().set_lib_name("hybrid-cache", env!("CARGO_PKG_VERSION"));
        // Which of the two is stronger is decided in `config`, which leaves this one out where the address wins.
        if let Some(password) = &settings.password {
            redis = redis.set_password(password.expose());
        }
        let censor = Censor::new(redis.password());
        Ok(Self { place, settings: redis, connect_limit: settings.timeout.max(CONNECT_LIMIT), censor })
    }

    /// Connects, signs in and selects the database. To be awaited where the socket is to be registered.
    ///
    /// In RESP3, or in RESP2 where the server knows no better or the user is not allowed to switch.
    pub(super) async fn connect(&self) -> Result<Opened, Fault> {
        let connecting = async {
            match self.open(ProtocolVersion::RESP3).await {
                Err(error) if lacks_resp3(&error) => self.open(ProtocolVersion::RESP2).await,
                other => other,
            }
        };
        match timeout(self.connect_limit, connecting).await {
            Ok(connected) => connected.map_err(|error| self.censor.of_connecting(&error)),
            Err(_) => Err(Fault::Lost(Cause::new("no connection could be made in time"))),
        }
    }

    async fn open(&self, protocol: ProtocolVersion) -> Result<Opened, RedisError> {
        let socket = socket::open(&self.place).await?;
        let stream = Bounded::new(socket.clone());
        let overrun = stream.overrun();
        let settings = self.settings.clone().set_protocol(protocol);
        let config = AsyncConnectionConfig::new()
            // Each operation has a budget around everything it does; a second timer per command would only cost.
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WAITING_REQUESTS);
        let (connection, driver) = MultiplexedConnection::new_with_config(&settings, stream, config).await?;
        Ok(Opened { requests: connection, driver: Box::pin(driver), overrun, socket })
    }
}

impl fmt::Display for Address {
    /// `host:port` or the path of the socket; never user or password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Servers before 6.0 do not know `HELLO`; a user may not be allowed to call it.
fn lacks_resp3(error: &RedisError) -> bool {
    let detail = error.detail().unwrap_or_default();
    error.kind() == redis::ErrorKind::RESP3NotSupported
        || detail.starts_with("unknown command")
        || error.code() == Some("NOPROTO")
        || (error.code() == Some("NOPERM") && detail.contains("hello"))
}
