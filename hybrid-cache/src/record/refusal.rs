//! Why bytes are not a record of ours.

use crate::shape::DEEPEST;

/// Why a record is treated as absent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("not a record of this library")]
    NotOurs,
    #[error("written in wire version {0}, which this version of the library does not read")]
    WireVersion(u8),
    #[error("invalidated, and not computed again since")]
    Void,
    #[error("too short for a record")]
    Truncated,
    #[error("the checksum does not match: the record is damaged")]
    Checksum,
    #[error("the header cannot be decoded")]
    Header(#[source] postcard::Error),
    #[error("has flags {0:#x}, which this version of the library does not know")]
    UnknownFlags(u32),
    #[error("belongs to another key")]
    OtherKey,
    #[error("from before all answers of the function were forgotten")]
    OtherEpoch,
    #[error("from before the answer was forgotten or replaced in the shared layer")]
    OtherGeneration,
    #[error("its dates are out of order")]
    Dates,
    #[error("the value cannot be decoded")]
    Undecodable(#[source] postcard::Error),
    #[error("{0} bytes are left over behind the value")]
    TrailingBytes(usize),
    #[error("the value's type, or the function's version, was another one when this was stored")]
    OtherType,
    #[error("the value looks otherwise than the one that was stored")]
    OtherShape,
    #[error("the value is nested more than {DEEPEST} deep")]
    TooDeep,
    #[error("the value takes much more memory than its bytes warrant")]
    TooLarge,
    #[error("the value's Deserialize or Serialize panicked")]
    Panicked,
}
