//! A small file beside the store that says which store is the current one: one that it does not name was left half made, and
//! one of another identity is not the one that was made here.
//!
//! Whether the store has lost what was written last is not asked here. A damaged store can look healthy and be *old*: redb
//! falls back to its previous commit, sled cuts its log at the first bad byte. Such a store also knows an old place in the
//! journal, and forgets once more what was forgotten since.

use std::{fs::File, io, path::Path};

use super::{
    engine::Fault,
    files,
    header::{self, Header},
};
use crate::{clock::Timestamp, config::DiskEngine};

const MAGIC: [u8; 8] = *b"hcdisk02";
/// Its name in the slot.
pub(super) const FILE: &str = "ledger";

/// What the ledger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number in the name of the current store's directory.
    pub(super) generation: u64,
    /// A random number that also stands in the store itself.
    pub(super) identity: u64,
    pub(super) engine: DiskEngine,
    /// Whether the store is complete; one that is being made may be thrown away without a word.
    pub(super) ready: bool,
}

/// What was found on opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Unreadable,
    Entry(Entry),
}

#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    header: Header,
}

impl Ledger {
    pub(super) fn open(dir: &Path, now: Timestamp) -> Result<(Self, Found), Fault> {
        let file = files::open_or_create(&dir.join(FILE), now)?;
        let (header, found) = Header::read(&file, MAGIC).map_err(Fault::refused)?;
        let found = match found {
            header::Found::Nothing => Found::Nothing,
            header::Found::Unreadable => Found::Unreadable,
            header::Found::Numbers(numbers) => Entry::decode(numbers).map_or(Found::Unreadable, Found::Entry),
        };
        Ok((Self { file, header }, found))
    }

    /// Returns when the entry is on the disk.
    pub(super) fn write(&mut self, entry: &Entry) -> io::Result<()> {
        self.header.write(&self.file, entry.encode())?;
        self.file.sync_data()
    }
}

impl Entry {
    const fn encode(&self) -> header::Numbers {
        let engine = match self.engine {
            DiskEngine::Redb => 0,
            DiskEngine::Sled => 1,
        };
        [self.generation, self.identity, engine, self.ready as u64, 0]
    }

    const fn decode(numbers: header::Numbers) -> Option<Self> {
        let [generation, identity, engine, ready, _] = numbers;
        let engine = match engine {
            0 => DiskEngine::Redb,
            1 => DiskEngine::Sled,
            _ => return None,
        };
        Some(Self { generation, identity, engine, ready: ready == 1 })
    }
}
