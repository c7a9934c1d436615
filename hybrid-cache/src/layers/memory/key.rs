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

    #[inline]
    fn is(self, stored: &[u8; SHORT]) -> bool {
        Self::from(stored) == self
    }

    #[inline]
    fn hash(self, hasher: &RandomState) -> u64 {
        let mut hasher = hasher.build_hasher();
        hasher.write_u128(u128::from(self.high) << u64::BITS | u128::from(self.low));
        hasher.finish()
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

/// A key that is looked for, with its hash.
#[derive(Clone, Copy)]
pub(super) struct Sought<'a> {
    pub(super) hash: u64,
    key: Lookup<'a>,
}

impl<'a> Sought<'a> {
    #[inline]
    pub(super) fn new(key: Lookup<'a>, hasher: &RandomState) -> Self {
        let hash = match key {
            Lookup::Short(words) => words.hash(hasher),
            Lookup::Long(key) => hash_long(key, hasher),
        };
        Self { hash, key }
    }

    #[inline]
    pub(super) fn is(&self, stored: &StoredKey) -> bool {
        match (&self.key, stored) {
            (Lookup::Short(words), StoredKey::Short(stored)) => words.is(stored),
            (Lookup::Long(key), StoredKey::Long(stored)) => ***stored == **key,
            _ => false,
        }
    }

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
            Self::Long(stored) => hash_long(stored, hasher),
        }
    }
}

fn hash_long(key: &[u8], hasher: &RandomState) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_the_same_only_as_themselves() {
        let hasher = RandomState::default();
        let same =
            |one: &[u8], other: &[u8]| Sought::new(one.into(), &hasher).is(&Lookup::from(other).into());
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
