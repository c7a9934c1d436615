//! The canonical text of a call's arguments, and the short form it is looked up by.

use super::{Key, LONGEST_PLAIN_TEXT, buffer::Buffer};

/// The canonical text of the arguments of one call.
///
/// Up to 200 bytes it lives on the stack, and is written where it stays: a hit does not copy it. A longer one lives on the
/// heap and is looked up by its digest. [`KeyWriter`](super::writer::KeyWriter) writes it.
#[derive(Debug, Clone, Default)]
pub struct KeyText {
    /// Always UTF-8.
    pub(super) buffer: Buffer,
    /// Where that is not what the text is looked up by.
    instead: Option<Box<Instead>>,
}

#[derive(Debug, Clone)]
enum Instead {
    /// Of a text of more than [`LONGEST_PLAIN_TEXT`] bytes.
    Digest(Box<str>),
    /// An argument could not be serialised.
    Unusable { lookup: Box<str>, reason: Box<str> },
}

impl KeyText {
    /// An empty one, to be written.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self { buffer: Buffer::new(), instead: None }
    }

    /// What `write` makes of an empty one.
    #[cfg(test)]
    pub(crate) fn written(write: impl FnOnce(&mut Self)) -> Self {
        let mut text = Self::new();
        write(&mut text);
        text
    }

    /// To be called when all is written.
    #[inline]
    pub(super) fn finish(&mut self) {
        if self.buffer.len() > LONGEST_PLAIN_TEXT {
            self.digest();
        }
    }

    #[cold]
    fn digest(&mut self) {
        match std::str::from_utf8(&self.buffer) {
            Ok(text) => self.instead = Some(Box::new(Instead::Digest(digest(text)))),
            // Only whole strings are ever written, so this is never seen; but it must not become a wrong answer.
            Err(error) => self.make_unusable(error.to_string().into_boxed_str()),
        }
    }

    /// Makes it a text that no other meets, this process's or another's: looking it up finds nothing, also where somebody
    /// forgot to ask [`is_usable`](Self::is_usable).
    #[cold]
    pub(super) fn make_unusable(&mut self, reason: Box<str>) {
        let lookup = format!("#unusable-{:032x}", fastrand::u128(..)).into_boxed_str();
        self.instead = Some(Box::new(Instead::Unusable { lookup, reason }));
    }

    /// Whether the arguments have a text at all.
    ///
    /// False if the `Serialize` of an argument failed. Such a call is not cached: nothing may be looked up, stored or
    /// coalesced under this text.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.why_unusable().is_none()
    }

    /// Why [`is_usable`](Self::is_usable) is false, for the log.
    pub(crate) fn why_unusable(&self) -> Option<&str> {
        match self.instead.as_deref() {
            Some(Instead::Unusable { reason, .. }) => Some(reason),
            Some(Instead::Digest(_)) | None => None,
        }
    }

    /// What the memory index uses: the text if it has at most 200 bytes, else `#` and its digest.
    #[must_use]
    pub fn as_lookup(&self) -> &str {
        std::str::from_utf8(self.as_lookup_bytes()).unwrap_or_default()
    }

    /// The same without a look at whether it is UTF-8, which would be a tenth of what a hit costs.
    #[inline]
    pub(crate) fn as_lookup_bytes(&self) -> &[u8] {
        match &self.instead {
            None => &self.buffer,
            Some(instead) => instead.lookup().as_bytes(),
        }
    }

    /// The key of these arguments for the function `scope` (`namespace:function`).
    #[must_use]
    pub fn to_key(&self, scope: &str) -> Key {
        let canonical = match self.instead.as_deref() {
            Some(Instead::Digest(_)) => std::str::from_utf8(&self.buffer).ok().map(Box::from),
            Some(Instead::Unusable { .. }) | None => None,
        };
        Key::new(scope, self.as_lookup(), canonical)
    }
}

impl Instead {
    #[cold]
    fn lookup(&self) -> &str {
        match self {
            Self::Digest(digest) => digest,
            Self::Unusable { lookup, .. } => lookup,
        }
    }
}

/// `#` and 64 hex digits. No text of arguments begins with `#`.
fn digest(text: &str) -> Box<str> {
    let hash = blake3::hash(text.as_bytes());
    let mut digest = String::with_capacity(65);
    digest.push('#');
    digest.push_str(&hash.to_hex());
    digest.into_boxed_str()
}
