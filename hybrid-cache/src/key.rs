//! Arguments → canonical key text.
//!
//! This module knows how values are spelled in keys and how long a key may get. It knows nothing of layers.
//!
//! # The grammar of keys
//!
//! A key is `namespace:function:arguments`. Keys are stable between processes, builds and platforms, and any
//! language can build them:
//!
//! ```text
//! arguments = "" | name "=" value *( "," name "=" value )      names in alphabetical order
//! value     = "true" | "false"
//!           | integer                       decimal, "-" in front of negative ones
//!           | float                         shortest form that reads back: 1.0 -2.5 1e20 1.5e-7; NaN inf -inf; -0.0 is 0.0
//!           | text                          strings, chars, unit structs and unit variants (by their name)
//!           | "x'" *( hex hex ) "'"         bytes, lower-case hex
//!           | "~"                           None
//!           | value                         Some(value); if that begins with "~", one more "~" in front: Some(None) = ~~
//!           | "(" [ value *( "," value ) ] ")"              tuples, arrays, tuple structs; unit is "()"
//!           | "[" [ value *( "," value ) ] "]"              sequences
//!           | "{" [ value "=" value *( "," … ) ] "}"        maps, sorted by the bytes of the written key, then value
//!           | "{" [ text "=" value *( "," … ) ] "}"         structs, fields as declared; skipped fields are absent
//!           | value                                         newtype structs: what is inside
//!           | text ( "(" … ")" | "{" … "}" )                enum variants with content: Circle(1.0)  Box{w=1,h=2}
//! text      = bare | "'" bare "'"
//! ```
//!
//! *Bare* text is the string itself with these written as `%XX` (upper-case hex of each UTF-8 byte): the space, the
//! control characters (U+0000–U+001F, U+007F–U+009F), characters that cannot be seen or change how others are shown
//! (U+00AD, U+061C, U+180E, U+200B–U+200F, U+2028–U+202E, U+2060–U+206F, U+FEFF, U+FFF9–U+FFFB, U+E0000–U+E007F) and
//! `% , = : ~ ' ( ) [ ] { } # * ? \ "`. Everything else stays as it is, non-ASCII letters included; Unicode is not
//! normalised. A space is escaped so that a key is one word in
//! `redis-cli`, in logs and in shells. Single quotes are put around a text exactly if it is empty, is one of `true`
//! `false` `NaN` `inf` `-inf`, or looks like a number: an optional `-`, a digit, then only `0-9 + - . e E`.
//!
//! ## Templates
//!
//! `key = "user:{id}:{user.lang}"` writes its literals as they stand, except that the space, the control and invisible
//! characters and `~ ' ( ) [ ] { } # %` become `%%XX`. In the texts, numbers and words of a value, the character that
//! begins the literal *behind* it is escaped wherever it occurs (unless it is one of those just named): a value ends
//! where its literal begins. Where two placeholders touch, a `,` is written between them.
//!
//! ## Long keys
//!
//! Where the arguments take more than 200 bytes, `#` and the BLAKE3 hash of their text (64 hex digits) stand in
//! their place. The full text is kept and compared when a record is read.
//!
//! ## What has the same key
//!
//! Different values have different texts, up to what serde itself or this grammar identifies: the width of a number
//! (`1u8`, `1i64`), `Some(v)` and `v`, a newtype and its content, a char and a string of one, unit variants and unit
//! structs and the string of their name, a newtype variant and a tuple variant of one, unit and the empty tuple, a
//! struct and a map with its fields as keys. Within one argument of one type this matters only for
//! `#[serde(untagged)]` and hand-written `Serialize`. What a type does not serialise (`#[serde(skip)]`) is not in
//! the key. The elements of a `HashSet` (std's, hashbrown's, ahash's) are in the order of what is written, unless a type of
//! the user's writes it (`#[serde(transparent)]`, `with`, `into`): then they are in that of its iteration, and such keys are
//! hardly ever the same. Use a `BTreeSet` there.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use smallvec::SmallVec;

