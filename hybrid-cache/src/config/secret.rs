//! Text that never shows itself: passwords, and addresses that may hold one.

use std::fmt;

use serde::Deserialize;

use super::values::{Reason, Written};

/// A password or an address with one in it. `Debug` and `Display` print `***`; only [`Secret::expose`] gives
/// the text away, so every place that does can be found by that name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. For the connection alone: never for a message, a log line or a report.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("***")
    }
}

/// A password as a setting: anything but nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Password(pub(super) Secret);

impl Written for Password {
    const WRITE: &'static str = "the password as it is, without quotes";
    const SECRET: bool = true;

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl Password {
    pub(super) fn new(password: Secret) -> Result<Self, Reason> {
        if password.expose().is_empty() { Err("is empty") } else { Ok(Self(password)) }
    }
}

impl TryFrom<String> for Password {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        Self::new(Secret::new(text))
    }
}
