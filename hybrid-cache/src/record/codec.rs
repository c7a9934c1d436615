//! Values to and from postcard, with their shape.

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::refusal::Refusal;
use crate::{
    shape::{self, ShapeError},
    size::{Weigh, encoded_size},
};

/// Most answers fit without growing the buffer, which costs more than the encoding itself.
const USUAL_SIZE: usize = 256;

/// An encoded value: encoded once, then sealed for each layer with that layer's dates and epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// May hold the record it was read from, so that nothing is copied.
    bytes: Vec<u8>,
    start: usize,
    shape: u64,
}

impl Payload {
    /// The part of `record` from `start` on.
    pub(super) fn within(record: Vec<u8>, start: usize, shape: u64) -> Self {
        Self { bytes: record, start, shape }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The value's fingerprint; see `shape.rs`.
    pub(crate) fn shape(&self) -> u64 {
        self.shape
    }
}

/// A value could not be encoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// The format has no place for it.
    #[error("the value cannot be encoded")]
    Postcard(#[source] postcard::Error),
    /// What was written could not be checked when it is read.
    #[error("the value has no fixed shape")]
    Shape(#[source] ShapeError),
}

/// A type's values do not come back from their encoded form as what they were. Said once per function; its byte
/// layers are then left out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRoundTrip {
    /// It cannot even be written.
    #[error("it cannot be written")]
    Encode(#[source] EncodeError),
    /// It was written and cannot be read.
    #[error(
        "it can be written but not read back: types that ask what follows (`serde_json::Value`, \
         `#[serde(untagged)]`, `flatten`, internally tagged enums) need a format with names, which this is not"
    )]
    Decode(#[source] Refusal),
    /// It was read as something else.
    #[error("what was read back is not what was written: its Serialize and Deserialize disagree")]
    OtherShape,
}

/// A value and its fingerprint, or why there is none.
type Decoded<V> = Result<(V, u64), Refusal>;

/// How values of a type become bytes and come back, as plain functions: whoever holds a codec needs no bounds on `V`.
pub struct Codec<V> {
    encode: fn(&V) -> Result<Payload, EncodeError>,
    decode: fn(&[u8]) -> Decoded<V>,
    size: Weigh<V>,
}

impl<V: Serialize + DeserializeOwned> Codec<V> {
    pub(crate) const fn new() -> Self {
        Self { encode, decode, size: encoded_size::<V> }
    }
}

/// An `Arc` is written and read as what it points to: changing `T` to `Arc<T>` keeps what is stored.
impl<T: Serialize + ?Sized> Codec<Arc<T>>
where
    Box<T>: DeserializeOwned,
{
    pub(crate) const fn of_shared() -> Self {
        Self {
            encode: |shared| encode(&**shared),
            decode: |payload| decode::<Box<T>>(payload).map(|(owned, shape)| (owned.into(), shape)),
            size: |shared| encoded_size(&**shared),
        }
    }
}

impl<T: Serialize + ?Sized> Codec<Option<Arc<T>>>
where
    Box<T>: DeserializeOwned,
{
    pub(crate) const fn of_optional_shared() -> Self {
        Self {
            encode: |shared| encode(&shared.as_deref()),
            decode: |payload| {
                let (owned, shape) = decode::<Option<Box<T>>>(payload)?;
                Ok((owned.map(Arc::from), shape))
            },
            size: |shared| encoded_size(&shared.as_deref()),
        }
    }
}

impl<V> Codec<V> {
    pub(crate) fn encode(self, value: &V) -> Result<Payload, EncodeError> {
        (self.encode)(value)
    }

    /// The value, and its fingerprint.
    pub(crate) fn decode(self, payload: &[u8]) -> Decoded<V> {
        (self.decode)(payload)
    }

    /// How large a value is when it is encoded, without encoding it.
    pub(crate) const fn size(self) -> Weigh<V> {
        self.size
    }

    /// Encodes `value` and makes sure that it comes back. For a function's first store.
    pub(crate) fn survives_round_trip(self, value: &V) -> Result<Payload, NoRoundTrip> {
        let payload = self.encode(value).map_err(NoRoundTrip::Encode)?;
        let (_, shape) = self.decode(payload.as_bytes()).map_err(NoRoundTrip::Decode)?;
        if shape == payload.shape { Ok(payload) } else { Err(NoRoundTrip::OtherShape) }
    }
}

impl<V> Clone for Codec<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Codec<V> {}

impl<V> fmt::Debug for Codec<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec").finish_non_exhaustive()
    }
}

fn encode<V: Serialize + ?Sized>(value: &V) -> Result<Payload, EncodeError> {
    let shape = shape::fingerprint(value).map_err(EncodeError::Shape)?;
    let bytes = postcard::to_extend(value, Vec::with_capacity(USUAL_SIZE)).map_err(EncodeError::Postcard)?;
    Ok(Payload { bytes, start: 0, shape })
}

fn decode<V: Serialize + DeserializeOwned>(payload: &[u8]) -> Decoded<V> {
    let (value, rest) = postcard::take_from_bytes::<V>(payload).map_err(Refusal::Undecodable)?;
    if !rest.is_empty() {
        return Err(Refusal::TrailingBytes(rest.len()));
    }
    let shape = shape::fingerprint(&value).map_err(|_| Refusal::OtherShape)?;
    Ok((value, shape))
}