use self::text::Replaced;

mod buffer;
mod encoder;
mod escape;
mod packed;
pub(crate) mod text;
pub(crate) mod writer;

pub(crate) use self::escape::is_invisible;

#[cfg(test)]
mod tests;

/// The longest text of arguments that stands in a key as it is, in bytes.
pub(crate) const LONGEST_PLAIN_TEXT: usize = 200;

/// In its own process, a call is looked up by these bytes. A few of them lie in place, and not on the heap.
pub(crate) type PackedKey = SmallVec<[u8; 16]>;

/// The key of one answer. `Display` is what stands in Redis.
#[derive(Clone)]
pub struct Key {
    scope: Arc<str>,
    lookup: PackedKey,
    names: &'static [&'static str],
    replaced: Option<Box<Replaced>>,
    /// Made when somebody asks for it: a call that is answered by memory or by its body has no use for it.
    text: OnceLock<Box<Text>>,
}

/// A key as it is written.
#[derive(Debug, Clone)]
struct Text {
    /// The scope, and the arguments or their digest.
    storage: Box<str>,
    /// The text of the arguments where that is not in `storage`.
    canonical: Option<Box<str>>,
}

impl Key {
    /// The key as it stands in Redis and on disk: `namespace:function:arguments`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text().storage
    }

    /// The part that all keys of one function share: `namespace:function`.
    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    /// The whole canonical text of the arguments, also where `as_str` holds only its digest.
    pub(crate) fn canonical(&self) -> &str {
        let text = self.text();
        match &text.canonical {
            Some(canonical) => canonical,
            None => text.storage.get(self.scope.len() + 1..).unwrap_or_default(),
        }
    }

    /// The bytes that memory and flights look the call up by.
    #[inline]
    pub(crate) fn lookup(&self) -> &[u8] {
        &self.lookup
    }

    /// Why the call is not to be cached, if it is not: an argument has no text.
    pub(crate) fn why_unusable(&self) -> Option<&str> {
        match self.replaced.as_deref() {
            Some(Replaced::ByNothing { reason }) => Some(reason),
            Some(Replaced::ByDigest(_)) | None => None,
        }
    }

    fn text(&self) -> &Text {
        self.text.get_or_init(|| {
            let (arguments, canonical) = text::unpacked(&self.lookup, self.names, self.replaced.as_deref());
            Box::new(Text::new(&self.scope, &arguments, canonical))
        })
    }
}

impl Text {
    fn new(scope: &str, arguments: &str, canonical: Option<Box<str>>) -> Self {
        let mut storage = String::with_capacity(scope.len() + 1 + arguments.len());
        storage.push_str(scope);
        storage.push(':');
        storage.push_str(arguments);
        Self { storage: storage.into_boxed_str(), canonical }
    }
}

#[cfg(all(test, any(feature = "redis", feature = "disk", feature = "disk-sled")))]
impl Key {
    /// A key of the function `scope` (`namespace:function`), for tests of layers.
    pub(crate) fn of(scope: &str, arguments: &str) -> Self {
        let text = OnceLock::from(Box::new(Text::new(scope, arguments, None)));
        let lookup = PackedKey::from_slice(arguments.as_bytes());
        Self { scope: scope.into(), lookup, names: &[], replaced: None, text }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scope of a function's keys, `namespace:function`.
///
/// A module path is written with dots; colons and what else is reserved in keys is escaped in both parts, so that no
/// name reaches into the arguments of another.
pub(crate) fn scope(namespace: &str, function: &str) -> String {
    let mut scope = buffer::Buffer::new();
    escape::push_text(&mut scope, namespace);
    scope.push(b':');
    escape::push_text(&mut scope, &function.replace("::", "."));
    String::from_utf8_lossy(&scope).into_owned()
}
