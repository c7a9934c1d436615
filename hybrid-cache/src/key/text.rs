//! The canonical text of a call's arguments, and the short form it is looked up by.

use super::{Key, LONGEST_PLAIN_TEXT, escape::Buffer};

/// The canonical text of the arguments of one call.
///
/// Up to 200 bytes it lives on the stack. A longer one lives on the heap and is looked up by its digest.
#[derive(Debug, Clone)]
pub struct KeyText(Form);

#[derive(Debug, Clone)]
enum Form {
    /// At most [`LONGEST_PLAIN_TEXT`] bytes, always UTF-8.
    Short(Buffer),
    Long {
        text: Box<str>,
        digest: Box<str>,
    },
    /// An argument could not be serialised.
    Unusable {
        lookup: Box<str>,
        reason: Box<str>,
    },
}

impl KeyText {
    #[inline]
    pub(super) fn of(buffer: Buffer) -> Self {
        if buffer.len() <= LONGEST_PLAIN_TEXT { Self(Form::Short(buffer)) } else { Self::digested(buffer) }
    }

    #[cold]
    fn digested(buffer: Buffer) -> Self {
        match String::from_utf8(buffer.into_vec()) {
            Ok(text) => Self(Form::Long { digest: digest(&text), text: text.into_boxed_str() }),
            // Only whole strings are ever written, so this is never seen; but it must not become a wrong answer.
            Err(error) => Self::unusable(error.to_string().into_boxed_str()),
        }
    }

    /// A text that no other meets, this process's or another's: looking it up finds nothing, also where somebody
    /// forgot to ask [`is_usable`](Self::is_usable).
    #[cold]
    pub(super) fn unusable(reason: Box<str>) -> Self {
        let lookup = format!("#unusable-{:032x}", fastrand::u128(..)).into_boxed_str();
        Self(Form::Unusable { lookup, reason })
    }

    /// Whether the arguments have a text at all.
    ///
    /// False if the `Serialize` of an argument failed. Such a call is not cached: nothing may be looked up, stored or
    /// coalesced under this text.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !matches!(self.0, Form::Unusable { .. })
    }

    /// Why [`is_usable`](Self::is_usable) is false, for the log.
    pub(crate) fn why_unusable(&self) -> Option<&str> {
        match &self.0 {
            Form::Unusable { reason, .. } => Some(reason),
            Form::Short(_) | Form::Long { .. } => None,
        }
    }

    /// What the memory index uses: the text if it has at most 200 bytes, else `#` and its digest.
    #[inline]
    #[must_use]
    pub fn as_lookup(&self) -> &str {
        match &self.0 {
            Form::Short(text) => std::str::from_utf8(text).unwrap_or_default(),
            Form::Long { digest, .. } => digest,
            Form::Unusable { lookup, .. } => lookup,
        }
    }

    /// The key of these arguments for the function `scope` (`namespace:function`).
    #[must_use]
    pub fn into_key(self, scope: &str) -> Key {
        match self.0 {
            Form::Short(_) => Key::new(scope, self.as_lookup(), None),
            Form::Long { text, digest } => Key::new(scope, &digest, Some(text)),
            Form::Unusable { lookup, .. } => Key::new(scope, &lookup, None),
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
