//! How rows and the few other entries look in an engine, and how a row proves that it is what was written.
//!
//! ```text
//! key    'r' key of the answer · 'e' function scope · 'm' identity of the store
//! row    checksum 8 · expires at 8 (ms) · age 8 · record
//! ```
//!
//! Numbers are little endian. The checksum also covers the key: an entry that a damaged index shows under a
//! wrong key is not taken for an answer.

use std::sync::Arc;

use twox_hash::XxHash3_64;

use crate::clock::Timestamp;

/// Where the identity of the store stands.
pub(super) const IDENTITY: &[u8] = b"m";
const HEADER: usize = 24;

/// A row read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) expires: Timestamp,
    /// Larger is younger.
    pub(super) age: u64,
    pub(super) record: &'a [u8],
}

pub(super) fn row_key(key: &str) -> Arc<[u8]> {
    prefixed(b'r', key)
}

pub(super) fn epoch_key(scope: &str) -> Arc<[u8]> {
    prefixed(b'e', scope)
}

/// Whether the entry under `key` is a row: it expires and may be given up.
pub(super) fn is_row(key: &[u8]) -> bool {
    key.first() == Some(&b'r')
}

/// The function whose epoch stands under `key`; `None` if it is the key of something else.
pub(super) fn scope_of(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(b"e")?).ok()
}

fn prefixed(prefix: u8, text: &str) -> Arc<[u8]> {
    std::iter::once(prefix).chain(text.bytes()).collect()
}

impl<'a> Row<'a> {
    pub(super) fn encode(&self, key: &[u8]) -> Arc<[u8]> {
        let mut bytes = Vec::with_capacity(HEADER + self.record.len());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&self.expires.as_millis().to_le_bytes());
        bytes.extend_from_slice(&self.age.to_le_bytes());
        bytes.extend_from_slice(self.record);
        seal(key, &mut bytes);
        bytes.into()
    }

    /// `None`: this is not what was written under `key`.
    pub(super) fn decode(key: &[u8], bytes: &'a [u8]) -> Option<Self> {
        let rest = unseal(key, bytes)?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (age, record) = rest.split_first_chunk()?;
        Some(Self {
            expires: Timestamp::from_millis(u64::from_le_bytes(*expires)),
            age: u64::from_le_bytes(*age),
            record,
        })
    }
}

/// An entry of numbers: an epoch, the identity of the store.
pub(super) fn encode_numbers<const N: usize>(key: &[u8], numbers: [u64; N]) -> Arc<[u8]> {
    let mut bytes = vec![0; 8];
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    seal(key, &mut bytes);
    bytes.into()
}

pub(super) fn decode_numbers<const N: usize>(key: &[u8], bytes: &[u8]) -> Option<[u64; N]> {
    let (numbers, rest) = unseal(key, bytes)?.as_chunks::<8>();
    let numbers: &[[u8; 8]; N] = numbers.try_into().ok()?;
    rest.is_empty().then(|| numbers.map(u64::from_le_bytes))
}

fn seal(key: &[u8], bytes: &mut [u8]) {
    let checksum = bytes.split_first_chunk::<8>().map_or(0, |(_, rest)| checksum(key, rest));
    if let Some(place) = bytes.first_chunk_mut() {
        *place = checksum.to_le_bytes();
    }
}

fn unseal<'a>(key: &[u8], bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (stored, rest) = bytes.split_first_chunk::<8>()?;
    (u64::from_le_bytes(*stored) == checksum(key, rest)).then_some(rest)
}

fn checksum(key: &[u8], rest: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(key), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row<'_> = Row { expires: Timestamp::from_millis(5), age: 7, record: b"record" };

    #[test]
    fn a_row_comes_back_as_it_was() {
        let bytes = ROW.encode(b"rk");

        assert_eq!(Row::decode(b"rk", &bytes), Some(ROW));
    }

    #[test]
    fn no_single_flipped_bit_passes_for_a_row() {
        let bytes = ROW.encode(b"rk");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Row::decode(b"rk", &damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn a_row_is_good_under_its_own_key_only() {
        assert_eq!(Row::decode(b"rother", &ROW.encode(b"rk")), None);
    }

    #[test]
    fn a_row_cut_short_is_no_row() {
        let bytes = ROW.encode(b"rk");
        for length in 0..bytes.len() {
            assert_eq!(Row::decode(b"rk", &bytes[..length]), None);
        }
    }

    #[test]
    fn numbers_come_back_only_in_the_same_count() {
        let bytes = encode_numbers(b"m", [1, 2]);

        assert_eq!(decode_numbers(b"m", &bytes), Some([1, 2]));
        assert_eq!(decode_numbers::<1>(b"m", &bytes), None);
        assert_eq!(decode_numbers::<2>(b"e", &bytes), None);
    }
}
