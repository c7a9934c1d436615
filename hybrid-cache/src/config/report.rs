//! The settings in force, for reading: each with its value and who said so. Secrets are hidden.

use std::fmt;

use super::{
    Settings,
    setting::{FUNCTION_PREFIX, FunctionSetting, Setting},
    values::{LayerList, Span, Written as _},
};

/// Who said what a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    /// A variable that is not ours.
    Fallback(&'static str),
    Variable(&'static str),
    Builder,
}

impl Origin {
    /// The stronger, the greater.
    pub(super) const fn strength(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Fallback(_) => 1,
            Self::Variable(_) => 2,
            Self::Builder => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Builder => "builder",
            Self::Variable(name) | Self::Fallback(name) => name,
            Self::Default => "default",
        })
    }
}

/// One setting of the process as the report shows it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) setting: Setting,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// The settings in force, one per line with where it comes from. Passwords are hidden.
///
/// `Display` writes aligned lines:
///
/// ```text
/// ttl             5m                               (from: default)
/// redis           redis://user:***@localhost:6379  (from: HYBRID_CACHE_REDIS_URL)
/// redis_password  *** (in the address)             (from: HYBRID_CACHE_REDIS_URL)
/// ```
#[derive(Debug, Clone)]
pub struct Report {
    /// Name, value, origin.
    lines: Vec<[String; 3]>,
}

impl Settings {
    /// The settings of the process, and what the environment says about single functions.
    pub(crate) fn report(&self) -> Report {
        let process = self
            .lines
            .iter()
            .map(|line| [line.setting.name().to_owned(), line.value.clone(), line.origin.to_string()]);
        Report { lines: process.chain(self.report_functions()).collect() }
    }

    fn report_functions(&self) -> impl Iterator<Item = [String; 3]> {
        self.functions.iter().flat_map(|(name, function)| {
            let layers = function.layers.clone().map(|layers| LayerList(layers).show());
            [
                (FunctionSetting::Enabled, function.enabled.map(|enabled| enabled.show())),
                (FunctionSetting::Ttl, function.ttl.map(|ttl| Span(ttl).show())),
                (FunctionSetting::Layers, layers),
            ]
            .into_iter()
            .filter_map(move |(setting, value)| {
                let word = setting.word();
                let variable = format!("{FUNCTION_PREFIX}{name}_{word}");
                Some([format!("{} of {name}", word.to_ascii_lowercase()), value?, variable])
            })
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
        let names = widest(&mut self.lines.iter().map(|[name, _, _]| name.chars().count()));
        let values = widest(&mut self.lines.iter().map(|[_, value, _]| value.chars().count()));
        for (number, [name, value, origin]) in self.lines.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{name:names$}  {value:values$}  (from: {origin})")?;
        }
        Ok(())
    }
}
