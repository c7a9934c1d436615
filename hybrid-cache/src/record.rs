//! A value with its dates; to and from bytes. Refuses what it does not recognise. Knows nothing of where the bytes go.
//!
//! # Wire version 2
//!
//! All integers of the prefix are little-endian.
//!
//! ```text
//!  0  magic "hC" 2 · wire version 2 · kind 1 (1 value | 2 void)
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
//! the epoch of the function's answers, the type mixed with the function's `version`, and the shape of the value.
//!
//! All that can be compared is compared before a byte of the value is read: reading runs the code of its type, which
//! need not be up to what another type wrote. Only the shape is compared afterwards.

use std::{iter, time::Duration};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::{key::Key, random, shape};

mod bounds;
pub(crate) mod codec;
mod dates;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod prefix;
pub(crate) mod refusal;

#[cfg(test)]
mod tests;

pub(crate) use self::dates::Dates;
use self::{
    codec::{Codec, Decoded, Payload},
    prefix::{KIND_VALUE, KIND_VOID, PREFIX_LEN, Prefix},
    refusal::Refusal,
};

/// More than dates, fingerprints, tags and flags ever take.
const ROOM_FOR_NUMBERS: usize = 128;

/// The tag that every answer of a function carries: its nonce is the function's epoch in the layer.
const EPOCH_TAG: u64 = 0;

/// The tag of a private copy that was made while the shared layer could be asked: the function's epoch there.
const SHARED_EPOCH_TAG: u64 = 1;

/// No record has this generation, so nothing agrees with it.
const NO_GENERATION: u64 = 0;

/// What stands between the prefix and the value. The order of the fields is the wire format.
#[derive(Debug, Serialize, Deserialize)]
struct Header<'a> {
    dates: Dates,
    load_micros: u64,
    scope: &'a str,
    arguments: &'a str,
    tags: Vec<Tag>,
    flags: u32,
    /// Of the function; see [`answer_type`].
    answer_type: u64,
    /// What the type asks for before it is told anything.
    opening: u64,
    /// What the value looks like.
    shape: u64,
}

/// A group of answers, and the nonce it had before the value was computed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tag {
    id: u64,
    nonce: u64,
}

/// What was current before a value was computed. A record carries it, and is good while it still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Of the key: changes when the answer is forgotten or replaced.
    pub(crate) generation: u64,
    /// Of the function, in the layer that holds the record.
    pub(crate) epoch: u64,
    /// Of the function in the shared layer, if another layer holds the record.
    pub(crate) shared_epoch: Option<u64>,
}

/// What a record has to agree with to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current {
    /// Of the function, in the layer that holds the record.
    pub(crate) epoch: u64,
    /// What the shared layer says, if another layer holds the record and the shared one could be asked.
    pub(crate) shared: Option<Shared>,
}

/// What the shared layer says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared {
    /// Of the function.
    pub(crate) epoch: u64,
    /// Of the key; `None`: nothing is stored there, so nothing was forgotten for as long as any copy lives.
    pub(crate) generation: Option<u64>,
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

/// A generation that no record has had.
pub(crate) fn new_generation() -> u64 {
    random::number()
}

/// The generation of whatever is stored under a key. Bytes that are not ours have one that nothing agrees with.
pub(crate) fn generation(record: &[u8]) -> u64 {
    Prefix::read_any(record).map_or(NO_GENERATION, |prefix| prefix.generation)
}

/// A record without a value: the trace that an invalidation leaves.
pub(crate) fn void() -> Vec<u8> {
    let checksum = XxHash3_64::oneshot(&[]);
    Prefix { kind: KIND_VOID, generation: new_generation(), checksum }.to_bytes().to_vec()
}

