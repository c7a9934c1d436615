//! What entries are found by: the text of their key, short ones in two words.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

/// A key that is longer than this is kept elsewhere on the heap.
const SHORT: usize = 15;

/// A short key, with zeros behind it: no text of a key has one.
type Word = [u8; SHORT];

/// The key of an entry.
pub(super) enum StoredKey {
    Short(Word),
    /// Boxed twice, so that a key is 16 bytes. Long ones are rarer.
    Long(Box<Box<[u8]>>),
}

impl StoredKey {
    pub(super) fn new(text: &[u8]) -> Self {
        word(text).map_or_else(|| Self::Long(Box::new(text.into())), Self::Short)
    }

    /// What it takes beside its entry.
    pub(super) fn bytes_elsewhere(text: &[u8]) -> usize {
        if text.len() > SHORT { text.len() + size_of::<Box<[u8]>>() } else { 0 }
    }
}

/// A key that is looked for.
#[derive(Clone, Copy)]
pub(super) struct Sought<'a> {
    pub(super) hash: u64,
    text: &'a [u8],
    /// Where it is a short one.
    word: Option<Word>,
}

impl<'a> Sought<'a> {
    #[inline]
    pub(super) fn new(text: &'a [u8], hasher: &RandomState) -> Self {
        let word = word(text);
        let hash = match &word {
            Some(word) => hash_word(word, hasher),
            None => hash_text(text, hasher),
        };
        Self { hash, text, word }
    }

    #[inline]
    pub(super) fn is(&self, key: &StoredKey) -> bool {
        match (key, &self.word) {
            (StoredKey::Short(key), Some(word)) => key == word,
            (StoredKey::Long(key), None) => ***key == *self.text,
            _ => false,
        }
    }

    pub(super) fn to_stored(self) -> StoredKey {
        StoredKey::new(self.text)
    }
}

/// What the hash of a key that is stored was.
pub(super) fn hash(key: &StoredKey, hasher: &RandomState) -> u64 {
    match key {
        StoredKey::Short(word) => hash_word(word, hasher),
        StoredKey::Long(text) => hash_text(text, hasher),
    }
}

#[inline]
fn hash_word(word: &Word, hasher: &RandomState) -> u64 {
    let mut hasher = hasher.build_hasher();
    let mut padded = [0; 16];
    padded[..SHORT].copy_from_slice(word);
    hasher.write_u128(u128::from_le_bytes(padded));
    hasher.finish()
}

fn hash_text(text: &[u8], hasher: &RandomState) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(text);
    hasher.finish()
}

/// Short texts with zeros behind them.
#[inline]
fn word(text: &[u8]) -> Option<Word> {
    let mut word = [0; SHORT];
    word.get_mut(..text.len())?.copy_from_slice(text);
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_the_same_only_as_themselves() {
        let hasher = RandomState::default();
        let same = |one: &[u8], other: &[u8]| Sought::new(one, &hasher).is(&StoredKey::new(other));
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
        for text in
            ["", "id=1", "id=12345678901", "id=123456789012", "id=1234567890123456789", &"x".repeat(200)]
        {
            let sought = Sought::new(text.as_bytes(), &hasher);
            assert_eq!(hash(&sought.to_stored(), &hasher), sought.hash, "{text}");
        }
    }

    #[test]
    fn a_key_takes_16_bytes() {
        assert_eq!(size_of::<StoredKey>(), 16);
    }
}
