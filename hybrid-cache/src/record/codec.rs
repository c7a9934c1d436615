//! Values to and from postcard, with their fingerprints. Nothing that the code of a type does gets out of here but values.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    bounds::{self, Taken},
    refusal::Refusal,
};
use crate::{
    outcome::Same,
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
    opening: u64,
    shape: u64,
}

impl Payload {
    /// The part of `record` from `start` on.
    pub(super) fn within(record: Vec<u8>, start: usize, opening: u64, shape: u64) -> Self {
        Self { bytes: record, start, opening, shape }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// What the type asks for before it is told anything; see `bounds.rs`.
    pub(crate) fn opening(&self) -> u64 {
        self.opening
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

/// A value does not come back from its encoded form as what it was, and is not kept there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRoundTrip {
    /// It cannot even be written.
    #[error("it cannot be written")]
    Encode(#[source] EncodeError),
    /// It was written and cannot be read.
    #[error(
        "it can be written but not read back: types that ask what follows (`serde_json::Value`, `Decimal`, \
         `#[serde(untagged)]`, `flatten`, internally tagged enums) need a format with names, which this is not"
    )]
    Decode(#[source] Refusal),
    /// It was written, and what is read is bounded.
    #[error("it can be written but is not read back, as that could take too much stack or memory")]
    Bounds(#[source] Refusal),
    /// It was read as something else.
    #[error("what was read back is not what was written: its Serialize and Deserialize disagree")]
    OtherShape,
    /// It was read as another value.
    #[error(
        "what was read back is not equal to what was written: a field is left out (`#[serde(skip)]`, \
         `skip_deserializing`), or written with less than it holds (a lossy `with` such as chrono's `ts_seconds`, a \
         `Decimal` as a float)"
    )]
    OtherValue,
    /// The type's own code failed.
    #[error("its Serialize, Deserialize or PartialEq panicked")]
    Panicked,
}

impl NoRoundTrip {
    /// Whether it says something of this value alone, though it be the first one.
    pub(crate) const fn is_of_the_value(&self) -> bool {
        matches!(
            self,
            Self::Bounds(_) | Self::Panicked | Self::Encode(EncodeError::Shape(ShapeError::TooDeep))
        )
    }
}

/// What was read, and its fingerprints.
#[derive(Debug)]
pub(crate) struct Decoded<V> {
    pub(crate) value: V,
    pub(crate) opening: u64,
    pub(crate) shape: u64,
}

/// A value to its bytes and its shape.
type Encode<V> = fn(&V) -> Result<(Vec<u8>, u64), EncodeError>;

/// Bytes of this shape, where it is known, to a value.
type Decode<V> = fn(&[u8], Option<u64>) -> Result<Decoded<V>, Refusal>;

/// How values of a type become bytes and come back, as plain functions: whoever holds a codec needs no bounds on `V`.
pub struct Codec<V> {
    encode: Encode<V>,
    decode: Decode<V>,
    size: Weigh<V>,
    same: Option<Same<V>>,
}

impl<V: Serialize + DeserializeOwned> Codec<V> {
    pub(crate) const fn new() -> Self {
        Self { encode, decode, size: encoded_size::<V>, same: None }
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
            decode: |payload, opening| Ok(decode::<Box<T>>(payload, opening)?.map(Arc::from)),
            size: |shared| encoded_size(&**shared),
            same: None,
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
            decode: |payload, opening| {
                Ok(decode::<Option<Box<T>>>(payload, opening)?.map(|owned| owned.map(Arc::from)))
            },
            size: |shared| encoded_size(&shared.as_deref()),
            same: None,
        }
    }
}

impl<V> Decoded<V> {
    fn map<U>(self, change: impl FnOnce(V) -> U) -> Decoded<U> {
        Decoded { value: change(self.value), opening: self.opening, shape: self.shape }
    }
}

impl<V> Codec<V> {
    /// How values are compared that were written and read back, if they can be.
    pub(crate) const fn comparing(mut self, same: Option<Same<V>>) -> Self {
        self.same = same;
        self
    }

    /// `value` as bytes that come back as what it is.
    ///
    /// They are read at once, with the bounds of every other reading: what would be refused then, or be another value, is
    /// not to be stored.
    pub(crate) fn encode(self, value: &V) -> Result<Payload, NoRoundTrip> {
        guarded(|| self.prove(value)).unwrap_or(Err(NoRoundTrip::Panicked))
    }

    fn prove(self, value: &V) -> Result<Payload, NoRoundTrip> {
        let (bytes, shape) = (self.encode)(value).map_err(NoRoundTrip::Encode)?;
        let read = (self.decode)(&bytes, None).map_err(|refusal| match refusal {
            Refusal::TooDeep | Refusal::TooLarge => NoRoundTrip::Bounds(refusal),
            _ => NoRoundTrip::Decode(refusal),
        })?;
        if read.shape != shape {
            return Err(NoRoundTrip::OtherShape);
        }
        // Of a value that is not equal to itself, such as a NaN, nothing can be said.
        if self.same.is_some_and(|same| !same(value, &read.value) && same(value, value)) {
            return Err(NoRoundTrip::OtherValue);
        }
        Ok(Payload { bytes, start: 0, opening: read.opening, shape })
    }

    /// The value, if its type asks for `opening` before it is told anything.
    pub(crate) fn decode(self, payload: &[u8], opening: u64) -> Result<Decoded<V>, Refusal> {
        guarded(|| (self.decode)(payload, Some(opening))).unwrap_or(Err(Refusal::Panicked))
    }

    /// The value, whatever its type asks for first.
    #[cfg(any(test, fuzzing))]
    pub(super) fn decode_any(self, payload: &[u8]) -> Result<Decoded<V>, Refusal> {
        guarded(|| (self.decode)(payload, None)).unwrap_or(Err(Refusal::Panicked))
    }

    /// How large a value is when it is encoded, without encoding it.
    pub(crate) const fn size(self) -> Weigh<V> {
        self.size
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

fn encode<V: Serialize + ?Sized>(value: &V) -> Result<(Vec<u8>, u64), EncodeError> {
    // First, as it says how deep the value is: encoding would follow it to the end of the stack.
    let shape = shape::fingerprint(value).map_err(EncodeError::Shape)?;
    let bytes = postcard::to_extend(value, Vec::with_capacity(USUAL_SIZE)).map_err(EncodeError::Postcard)?;
    Ok((bytes, shape))
}

fn decode<V: Serialize + DeserializeOwned>(
    payload: &[u8],
    opening: Option<u64>,
) -> Result<Decoded<V>, Refusal> {
    let Taken { value, opening, rest } = bounds::take::<V>(payload, opening)?;
    if !rest.is_empty() {
        return Err(Refusal::TrailingBytes(rest.len()));
    }
    let shape = shape::fingerprint(&value).map_err(|_| Refusal::OtherShape)?;
    Ok(Decoded { value, opening, shape })
}

/// What code about a value returns, its type's or its function's; `None` if it panics, which is not the caller's business.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}
