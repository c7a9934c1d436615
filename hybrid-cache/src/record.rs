//! A value with its dates; to and from bytes. Refuses what it does not recognise. Knows nothing of where the bytes go.
//!
//! # Wire version 1
//!
//! All integers of the prefix are little-endian.
//!
//! ```text
//!  0  magic "hC" 2 · wire version 1 · kind 1 (1 value | 2 void)
//!  4  generation 8            random; new at every invalidation and `put`, kept by fills
//! 12  claim nonce 8 · claim deadline 8 (ms)       0: nobody is loading it
//! 28  checksum 8              XXH3-64 of everything behind it
//! 36  header, in postcard     see `Header`
//!  …  payload                 the value, in postcard, up to the end
//! ```
//!
//! The checksum stands in front of the header so that it is checked before anything is decoded. It covers all that
//! is fixed when a record is written. What stands before it is either compared with the only accepted value (magic, version,
//! kind) or changed by others without reading the rest (generation and claim), and thus not covered.
//!
//! A record is a value of *this* function, key, epoch and type, or it is refused: the header names the key in full,
//! the epoch of the function's answers, and the shape of the value mixed with the function's `version`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::{clock::Timestamp, key::Key};

pub(crate) mod codec;
mod prefix;
pub(crate) mod refusal;

#[cfg(test)]
mod tests;

use self::{
    codec::{Codec, Payload},
    prefix::{KIND_VALUE, PREFIX_LEN, Prefix},
    refusal::Refusal,
};

/// More than dates, shape, tag and flags ever take.
const ROOM_FOR_NUMBERS: usize = 128;

/// The tag that every answer of a function carries: its nonce is the function's epoch in the layer.
const EPOCH_TAG: u64 = 0;

/// When an answer was computed and how long it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dates {
    pub(crate) computed_at: Timestamp,
    pub(crate) fresh_until: Timestamp,
    pub(crate) kept_until: Timestamp,
}

impl Dates {
    fn are_in_order(&self) -> bool {
        self.computed_at <= self.fresh_until && self.fresh_until <= self.kept_until
    }
}

/// What stands between the prefix and the value. The order of the fields is the wire format.
#[derive(Debug, Serialize, Deserialize)]
struct Header<'a> {
    dates: Dates,
    load_micros: u64,
    shape: u64,
    scope: &'a str,
    arguments: &'a str,
    tags: Vec<Tag>,
    flags: u32,
}

/// A group of answers, and the nonce it had before the value was computed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tag {
    id: u64,
    nonce: u64,
}

/// What a record held.
#[derive(Debug)]
pub(crate) struct Opened<V> {
    pub(crate) value: V,
    pub(crate) dates: Dates,
    /// How long the function's body took.
    pub(crate) load_time: Duration,
    /// The encoded value, to be sealed again for another layer.
    pub(crate) payload: Payload,
    /// Changes with every invalidation and `put` of the key.
    pub(crate) generation: u64,
}

/// The record of one answer, for one layer.
///
/// `version` is that of the function, `epoch` the layer's epoch of the function's answers, as it was read before the value
/// was computed.
pub(crate) fn seal(
    key: &Key,
    version: u32,
    epoch: u64,
    dates: &Dates,
    load_time: Duration,
    payload: &Payload,
) -> Vec<u8> {
    let header = Header {
        dates: *dates,
        load_micros: u64::try_from(load_time.as_micros()).unwrap_or(u64::MAX),
        shape: versioned(payload.shape(), version),
        scope: key.scope(),
        arguments: key.canonical(),
        tags: vec![Tag { id: EPOCH_TAG, nonce: epoch }],
        flags: 0,
    };
    seal_with(&header, fastrand::u64(..), payload.as_bytes())
}

fn seal_with(header: &Header<'_>, generation: u64, payload: &[u8]) -> Vec<u8> {
    let capacity =
        PREFIX_LEN + ROOM_FOR_NUMBERS + header.scope.len() + header.arguments.len() + payload.len();
    let mut covered = Vec::with_capacity(capacity);
    covered.resize(PREFIX_LEN, 0);
    // Strings and numbers into a growing buffer: there is nothing here that could fail. Were it otherwise, an empty
    // record is refused by whoever reads it.
    let mut record = postcard::to_extend(header, covered).unwrap_or_default();
    record.extend_from_slice(payload);

    let Some((prefix, covered)) = record.split_first_chunk_mut::<PREFIX_LEN>() else {
        return record;
    };
    *prefix = Prefix { kind: KIND_VALUE, generation, checksum: XxHash3_64::oneshot(covered) }.to_bytes();
    record
}

/// The value in `record`, if it is one of ours for this key, version, epoch and type.
///
/// Whatever the bytes are, this neither panics nor allocates more than their length warrants. Whether the dates
/// are past, or ahead of our clock, is for the policy to judge.
pub(crate) fn open<V>(
    record: Vec<u8>,
    key: &Key,
    version: u32,
    epoch: u64,
    codec: Codec<V>,
) -> Result<Opened<V>, Refusal> {
    let prefix = Prefix::read(&record)?;
    let covered = record.get(PREFIX_LEN..).ok_or(Refusal::Truncated)?;
    if XxHash3_64::oneshot(covered) != prefix.checksum {
        return Err(Refusal::Checksum);
    }
    let (header, payload) = postcard::take_from_bytes::<Header<'_>>(covered).map_err(Refusal::Header)?;
    header.admit(key, epoch)?;
    let (value, shape) = codec.decode(payload)?;
    if header.shape != versioned(shape, version) {
        return Err(Refusal::OtherShape);
    }

    let dates = header.dates;
    let load_time = Duration::from_micros(header.load_micros);
    let start = record.len() - payload.len();
    Ok(Opened {
        value,
        dates,
        load_time,
        payload: Payload::within(record, start, shape),
        generation: prefix.generation,
    })
}

impl Header<'_> {
    /// Whether this is a record of `key` that nobody has invalidated with its function's other answers.
    fn admit(&self, key: &Key, epoch: u64) -> Result<(), Refusal> {
        if self.flags != 0 {
            return Err(Refusal::UnknownFlags(self.flags));
        }
        if self.scope != key.scope() || self.arguments != key.canonical() {
            return Err(Refusal::OtherKey);
        }
        if self.tags != [Tag { id: EPOCH_TAG, nonce: epoch }] {
            return Err(Refusal::OtherEpoch);
        }
        if !self.dates.are_in_order() {
            return Err(Refusal::Dates);
        }
        Ok(())
    }
}

/// The shape that a record of the function's `version` carries.
fn versioned(shape: u64, version: u32) -> u64 {
    let mut bytes = [0; 12];
    let (shape_bytes, version_bytes) = bytes.split_at_mut(8);
    shape_bytes.copy_from_slice(&shape.to_le_bytes());
    version_bytes.copy_from_slice(&version.to_le_bytes());
    XxHash3_64::oneshot(&bytes)
}
