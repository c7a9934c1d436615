//! How entries are found in the index: by the text of their key; and by moka, which knows them by hash and number.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    sync::LazyLock,
};

use foldhash::fast::RandomState;
use papaya::Equivalent;
use smol_str::SmolStr;

/// The key of an entry. Texts of up to 23 bytes, the usual case, need no allocation and lie one dereference nearer.
pub(super) struct StoredKey {
    text: SmolStr,
    /// No other entry of this memory has it, be it of the same text.
    pub(super) id: u64,
}

impl StoredKey {
    pub(super) fn new(text: &str, id: u64) -> Self {
        Self { text: SmolStr::new(text), id }
    }

    pub(super) fn hash(&self) -> u64 {
        hash(self.text.as_bytes())
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Keys are the same if their texts are.
impl PartialEq for StoredKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for StoredKey {}

impl Hash for StoredKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash());
    }
}

/// The entry of this text.
pub(super) struct OfText<'a> {
    pub(super) hash: u64,
    text: &'a [u8],
}

impl<'a> OfText<'a> {
    #[inline]
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { hash: hash(text), text }
    }
}

impl Hash for OfText<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Equivalent<StoredKey> for OfText<'_> {
    #[inline]
    fn equivalent(&self, key: &StoredKey) -> bool {
        same(self.text, key.text.as_bytes())
    }
}

/// The one entry of this number, if it is still there.
pub(super) struct Exactly {
    pub(super) hash: u64,
    pub(super) id: u64,
}

impl Hash for Exactly {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Equivalent<StoredKey> for Exactly {
    fn equivalent(&self, key: &StoredKey) -> bool {
        self.id == key.id
    }
}

/// What moka and the index know a text by. Drawn anew by each process, so that nobody can choose keys that collide.
#[inline]
fn hash(text: &[u8]) -> u64 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    let mut hasher = SEED.build_hasher();
    hasher.write(text);
    hasher.finish()
}

/// Whether two texts are the same. Short ones, the usual case, are compared in two overlapping halves; a call of `memcmp`
/// would take longer than that.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && match one.len() {
            8..=16 => ends::<8>(one) == ends::<8>(other),
            4..=7 => ends::<4>(one) == ends::<4>(other),
            _ => one == other,
        }
}

#[inline]
fn ends<const LENGTH: usize>(text: &[u8]) -> Option<(&[u8; LENGTH], &[u8; LENGTH])> {
    text.first_chunk().zip(text.last_chunk())
}

/// Hands on a hash that is one already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hashed;

impl BuildHasher for Hashed {
    type Hasher = Handed;

    #[inline]
    fn build_hasher(&self) -> Handed {
        Handed(0)
    }
}

#[derive(Debug)]
pub(super) struct Handed(u64);

impl Hasher for Handed {
    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// Never called, as what is hashed here is a hash; but it must not make everything collide.
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes) ^ self.0.rotate_left(1);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_the_same_only_as_themselves() {
        for length in 0..40 {
            let text = vec![b'x'; length];
            assert!(same(&text, &text.clone()), "{length} bytes");
            assert!(!same(&text, &vec![b'x'; length + 1]), "{length} bytes and one more");
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'y';
                assert!(!same(&text, &other), "{length} bytes, of which byte {at} differs");
            }
        }
    }
}