/// The record of one answer, for one layer.
///
/// `answer_type` is that of the function; `marks` are from before the value was computed.
pub(crate) fn seal(
    key: &Key,
    answer_type: u64,
    marks: &Marks,
    dates: &Dates,
    load_time: Duration,
    payload: &Payload,
) -> Vec<u8> {
    let shared = marks.shared_epoch.map(|nonce| Tag { id: SHARED_EPOCH_TAG, nonce });
    let header = Header {
        dates: *dates,
        load_micros: u64::try_from(load_time.as_micros()).unwrap_or(u64::MAX),
        scope: key.scope(),
        arguments: key.canonical(),
        tags: iter::once(Tag { id: EPOCH_TAG, nonce: marks.epoch }).chain(shared).collect(),
        flags: 0,
        answer_type,
        opening: payload.opening(),
        shape: payload.shape(),
    };
    seal_with(&header, marks.generation, payload.as_bytes())
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

/// The value in `record`, if it is one of ours for this key, version and type, and agrees with what is `current`.
///
/// Whatever the bytes are, this neither panics nor takes more stack, time or memory than their length warrants. Whether
/// the dates are past, or ahead of our clock, is for the policy to judge.
pub(crate) fn open<V>(
    record: Vec<u8>,
    key: &Key,
    answer_type: u64,
    current: &Current,
    codec: Codec<V>,
) -> Result<Opened<V>, Refusal> {
    let prefix = Prefix::read(&record)?;
    let covered = record.get(PREFIX_LEN..).ok_or(Refusal::Truncated)?;
    if XxHash3_64::oneshot(covered) != prefix.checksum {
        return Err(Refusal::Checksum);
    }
    let (header, payload) = postcard::take_from_bytes::<Header<'_>>(covered).map_err(Refusal::Header)?;
    header.admit(key, prefix.generation, current)?;
    if header.answer_type != answer_type {
        return Err(Refusal::OtherType);
    }
    let Decoded { value, opening, shape } = codec.decode(payload, header.opening)?;
    if header.shape != shape {
        return Err(Refusal::OtherShape);
    }

    let dates = header.dates;
    let load_time = Duration::from_micros(header.load_micros);
    let start = record.len() - payload.len();
    Ok(Opened {
        value,
        dates,
        load_time,
        payload: Payload::within(record, start, opening, shape),
        generation: prefix.generation,
    })
}

impl Header<'_> {
    /// Whether this is a record of `key` that nobody has invalidated, alone or with its function's other answers.
    fn admit(&self, key: &Key, generation: u64, current: &Current) -> Result<(), Refusal> {
        if self.flags != 0 {
            return Err(Refusal::UnknownFlags(self.flags));
        }
        if self.scope != key.scope() || self.arguments != key.canonical() {
            return Err(Refusal::OtherKey);
        }
        let (epoch, shared_epoch) = match *self.tags.as_slice() {
            [Tag { id: EPOCH_TAG, nonce }] => (nonce, None),
            [Tag { id: EPOCH_TAG, nonce }, Tag { id: SHARED_EPOCH_TAG, nonce: shared }] => {
                (nonce, Some(shared))
            }
            _ => return Err(Refusal::OtherEpoch),
        };
        if epoch != current.epoch {
            return Err(Refusal::OtherEpoch);
        }
        if let Some(shared) = current.shared {
            // A copy that was made while the shared layer could not be asked has no epoch of it, and proves nothing.
            if shared_epoch != Some(shared.epoch) {
                return Err(Refusal::OtherEpoch);
            }
            if shared.generation.is_some_and(|current| current != generation) {
                return Err(Refusal::OtherGeneration);
            }
        }
        if !self.dates.are_in_order() {
            return Err(Refusal::Dates);
        }
        Ok(())
    }
}

/// The fingerprint of a function's answers, from the name of their type and the function's `version`.
pub(crate) fn answer_type<V>(version: u32) -> u64 {
    let mut bytes = [0; 12];
    let (type_bytes, version_bytes) = bytes.split_at_mut(8);
    type_bytes.copy_from_slice(&shape::of_type::<V>().to_le_bytes());
    version_bytes.copy_from_slice(&version.to_le_bytes());
    XxHash3_64::oneshot(&bytes)
}
