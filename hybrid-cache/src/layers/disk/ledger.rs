//! A small file beside the store that says which store is the current one and how many removals it must know.
//!
//! A damaged store can look healthy and be *old*: redb falls back to its previous commit, sled cuts its log at
//! the first bad byte. Rows that were removed since would be back. So every durable removal raises a number in
//! the store and then here; a store that knows a smaller number than the ledger has lost removals and is not
//! used.
//!
//! Two places of 64 bytes are written in turn, so that a torn write leaves the one before.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use twox_hash::XxHash3_64;

use crate::config::DiskEngine;

const MAGIC: [u8; 8] = *b"hcdisk01";
const PLACE: usize = 64;
/// Its name in the slot.
pub(super) const FILE: &str = "ledger";

/// What the ledger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number in the name of the current store's directory.
    pub(super) generation: u64,
    /// A random number that also stands in the store itself.
    pub(super) identity: u64,
    /// The store must know at least this many durable removals.
    pub(super) removals: u64,
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
    version: u64,
}

impl Ledger {
    pub(super) fn open(dir: &Path) -> io::Result<(Self, Found)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(dir.join(FILE))?;
        let mut bytes = Vec::new();
        (&mut file).take(2 * PLACE as u64).read_to_end(&mut bytes)?;
        let newest = bytes.chunks(PLACE).filter_map(decode).max_by_key(|(version, _)| *version);
        let found = match newest {
            Some((_, entry)) => Found::Entry(entry),
            None if bytes.is_empty() => Found::Nothing,
            None => Found::Unreadable,
        };
        Ok((Self { file, version: newest.map_or(0, |(version, _)| version) }, found))
    }

    /// Returns when the entry is on the disk.
    pub(super) fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let version = self.version.saturating_add(1);
        let place = (version % 2) * PLACE as u64;
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(&encode(version, entry))?;
        self.file.sync_data()?;
        self.version = version;
        Ok(())
    }
}

fn encode(version: u64, entry: &Entry) -> [u8; PLACE] {
    let flags = u64::from(entry.ready) | (u64::from(engine_number(entry.engine)) << 8);
    let mut bytes = Vec::with_capacity(PLACE);
    bytes.extend_from_slice(&MAGIC);
    for number in [version, entry.generation, entry.identity, entry.removals, flags, 0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&XxHash3_64::oneshot(&bytes).to_le_bytes());
    bytes.try_into().unwrap_or([0; PLACE])
}

fn decode(bytes: &[u8]) -> Option<(u64, Entry)> {
    let bytes: &[u8; PLACE] = bytes.try_into().ok()?;
    let (covered, checksum) = bytes.split_last_chunk::<8>()?;
    if u64::from_le_bytes(*checksum) != XxHash3_64::oneshot(covered) {
        return None;
    }
    let (words, _) = covered.as_chunks::<8>();
    let [magic, version, generation, identity, removals, flags, _] = words.try_into().ok()?;
    let [version, generation, identity, removals, flags] =
        [version, generation, identity, removals, flags].map(u64::from_le_bytes);
    let engine = match flags >> 8 {
        0 => DiskEngine::Redb,
        1 => DiskEngine::Sled,
        _ => return None,
    };
    let entry = Entry { generation, identity, removals, engine, ready: flags & 1 == 1 };
    (magic == MAGIC).then_some((version, entry))
}

const fn engine_number(engine: DiskEngine) -> u8 {
    match engine {
        DiskEngine::Redb => 0,
        DiskEngine::Sled => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(removals: u64) -> Entry {
        Entry { generation: 3, identity: 9, removals, engine: DiskEngine::Sled, ready: true }
    }

    fn reopened(dir: &Path) -> Found {
        Ledger::open(dir).unwrap().1
    }

    #[test]
    fn the_last_entry_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, found) = Ledger::open(dir.path()).unwrap();
        assert_eq!(found, Found::Nothing);

        for removals in 0..5 {
            ledger.write(&entry(removals)).unwrap();
            assert_eq!(reopened(dir.path()), Found::Entry(entry(removals)));
        }
    }

    #[test]
    fn a_torn_write_leaves_the_entry_before() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(dir.path()).unwrap();
        ledger.write(&entry(1)).unwrap();
        ledger.write(&entry(2)).unwrap();
        let file = dir.path().join(FILE);
        let mut bytes = std::fs::read(&file).unwrap();

        bytes[30] ^= 1; // entry 2 has version 2 and so the first place
        std::fs::write(&file, bytes).unwrap();

        assert_eq!(reopened(dir.path()), Found::Entry(entry(1)));
    }

    #[test]
    fn garbage_is_unreadable_and_not_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), [7; 200]).unwrap();

        assert_eq!(reopened(dir.path()), Found::Unreadable);
    }
}
