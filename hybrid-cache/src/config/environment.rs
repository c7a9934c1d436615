//! The environment, read once: which of its variables are ours, and what they say.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use ::config::{self, Config, Map, Source, Value, ValueKind};
use etcetera::BaseStrategy as _;

use super::{
    error::Problem,
    secret::Secret,
    setting::{FUNCTION_PREFIX, FunctionSetting, PREFIX, Setting, nearest_variable},
    values::Written,
};

/// What the process finds around it when it starts. Tests make their own.
pub(crate) struct Environment {
    variables: Vec<(OsString, OsString)>,
    /// The platform's directory for caches, where it has one.
    cache_dir: Option<PathBuf>,
    /// The name of the program, as a file is named.
    program: OsString,
}

impl Environment {
    /// The environment of this process. Looks at it once; later changes are not seen.
    pub(crate) fn of_process() -> Self {
        let program = std::env::current_exe().ok().and_then(|path| path.file_stem().map(OsString::from));
        Self {
            variables: std::env::vars_os().collect(),
            cache_dir: cache_dir(),
            program: program.unwrap_or_else(|| "program".into()),
        }
    }

    /// These variables and nothing of the process.
    #[cfg(test)]
    pub(crate) fn of<N: Into<OsString>, V: Into<OsString>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self {
            variables: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cache_dir: Some("/platform/cache".into()),
            program: "program".into(),
        }
    }

    /// No variables, on a platform without a directory for caches.
    #[cfg(test)]
    pub(crate) fn without_cache_dir() -> Self {
        Self { cache_dir: None, ..Self::of::<&str, &str>([]) }
    }

    /// Where the disk layer lives if nobody says.
    pub(super) fn default_dir(&self) -> Option<PathBuf> {
        Some(self.cache_dir.as_ref()?.join("hybrid-cache").join(&self.program))
    }

    /// The variables that mean something to us. Those that do not, and those that are not text, are problems.
    pub(super) fn variables(&self) -> (Variables, Vec<Problem>) {
        let (mut variables, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, value) in &self.variables {
            let Some(name) = name.to_str().map(as_documented) else { continue };
            let is_fallback = Setting::ALL.into_iter().any(|setting| setting.fallback() == Some(&name));
            if !name.starts_with(PREFIX) && !is_fallback {
                continue;
            }
            if !is_fallback && !is_known(&name) {
                problems.push(Problem::unknown(name.clone(), nearest_variable(&name)));
            } else if value.is_empty() {
                // As if it were not there: `HYBRID_CACHE_TTL= ./program` is how a shell user takes a value back.
            } else if let Some(text) = value.to_str() {
                variables.insert(name, Secret::new(text));
            } else {
                problems.push(Problem::value(name, "the value is not valid UTF-8".to_owned()));
            }
        }
        (Variables::new(variables), problems)
    }
}

/// Absolute, or not at all: `HOME` may hold anything.
fn cache_dir() -> Option<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(strategy.cache_dir()).filter(|dir| dir.is_absolute())
}

/// Windows does not tell `hybrid_cache_ttl` from `HYBRID_CACHE_TTL`; everyone else does.
fn as_documented(name: &str) -> String {
    if cfg!(windows) { name.to_ascii_uppercase() } else { name.to_owned() }
}

fn is_known(name: &str) -> bool {
    Setting::ALL.into_iter().any(|setting| setting.variable() == name) || function_variable(name).is_some()
}

/// `HYBRID_CACHE_FN_PRODUCT_TTL` → (`PRODUCT`, `Ttl`).
pub(super) fn function_variable(variable: &str) -> Option<(&str, FunctionSetting)> {
    let rest = variable.strip_prefix(FUNCTION_PREFIX)?;
    let (function, word) = rest.rsplit_once('_')?;
    let setting = FunctionSetting::ALL.into_iter().find(|setting| setting.word() == word)?;
    let possible = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    (!function.is_empty() && function.bytes().all(possible)).then_some((function, setting))
}

/// Our variables with their text; [`Variables::read`] makes a typed value of one.
///
/// No `Debug`: that of `Config` shows every text as it is.
pub(super) struct Variables {
    texts: Texts,
    config: Config,
}

impl Variables {
    /// As if none were set.
    pub(super) fn none() -> Self {
        Self::new(BTreeMap::new())
    }

    fn new(texts: BTreeMap<String, Secret>) -> Self {
        let texts = Texts(texts);
        // Nothing in it can fail: the one source is a table in memory.
        let config = Config::builder().add_source(texts.clone()).build().unwrap_or_default();
        Self { texts, config }
    }

    /// The names of the variables that have a value.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.0.keys().map(String::as_str)
    }

    /// What `variable` says; `None` if it is not set.
    pub(super) fn read<T: Written>(&self, variable: &str) -> Option<Result<T, Problem>> {
        let text = self.texts.0.get(variable)?;
        Some(self.config.get(variable).map_err(|error| {
            let message = format!("{} {}; write {}", shown::<T>(text), reason(error), T::WRITE);
            Problem::value(variable, message)
        }))
    }
}

/// The refused text for a message, unless it is or looks like a secret that ended up in the wrong variable.
fn shown<T: Written>(text: &Secret) -> String {
    let text = text.expose();
    let harmless = text.chars().count() <= 40 && !text.contains("://") && !text.contains('@');
    if harmless && !T::SECRET { format!("{text:?}") } else { "the value".to_owned() }
}

/// The reason of [`Written`] types, taken out of what `config` wraps around it. Its own message is not used: it may
/// quote the text.
fn reason(error: config::ConfigError) -> String {
    match error {
        config::ConfigError::At { error, .. } => reason(*error),
        config::ConfigError::Message(reason) => reason,
        config::ConfigError::Type { expected, .. } => format!("is not {expected}"),
        _ => "cannot be read".to_owned(),
    }
}

/// A source for `config` in place of its own, which gives up altogether at the first value that is not UTF-8, quotes
/// that value, and cannot tell which variable a value came from.
#[derive(Debug, Clone)]
struct Texts(BTreeMap<String, Secret>);

impl Source for Texts {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let value = |name, text: &Secret| Value::new(Some(name), ValueKind::String(text.expose().to_owned()));
        Ok(self.0.iter().map(|(name, text)| (name.clone(), value(name, text))).collect())
    }
}
