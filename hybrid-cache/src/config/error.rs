//! What is wrong with the settings, all of it at once. Never holds the text of a secret.

use std::fmt;

use super::setting::known_variables;

/// Why [`Builder::install`](crate::Builder::install) refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Settings that cannot be used: every one of them, not only the first.
    Invalid {
        /// One for each setting or variable.
        problems: Vec<Problem>,
    },
    /// The process already has its settings, by an earlier `install()` or by the first use of the cache.
    AlreadyInUse,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = match self {
            Self::Invalid { problems } => problems,
            Self::AlreadyInUse => {
                return f.write_str(
                    "the cache of this process already has its settings; call `install()` once, \
                     before the first call of a cached function (best at the top of `main`)",
                );
            }
        };
        match problems.len() {
            1 => f.write_str("a cache setting cannot be used:")?,
            number => write!(f, "{number} cache settings cannot be used:")?,
        }
        for problem in problems {
            write!(f, "\n  {problem}")?;
        }
        if problems.iter().any(Problem::is_unknown_variable) {
            write!(f, "\nknown variables: {}", known_variables())?;
        }
        Ok(())
    }
}

/// One setting that cannot be used. `Display` says which, why, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    name: String,
    message: String,
    unknown_variable: bool,
}

impl Problem {
    /// A value that cannot be used, whatever said so.
    pub(super) fn value(name: impl Into<String>, message: String) -> Self {
        Self { name: name.into(), message, unknown_variable: false }
    }

    /// A variable with our prefix that means nothing.
    pub(super) fn unknown(name: String, nearest: Option<String>) -> Self {
        let message = match nearest {
            Some(nearest) => format!("there is no such variable; did you mean {nearest}?"),
            None => "there is no such variable".to_owned(),
        };
        Self { name, message, unknown_variable: true }
    }

    pub(super) const fn is_unknown_variable(&self) -> bool {
        self.unknown_variable
    }

    /// The variable as it is called in the environment, or the setting as it is called in the builder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// Says the problems in the log, for a process that never asked for them with `install()`.
pub(super) fn warn_about(problems: &[Problem]) {
    for problem in problems {
        tracing::warn!("ignored cache setting {problem}");
    }
    if !problems.is_empty() {
        tracing::warn!("the other cache settings are in force; known variables: {}", known_variables());
    }
}
