//! The fixed part of a record: what scripts in Redis look at and change without reading the rest.

use super::refusal::Refusal;

/// The prefix with the checksum; the header begins here.
pub(super) const PREFIX_LEN: usize = 36;

const MAGIC: [u8; 2] = *b"hC";
const WIRE_VERSION: u8 = 2;
pub(super) const KIND_VALUE: u8 = 1;
pub(super) const KIND_VOID: u8 = 2;

/// Nobody is loading it. Claims come with a later version and have their place already.
const NO_CLAIM: [u8; 16] = [0; 16];

/// The parts of the prefix that are not always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) kind: u8,
    pub(super) generation: u64,
    pub(super) checksum: u64,
}

impl Prefix {
    pub(super) fn to_bytes(self) -> [u8; PREFIX_LEN] {
        let mut bytes = [0; PREFIX_LEN];
        let parts: [&[u8]; 5] = [
            &MAGIC,
            &[WIRE_VERSION, self.kind],
            &self.generation.to_le_bytes(),
            &NO_CLAIM,
            &self.checksum.to_le_bytes(),
        ];
        for (byte, part) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *byte = *part;
        }
        bytes
    }

    /// The prefix of a record that holds a value.
    pub(super) fn read(record: &[u8]) -> Result<Self, Refusal> {
        let prefix = Self::read_any(record)?;
        if prefix.kind == KIND_VOID { Err(Refusal::Void) } else { Ok(prefix) }
    }

    /// The prefix of a record of either kind.
    pub(super) fn read_any(record: &[u8]) -> Result<Self, Refusal> {
        let (magic, rest) = record.split_first_chunk::<2>().ok_or(Refusal::Truncated)?;
        if *magic != MAGIC {
            return Err(Refusal::NotOurs);
        }
        let ([version, kind], rest) = rest.split_first_chunk::<2>().ok_or(Refusal::Truncated)?;
        if *version != WIRE_VERSION {
            return Err(Refusal::WireVersion(*version));
        }
        if !matches!(*kind, KIND_VALUE | KIND_VOID) {
            return Err(Refusal::NotOurs);
        }
        let (generation, rest) = rest.split_first_chunk::<8>().ok_or(Refusal::Truncated)?;
        let (_claim, rest) = rest.split_first_chunk::<16>().ok_or(Refusal::Truncated)?;
        let (checksum, _header) = rest.split_first_chunk::<8>().ok_or(Refusal::Truncated)?;
        Ok(Self {
            kind: *kind,
            generation: u64::from_le_bytes(*generation),
            checksum: u64::from_le_bytes(*checksum),
        })
    }
}
