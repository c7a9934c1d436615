//! What entries are found by: some bytes, few ones in two words.

use std::hash::{BuildHasher, Hasher};

// Of the better quality: shards, tables and ghosts each go by some of the bits, and keys are numbers in a row.
use foldhash::quality::RandomState;

/// A key that is longer than this is kept elsewhere on the heap.
const SHORT: usize = 15;

/// What an entry is looked up by. No key is another one with zeros behind it.
#[derive(Clone, Copy)]
pub(crate) enum Lookup<'a> {
    Short(Words),
    Long(&'a [u8]),
}

/// A short key, with zeros behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    low: u64,
    high: u64,
}

/// The key of an entry.
pub(super) enum StoredKey {
    Short([u8; SHORT]),
    /// Boxed twice, so that a key is 16 bytes. Long ones are rarer.
    Long(Box<Box<[u8]>>),
}

impl Lookup<'_> {
    /// Of a key of less than 16 bytes, with zeros behind it.
    #[inline]
    pub(crate) fn padded(key: &[u8; SHORT + 1]) -> Self {
        Self::Short(Words::new(key))
    }
}

#[cfg(feature = "moka")]
impl Lookup<'_> {
    /// The same bytes for the same key; a short one with the zeros behind it.
    pub(super) fn to_bytes(self) -> smallvec::SmallVec<[u8; 16]> {
        match self {
            Self::Short(Words { low, high }) => [low.to_le_bytes(), high.to_le_bytes()].as_flattened().into(),
            Self::Long(key) => key.into(),
        }
    }
}

impl<'a> From<&'a [u8]> for Lookup<'a> {
    fn from(key: &'a [u8]) -> Self {
        let mut padded = [0; 16];
        match padded.get_mut(..key.len()) {
            Some(place) if key.len() <= SHORT => {
                place.copy_from_slice(key);
                Self::Short(Words::new(&padded))
            }
            _ => Self::Long(key),
        }
    }
}

impl Words {
    #[inline]
    fn new(padded: &[u8; 16]) -> Self {
        Self { low: word(padded.first_chunk()), high: word(padded.last_chunk()) }
    }
}

impl From<&[u8; SHORT]> for Words {
    #[inline]
    fn from(stored: &[u8; SHORT]) -> Self {
        // The last eight bytes begin with the last one of the first eight.
        Self { low: word(stored.first_chunk()), high: word(stored.last_chunk()) >> u8::BITS }
    }
}

/// Of bytes that are always there.
#[inline]
fn word(bytes: Option<&[u8; 8]>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A key that is looked for, with its hash. Where it is known to be short, or to be long, it is not asked again how long it is
/// wherever it is compared.
#[derive(Clone, Copy)]
pub(super) struct Sought<K> {
    pub(super) hash: u64,
    key: K,
}

/// What a key may be when it is looked for.
pub(super) trait Form: Copy {
    fn hash(self, hasher: &RandomState) -> u64;

    fn is(self, stored: &StoredKey) -> bool;
}

impl Form for Words {
    #[inline]
    fn hash(self, hasher: &RandomState) -> u64 {
        let mut hasher = hasher.build_hasher();
        hasher.write_u128(u128::from(self.high) << u64::BITS | u128::from(self.low));
        hasher.finish()
    }

    #[inline]
    fn is(self, stored: &StoredKey) -> bool {
        matches!(stored, StoredKey::Short(stored) if Self::from(stored) == self)
    }
}

impl Form for &[u8] {
    fn hash(self, hasher: &RandomState) -> u64 {
        let mut hasher = hasher.build_hasher();
        hasher.write(self);
        hasher.finish()
    }

    fn is(self, stored: &StoredKey) -> bool {
        matches!(stored, StoredKey::Long(stored) if ***stored == *self)
    }
}

impl Form for Lookup<'_> {
    fn hash(self, hasher: &RandomState) -> u64 {
        match self {
            Self::Short(words) => words.hash(hasher),
            Self::Long(key) => key.hash(hasher),
        }
    }

    fn is(self, stored: &StoredKey) -> bool {
        match self {
            Self::Short(words) => words.is(stored),
            Self::Long(key) => key.is(stored),
        }
    }
}

impl<K: Form> Sought<K> {
    #[inline]
    pub(super) fn new(key: K, hasher: &RandomState) -> Self {
        Self { hash: key.hash(hasher), key }
    }

    #[inline]
    pub(super) fn is(&self, stored: &StoredKey) -> bool {
        self.key.is(stored)
    }
}

impl Sought<Lookup<'_>> {
    pub(super) fn to_stored(self) -> StoredKey {
        self.key.into()
    }
}

impl From<Lookup<'_>> for StoredKey {
    fn from(key: Lookup<'_>) -> Self {
        match key {
            Lookup::Long(key) => Self::Long(Box::new(key.into())),
            Lookup::Short(Words { low, high }) => {
                let mut stored = [0; SHORT];
                let bytes = low.to_le_bytes().into_iter().chain(high.to_le_bytes());
                stored.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
                Self::Short(stored)
            }
        }
    }
}

impl StoredKey {
    /// What it takes beside its entry.
    pub(super) fn bytes_elsewhere(key: &[u8]) -> usize {
        if key.len() > SHORT { key.len() + size_of::<Box<[u8]>>() } else { 0 }
    }

    /// What the hash of the key was when it was looked up.
    pub(super) fn hash(&self, hasher: &RandomState) -> u64 {
        match self {
            Self::Short(stored) => Words::from(stored).hash(hasher),
            Self::Long(stored) => Form::hash(&***stored, hasher),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_the_same_only_as_themselves() {
        let hasher = RandomState::default();
        let same = |one: &[u8], other: &[u8]| {
            Sought::new(Lookup::from(one), &hasher).is(&Lookup::from(other).into())
        };
        for length in 0..40 {
            let text = vec![b'x'; length];
            assert!(same(&text, &text), "{length} bytes");
            assert!(!same(&text, &vec![b'x'; length + 1]), "{length} bytes and one more");
            assert!(!same(&vec![b'x'; length + 1], &text), "{length} bytes and one less");
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'y';
                assert!(!same(&text, &other), "{length} bytes, of which byte {at} differs");
            }
        }
    }

    #[test]
    fn a_key_that_is_stored_has_the_hash_that_it_was_sought_by() {
        let hasher = RandomState::default();
        for length in 0..40 {
            let key: Vec<u8> = (1..=length).collect();
            let sought = Sought::new(Lookup::from(&*key), &hasher);
            assert_eq!(sought.to_stored().hash(&hasher), sought.hash, "{length} bytes");
            let mut padded = [0; SHORT + 1];
            if key.len() <= SHORT {
                padded[..key.len()].copy_from_slice(&key);
                let hash = Sought::new(Lookup::padded(&padded), &hasher).hash;
                assert_eq!(hash, sought.hash, "{length} bytes, padded");
            }
        }
    }

    #[test]
    fn a_key_takes_16_bytes() {
        assert_eq!(size_of::<StoredKey>(), 16);
    }
}
