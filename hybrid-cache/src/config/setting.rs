//! Every setting there is, with its name and its variables.
//!
//! To add one: a line here in each table, a field in `Settings`, a method in `Builder`, a line in `resolve.rs`
//! and in `report.rs`. The compiler asks for the ones that are forgotten.

/// What the names of our variables begin with.
pub(super) const PREFIX: &str = "HYBRID_CACHE_";

/// A setting of the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    Enabled,
    Namespace,
    Layers,
    Ttl,
    Jitter,
    Wait,
    MemCapacity,
    MemMaxBytes,
    Eviction,
    RedisUrl,
    RedisPassword,
    RedisTimeout,
    DiskDir,
    DiskMaxBytes,
    DiskTimeout,
    DiskEngine,
}

impl Setting {
    /// In the order of the documentation and the report.
    pub(super) const ALL: [Self; 16] = [
        Self::Enabled,
        Self::Namespace,
        Self::Layers,
        Self::Ttl,
        Self::Jitter,
        Self::Wait,
        Self::MemCapacity,
        Self::MemMaxBytes,
        Self::Eviction,
        Self::RedisUrl,
        Self::RedisPassword,
        Self::RedisTimeout,
        Self::DiskDir,
        Self::DiskMaxBytes,
        Self::DiskTimeout,
        Self::DiskEngine,
    ];

    /// As the builder and the report call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Namespace => "namespace",
            Self::Layers => "layers",
            Self::Ttl => "ttl",
            Self::Jitter => "jitter",
            Self::Wait => "wait",
            Self::MemCapacity => "mem_capacity",
            Self::MemMaxBytes => "mem_max_bytes",
            Self::Eviction => "eviction",
            Self::RedisUrl => "redis",
            Self::RedisPassword => "redis_password",
            Self::RedisTimeout => "redis_timeout",
            Self::DiskDir => "disk_dir",
            Self::DiskMaxBytes => "disk_max_bytes",
            Self::DiskTimeout => "disk_timeout",
            Self::DiskEngine => "disk_engine",
        }
    }

    /// As the environment calls it.
    pub(super) const fn variable(self) -> &'static str {
        match self {
            Self::Enabled => "HYBRID_CACHE_ENABLED",
            Self::Namespace => "HYBRID_CACHE_NAMESPACE",
            Self::Layers => "HYBRID_CACHE_LAYERS",
            Self::Ttl => "HYBRID_CACHE_TTL",
            Self::Jitter => "HYBRID_CACHE_JITTER",
            Self::Wait => "HYBRID_CACHE_WAIT",
            Self::MemCapacity => "HYBRID_CACHE_MEM_CAPACITY",
            Self::MemMaxBytes => "HYBRID_CACHE_MEM_MAX_BYTES",
            Self::Eviction => "HYBRID_CACHE_EVICTION",
            Self::RedisUrl => "HYBRID_CACHE_REDIS_URL",
            Self::RedisPassword => "HYBRID_CACHE_REDIS_PASSWORD",
            Self::RedisTimeout => "HYBRID_CACHE_REDIS_TIMEOUT",
            Self::DiskDir => "HYBRID_CACHE_DISK_DIR",
            Self::DiskMaxBytes => "HYBRID_CACHE_DISK_MAX_BYTES",
            Self::DiskTimeout => "HYBRID_CACHE_DISK_TIMEOUT",
            Self::DiskEngine => "HYBRID_CACHE_DISK_ENGINE",
        }
    }

    /// A variable of the platform, read where nothing of ours says anything.
    pub(super) const fn fallback(self) -> Option<&'static str> {
        match self {
            Self::RedisUrl => Some("REDIS_URL"),
            Self::RedisPassword => Some("REDIS_PASSWORD"),
            _ => None,
        }
    }
}

/// What can be set for one function, as the last word of its variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FunctionSetting {
    Enabled,
    Ttl,
    Layers,
}

impl FunctionSetting {
    pub(super) const ALL: [Self; 3] = [Self::Enabled, Self::Ttl, Self::Layers];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Ttl => "TTL",
            Self::Layers => "LAYERS",
        }
    }
}

/// What the variables of functions begin with.
pub(super) const FUNCTION_PREFIX: &str = "HYBRID_CACHE_FN_";

/// For a message: every name that means something.
pub(super) fn known_variables() -> String {
    let mut names: Vec<&str> = Setting::ALL.into_iter().map(Setting::variable).collect();
    names.push("HYBRID_CACHE_FN_<NAME>_{ENABLED,TTL,LAYERS}");
    names.join(", ")
}

/// The known name that `unknown` was probably meant to be.
pub(super) fn nearest_variable(unknown: &str) -> Option<String> {
    if let Some(rest) = unknown.strip_prefix(FUNCTION_PREFIX) {
        return nearest_function_variable(rest);
    }
    // Compared without the prefix, which all of them share: it would make everything look alike.
    let word = unknown.strip_prefix(PREFIX).unwrap_or(unknown).to_ascii_uppercase();
    Setting::ALL
        .into_iter()
        .map(|setting| (likeness(&word, setting.variable().trim_start_matches(PREFIX)), setting))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(likeness, _)| *likeness >= CLOSE_ENOUGH)
        .map(|(_, setting)| setting.variable().to_owned())
}

fn nearest_function_variable(rest: &str) -> Option<String> {
    let rest = rest.to_ascii_uppercase();
    let (name, word) = rest.rsplit_once('_').filter(|(name, _)| !name.is_empty())?;
    FunctionSetting::ALL
        .into_iter()
        .map(|setting| (likeness(word, setting.word()), setting))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(likeness, _)| *likeness >= CLOSE_ENOUGH)
        .map(|(_, setting)| format!("{FUNCTION_PREFIX}{name}_{}", setting.word()))
}

/// Half of the letters in place: `TLT` and `REDIS` find their name, `COLOUR` finds nothing.
const CLOSE_ENOUGH: f64 = 0.5;

/// 1 for the same word, 0 for nothing in common.
fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}
