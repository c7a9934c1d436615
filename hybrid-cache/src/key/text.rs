//! What a call is looked up by, and the canonical text that it stands for.

use super::{Key, LONGEST_PLAIN_TEXT, buffer::Buffer, packed};

/// The arguments of one call, as they are looked up in memory: their canonical text with its names and numbers
/// packed (`packed.rs`). The text itself is made where it is needed, which a hit is not.
///
/// Up to 200 bytes it lives on the stack, and is written where it stays: a hit does not copy it. A longer one lives on the
/// heap and is looked up by the digest of its text. [`KeyWriter`](super::writer::KeyWriter) writes it.
#[derive(Debug, Clone, Default)]
pub struct KeyText {
    /// Packed.
    pub(super) buffer: Buffer,
    /// Of the arguments in it.
    pub(super) names: &'static [&'static str],
    /// Where that is not what the call is looked up by.
    instead: Option<Box<Instead>>,
}

#[derive(Debug, Clone)]
enum Instead {
    /// Of what is longer than [`LONGEST_PLAIN_TEXT`].
    Digest(Box<str>),
    /// An argument could not be serialised.
    Unusable { lookup: Box<str>, reason: Box<str> },
}

impl KeyText {
    /// An empty one, to be written.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self { buffer: Buffer::new(), names: &[], instead: None }
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
        match packed::unpack(&self.buffer, self.names) {
            Some(text) => self.instead = Some(Box::new(Instead::Digest(digest(&text)))),
            // Only whole strings are ever written, so this is never seen; but it must not become a wrong answer.
            None => self.make_unusable("what was written is no text".into()),
        }
    }

    /// Makes it a text that no other meets, this process's or another's: looking it up finds nothing, also where somebody
    /// forgot to ask [`is_usable`](Self::is_usable).
    #[cold]
    pub(super) fn make_unusable(&mut self, reason: Box<str>) {
        let lookup = unusable().into_boxed_str();
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

    /// The bytes that memory and flights look the call up by.
    #[inline]
    pub(crate) fn lookup(&self) -> &[u8] {
        match &self.instead {
            None => &self.buffer,
            Some(instead) => instead.lookup().as_bytes(),
        }
    }

    /// The same with zeros behind it, where it is short: at hand here, and elsewhere to be copied together.
    #[inline]
    pub(crate) fn padded(&self) -> Option<&[u8; 16]> {
        if self.instead.is_some() { None } else { self.buffer.padded() }
    }

    /// What stands in the key: the text, or its digest.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.to_key("").as_str().trim_start_matches(':').to_owned()
    }

    /// The key of these arguments for the function `scope` (`namespace:function`).
    #[must_use]
    pub fn to_key(&self, scope: &str) -> Key {
        let lookup = self.lookup().into();
        if let Some(Instead::Unusable { lookup: text, .. }) = self.instead.as_deref() {
            return Key::new(scope, text, None, lookup);
        }
        // Only whole strings are ever written, so there is one.
        let text = packed::unpack(&self.buffer, self.names).unwrap_or_else(unusable);
        if text.len() <= LONGEST_PLAIN_TEXT {
            return Key::new(scope, &text, None, lookup);
        }
        match self.instead.as_deref() {
            Some(instead) => Key::new(scope, instead.lookup(), Some(text.into()), lookup),
            None => Key::new(scope, &digest(&text), Some(text.into()), lookup),
        }
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

/// What no text is, and nobody has had before.
fn unusable() -> String {
    format!("#unusable-{:032x}", fastrand::u128(..))
}

/// `#` and 64 hex digits. No text of arguments begins with `#`.
fn digest(text: &str) -> Box<str> {
    let hash = blake3::hash(text.as_bytes());
    let mut digest = String::with_capacity(65);
    digest.push('#');
    digest.push_str(&hash.to_hex());
    digest.into_boxed_str()
}
