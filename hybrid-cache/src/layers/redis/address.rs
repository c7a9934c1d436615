//! Settings → how to connect. Opens nothing.

use std::{fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisError,
    aio::MultiplexedConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

use super::fault::{Cause, Censor, Fault};
use crate::{config::RedisSettings, error::LayerError};

/// Requests that wait for the connection's writer at most; more of them wait outside, within their budgets.
const WAITING_REQUESTS: usize = 1024;
/// How long one attempt to connect may go on. Longer than the budget of an operation, which ends without the attempt
/// being given up: else a server that is further away than one budget could never be reached.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Where Redis is and how to talk to it.
#[derive(Clone)]
pub(super) struct Address {
    info: ConnectionInfo,
    connect_limit: Duration,
    pub(super) censor: Censor,
}

impl Address {
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, LayerError> {
        // The library's error is dropped: it could quote the address, and the address may hold the password.
        let info = settings.url.expose().into_connection_info().map_err(|_| LayerError::Redis {
            operation: "read its address",
            source: Box::new(Cause::new(
                "expected redis://[user:password@]host[:port][/database], the same with rediss:// for TLS, \
                 or unix:/path/of/socket[?db=database]",
            )),
        })?;
        let mut redis = info.redis_settings().clone().set_lib_name("hybrid-cache", env!("CARGO_PKG_VERSION"));
        // Which of the two is stronger is decided in `config`, which leaves this one out where the address wins.
        if let Some(password) = &settings.password {
            redis = redis.set_password(password.expose());
        }
        let censor = Censor::new(redis.password());
        let info = info.set_redis_settings(redis).set_tcp_settings(tcp_settings());
        Ok(Self { info, connect_limit: settings.timeout.max(CONNECT_LIMIT), censor })
    }

    /// Connects, signs in and selects the database.
    ///
    /// In RESP3, or in RESP2 where the server knows no better or the user is not allowed to switch.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, Fault> {
        if matches!(self.info.addr(), ConnectionAddr::TcpTls { .. }) {
            provide_tls();
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_limit))
            // Each operation has a budget around everything it does; a second timer per command would only cost.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WAITING_REQUESTS);
        let resp3 = self.open(ProtocolVersion::RESP3, &config).await;
        let connection = match resp3 {
            Err(error) if lacks_resp3(&error) => self.open(ProtocolVersion::RESP2, &config).await,
            other => other,
        };
        connection.map_err(|error| self.censor.of_connecting(&error))
    }

    async fn open(
        &self,
        protocol: ProtocolVersion,
        config: &AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, RedisError> {
        let redis = self.info.redis_settings().clone().set_protocol(protocol);
        let client = Client::open(self.info.clone().set_redis_settings(redis))?;
        client.get_multiplexed_async_connection_with_config(config).await
    }
}

impl fmt::Display for Address {
    /// `host:port` or the path of the socket; never user or password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.addr().fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(3))
        .with_retries(3);
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        // A connection that is given up takes its unsent requests with it. Otherwise the system would go on delivering
        // them, and a `SET` could arrive after the `DEL` that was sent on the next connection to undo it.
        .set_linger_time(Duration::ZERO);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(Duration::from_secs(5));
    settings
}

/// Gives rustls its cryptography, unless the program has chosen one: the client library relies on the process-wide
/// choice, and rustls panics where there is none, or where two crates of the program have enabled different ones.
fn provide_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
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
