//! What went wrong with Redis, sorted by what has to happen next.
//!
//! The only file that reads the client library's errors. They are turned into text here, with the password taken
//! out: an old server that does not know `HELLO` answers it with all its arguments, the password among them.

use std::{fmt, time::Duration};

use redis::{ErrorKind, RedisError, ServerError};

use crate::error::{LayerError, LayerKind};

/// Why Redis did not do what it was asked.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The connection could not be made or broke. A request that was out may or may not have been carried out.
    Lost(Cause),
    /// The server as a whole cannot serve, and said so; a new connection may find a better one.
    Unfit(Cause),
    /// The server is fine and refused this one request.
    Refused(Cause),
    /// Redis cannot be used from where this call is made. Nothing was asked of the server.
    Unusable(Cause),
    /// No answer within the budget. A request that was out may or may not have been carried out.
    TimedOut,
    /// Not tried.
    Resting,
    /// Shut down.
    Closed,
}

impl Fault {
    /// Whether it speaks against the server, not just against this one request or its caller.
    pub(super) fn is_outage(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Unfit(_) | Self::TimedOut)
    }

    /// Whether a request that was sent may have been carried out, or may still be.
    pub(super) fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::TimedOut)
    }

    /// The same, of a request that a server which can be used at all does not refuse.
    pub(super) fn of_server_as_a_whole(self) -> Self {
        match self {
            Self::Refused(cause) => Self::Unfit(cause),
            other => other,
        }
    }

    pub(super) fn into_error(self, operation: &'static str, budget: Duration) -> LayerError {
        let layer = LayerKind::Redis;
        match self {
            Self::Lost(cause) | Self::Unfit(cause) | Self::Refused(cause) | Self::Unusable(cause) => {
                LayerError::Redis { operation, source: Box::new(cause) }
            }
            Self::TimedOut => LayerError::Timeout { layer, after: budget },
            Self::Resting => LayerError::Resting { layer },
            Self::Closed => LayerError::Closed { layer },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(cause) | Self::Unfit(cause) | Self::Refused(cause) | Self::Unusable(cause) => {
                cause.fmt(f)
            }
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Resting => f.write_str("resting"),
            Self::Closed => f.write_str("shut down"),
        }
    }
}

/// What servers say is a line; more of it than this is not shown.
const LONGEST_CAUSE: usize = 400;

/// What the client library or the server said; holds no type of theirs and no password.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct Cause(String);

impl Cause {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Takes the password out of texts that come from elsewhere.
#[derive(Clone)]
pub(super) struct Censor {
    password: Option<String>,
}

impl fmt::Debug for Censor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Censor")
    }
}

impl Censor {
    pub(super) fn new(password: Option<&str>) -> Self {
        Self { password: password.filter(|password| !password.is_empty()).map(str::to_owned) }
    }

    /// An error of the client library, on the way to the server or back.
    ///
    /// A reply that cannot be parsed is one too: nothing that follows on that connection can be trusted.
    pub(super) fn of_client(&self, error: &RedisError) -> Fault {
        Fault::Lost(self.cause(error))
    }

    /// An error while a connection is being made, where the server's own words arrive as the client's errors. Whatever
    /// they are, a server that does not let us in cannot serve.
    pub(super) fn of_connecting(&self, error: &RedisError) -> Fault {
        let cause = self.cause(error);
        if error.kind() == ErrorKind::Io { Fault::Lost(cause) } else { Fault::Unfit(cause) }
    }

    /// An error with which the server answered one request.
    pub(super) fn of_server(&self, error: &ServerError) -> Fault {
        // Not as the library shows it, which has names of its own for what servers say.
        let words = format!("{} {}", error.code(), error.details().unwrap_or_default());
        let cause = self.cause(&words);
        if speaks_of_server(error.code()) { Fault::Unfit(cause) } else { Fault::Refused(cause) }
    }

    /// What an error says, fit to be shown.
    fn cause(&self, error: &dyn fmt::Display) -> Cause {
        let mut text = error.to_string();
        if let Some(password) = &self.password {
            text = text.replace(password.as_str(), "…");
        }
        // It goes into log lines, and who knows what is at the other end.
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        Cause(text.chars().take(LONGEST_CAUSE).map(shown).collect())
    }
}

/// Whether an error code says that this server cannot serve now, whatever it is asked; then another connection may
/// lead to one that can: after a failover, to the new primary.
fn speaks_of_server(code: &str) -> bool {
    matches!(code, "READONLY" | "MASTERDOWN" | "LOADING" | "CLUSTERDOWN" | "NOAUTH" | "BUSY")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_server(line: &str) -> Fault {
        let reply = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        let redis::Value::ServerError(error) = reply else { panic!("{reply:?}") };
        Censor::new(Some("pw")).of_server(&error)
    }

    #[test]
    fn a_server_that_cannot_serve_is_an_outage() {
        for line in [
            "READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "LOADING Redis is loading the dataset in memory",
            "CLUSTERDOWN The cluster is down",
            "NOAUTH Authentication required.",
            "BUSY Redis is busy running a script.",
        ] {
            let fault = of_server(line);
            assert!(fault.is_outage() && !fault.leaves_doubt(), "{line}: {fault:?}");
        }
    }

    #[test]
    fn a_refused_request_is_not_an_outage() {
        for line in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "NOPERM this user has no permissions to run the 'set' command",
            "MISCONF Redis is configured to save RDB snapshots",
            "MOVED 3999 127.0.0.1:6381",
            "ERR syntax error",
            "",
        ] {
            let fault = of_server(line);
            assert!(!fault.is_outage() && !fault.leaves_doubt(), "{line}: {fault:?}");
        }
    }

    #[test]
    fn what_others_say_is_a_line_of_some_length() {
        let fault = of_server(&format!("ERR \u{1b}[31m\tred {}", "x".repeat(10_000))).to_string();
        assert!(!fault.chars().any(char::is_control) && fault.contains("red"), "{fault}");
        assert!(fault.chars().count() <= LONGEST_CAUSE);
    }

    #[test]
    fn the_password_is_taken_out_of_what_others_say() {
        let fault = of_server("ERR unknown command 'AUTH', with args beginning with: 'pw'");
        assert!(fault.to_string().ends_with("with args beginning with: '…'"), "{fault}");
    }
}
