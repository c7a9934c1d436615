//! Arguments → canonical key text. (Skeleton; replaced by its real content.)

use std::fmt;

/// The key of one answer. `Display` is what stands in Redis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    storage: Box<str>,
    scope_len: usize,
    canonical: Option<Box<str>>,
}

impl Key {
    /// The key as it stands in Redis and on disk: `namespace:function:arguments`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.storage
    }

    /// The part that all keys of one function share: `namespace:function`.
    pub(crate) fn scope(&self) -> &str {
        self.storage.get(..self.scope_len).unwrap_or_default()
    }

    /// The whole canonical text of the arguments, also where `as_str` holds only its digest.
    pub(crate) fn canonical(&self) -> &str {
        match &self.canonical {
            Some(text) => text,
            None => self.storage.get(self.scope_len + 1..).unwrap_or_default(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.storage)
    }
}
