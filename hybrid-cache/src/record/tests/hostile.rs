//! Whatever the bytes are: an answer or a refusal.

use allocation_counter::measure;
use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn every_flipped_bit_is_refused() {
    let record = sealed(&product());
    let rewritable = 4..28;
    for byte in (0..record.len()).filter(|byte| !rewritable.contains(byte)) {
        for bit in 0..8 {
            let mut damaged = record.clone();
            damaged[byte] ^= 1 << bit;
            assert!(opened::<Product>(damaged).is_err(), "bit {bit} of byte {byte}");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let record = sealed(&product());
    for length in 0..record.len() {
        let refused = refusal(&record[..length]);
        assert!(matches!(refused, Refusal::Truncated | Refusal::Checksum), "{length}: {refused}");
    }
}

#[test]
fn anything_appended_is_refused() {
    let mut record = sealed(&product());
    record.push(0);
    assert_eq!(refusal(&record), Refusal::Checksum);
}

#[test]
fn the_refusal_says_what_is_wrong() {
    let record = sealed(&product());
    let with = |at: usize, byte: u8| {
        let mut record = record.clone();
        record[at] = byte;
        refusal(&record)
    };
    assert_eq!(with(0, b'x'), Refusal::NotOurs);
    assert_eq!(with(2, 1), Refusal::WireVersion(1));
    assert_eq!(with(3, 2), Refusal::Void);
    assert_eq!(with(3, 9), Refusal::NotOurs);
    assert_eq!(with(28, record[28] ^ 1), Refusal::Checksum);
    assert_eq!(refusal(b""), Refusal::Truncated);
    assert_eq!(refusal(b"$3\r\nfoo"), Refusal::NotOurs);
}

/// A record whose checksum and header are right and whose value is `bytes`.
pub(super) fn around<V: Serialize + DeserializeOwned>(like: &V, bytes: &[u8]) -> Vec<u8> {
    let key = key(42);
    let header = Header {
        dates: dates(),
        load_micros: 0,
        scope: key.scope(),
        arguments: key.canonical(),
        tags: vec![Tag { id: 0, nonce: EPOCH }],
        flags: 0,
        answer_type: type_of::<V>(),
        opening: payload(like).opening(),
        shape: payload(like).shape(),
    };
    seal_with(&header, 1, bytes)
}

#[test]
fn bytes_left_over_behind_the_value_are_refused() {
    let refused = opened::<u8>(around(&1_u8, &[1, 2, 3])).unwrap_err();
    assert_eq!(refused, Refusal::TrailingBytes(2));
}

#[test]
fn a_lying_length_is_refused_without_allocating_what_it_promises() {
    // A length of 2^63 - 1 in front of nothing.
    let lying = [&[0xff; 8][..], &[0x7f]].concat();
    let record = around(&vec![1_u64], &lying);
    let mut refused = None;
    let allocated = measure(|| refused = opened::<Vec<u64>>(record).err());
    assert!(matches!(refused, Some(Refusal::Undecodable(_))));
    assert!(allocated.bytes_max < 2 << 20, "{} bytes", allocated.bytes_max);
}

#[test]
fn a_header_with_a_lying_length_is_refused() {
    // Three dates, load time, then a scope of 2^63 - 1 bytes.
    let mut record = vec![0; 36];
    record[..4].copy_from_slice(b"hC\x02\x01");
    record.extend([1, 2, 3, 4]);
    record.extend([0xff; 8]);
    record.push(0x7f);
    let checksum = twox_hash::XxHash3_64::oneshot(&record[36..]);
    record[28..36].copy_from_slice(&checksum.to_le_bytes());
    assert!(matches!(refusal(&record), Refusal::Header(_)));
}

/// What `fuzz/` does for as long as it is let, for a moment and with fixed seeds.
#[test]
fn records_of_every_type_are_an_answer_or_a_refusal() {
    for seed in 0..5_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        // Small numbers are lengths, variants and options; large ones make long varints.
        let bytes = (0..random.usize(2..120)).map(|at| match random.u8(..10) {
            _ if at < 2 => random.u8(..),
            0 => random.u8(..),
            1 => 0xff,
            2..6 => 0,
            _ => random.u8(..5),
        });
        super::super::fuzz::record(&bytes.collect::<Vec<_>>());
    }
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(opened::<Product>(bytes).is_err());
    }

    #[test]
    fn random_bytes_behind_a_right_checksum_are_refused(bytes in vec(any::<u8>(), 0..300)) {
        let mut record = vec![0; 36];
        record[..4].copy_from_slice(b"hC\x02\x01");
        record[28..].copy_from_slice(&twox_hash::XxHash3_64::oneshot(&bytes).to_le_bytes());
        record.extend(bytes);
        prop_assert!(opened::<Product>(record).is_err());
    }

    #[test]
    fn random_values_in_a_right_header_decode_or_are_refused(bytes in vec(any::<u8>(), 0..100)) {
        // Nothing to compare with: it is enough to come back.
        let _ = opened::<Product>(around(&product(), &bytes));
    }

    #[test]
    fn spliced_records_are_refused(cut in 36..120_usize, other in any_product()) {
        let (one, other) = (sealed(&product()), sealed(&other));
        let cut = cut.min(one.len()).min(other.len());
        let spliced = [&one[..cut], &other[cut..]].concat();
        prop_assume!(spliced != one && spliced[28..] != other[28..]);
        prop_assert!(opened::<Product>(spliced).is_err());
    }
}
