//! What a call is looked up by, and the canonical text that it stands for.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use super::{Key, LONGEST_PLAIN_TEXT, PackedKey, buffer::Buffer, packed};

/// The arguments of one call, as they are looked up in memory: their canonical text with its names and numbers
/// packed (`packed.rs`). The text itself is made where it is needed, which a hit is not.
///
/// Up to 200 bytes it lives on the stack, and is written where it stays: a hit does not copy it. A longer one is looked up by
/// the digest of its text. [`KeyWriter`](super::writer::KeyWriter) writes it.
#[derive(Debug, Clone, Default)]
pub struct KeyText {
    /// Once all is written, the call is looked up by this.
    pub(super) buffer: Buffer,
    /// Of the arguments in it.
    pub(super) names: &'static [&'static str],
    /// Where the buffer has something in place of the packed arguments.
    replaced: Option<Box<Replaced>>,
}

#[derive(Debug, Clone)]
pub(super) enum Replaced {
    /// The digest of the text of these, which are longer than [`LONGEST_PLAIN_TEXT`].
    ByDigest(Box<[u8]>),
    /// A text of nothing, as an argument could not be serialised.
    ByNothing { reason: Box<str> },
}

impl KeyText {
    /// An empty one, to be written.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self { buffer: Buffer::new(), names: &[], replaced: None }
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
        self.buffer.pad();
    }

    #[cold]
    fn digest(&mut self) {
        match packed::unpack(&self.buffer, self.names) {
            Some(text) => self.replace(&digest(&text), |packed| Replaced::ByDigest(packed.into())),
            // Only whole strings are ever written, so this is never seen; but it must not become a wrong answer.
            None => self.make_unusable("what was written is no text".into()),
        }
    }

    /// Makes it a text that no other meets, this process's or another's: looking it up finds nothing, also where somebody
    /// forgot to ask [`is_usable`](Self::is_usable).
    #[cold]
    pub(super) fn make_unusable(&mut self, reason: Box<str>) {
        self.replace(&unusable(), |_| Replaced::ByNothing { reason });
    }

    fn replace(&mut self, lookup: &str, replaced: impl FnOnce(&[u8]) -> Replaced) {
        self.replaced = Some(Box::new(replaced(&self.buffer)));
        self.buffer = Buffer::new();
        self.buffer.extend_from_slice(lookup.as_bytes());
    }

    /// Whether the arguments have a text at all.
    ///
    /// False if the `Serialize` of an argument failed. Such a call is not cached: nothing may be looked up, stored or
    /// coalesced under this text.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !matches!(self.replaced.as_deref(), Some(Replaced::ByNothing { .. }))
    }

    /// The bytes that memory and flights look the call up by.
    #[inline]
    pub(crate) fn lookup(&self) -> &[u8] {
        &self.buffer
    }

    /// The same with zeros behind it, where it has less than 16 bytes: at hand here, and elsewhere to be copied together.
    #[inline]
    pub(crate) fn padded(&self) -> Option<&[u8; 16]> {
        self.buffer.padded()
    }

    /// What stands in the key: the text, or its digest.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.to_key("").as_str().trim_start_matches(':').to_owned()
    }

    /// The key of these arguments for the function `scope` (`namespace:function`).
    #[must_use]
    pub fn to_key(&self, scope: impl Into<Arc<str>>) -> Key {
        Key {
            scope: scope.into(),
            lookup: PackedKey::from_slice(self.lookup()),
            names: self.names,
            replaced: self.replaced.clone(),
            text: OnceLock::new(),
        }
    }
}

/// The arguments in the key of a call that is looked up by these bytes: their text, or its digest and then their text.
pub(super) fn unpacked<'a>(
    lookup: &'a [u8],
    names: &[&str],
    replaced: Option<&Replaced>,
) -> (Cow<'a, str>, Option<Box<str>>) {
    let at_hand = || String::from_utf8_lossy(lookup);
    let packed = match replaced {
        None => lookup,
        Some(Replaced::ByDigest(packed)) => packed,
        Some(Replaced::ByNothing { .. }) => return (at_hand(), None),
    };
    // Only whole strings are ever written, so there is one.
    let text = packed::unpack(packed, names).unwrap_or_else(unusable);
    if text.len() <= LONGEST_PLAIN_TEXT {
        return (text.into(), None);
    }
    let digest = if replaced.is_some() { at_hand() } else { digest(&text).into() };
    (digest, Some(text.into()))
}

/// What no text is, and nobody has had before.
fn unusable() -> String {
    format!("#unusable-{:032x}", fastrand::u128(..))
}

/// `#` and 64 hex digits. No text of arguments begins with `#`.
fn digest(text: &str) -> String {
    format!("#{}", blake3::hash(text.as_bytes()).to_hex())
}
