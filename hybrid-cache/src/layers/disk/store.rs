//! The store of this process: the slot, the ledger and one open engine, opened, verified, replaced.
//!
//! Used by the writing thread only.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    engine::{self, Change, Durability, Engine, Fault, guarded},
    exchange::random,
    journal::{Journal, Place, Span},
    ledger::{self, Entry, Found, Ledger},
    row::{IDENTITY, decode_numbers, encode_numbers},
    slot::{self, Slot},
};
use crate::{clock::Timestamp, config::DiskEngine};

/// How long reads under way may hold up the end of a store.
const LAST_READS: Duration = Duration::from_secs(1);

/// An open engine and where its files are.
pub(super) struct Volume {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) dir: PathBuf,
    pub(super) entry: Entry,
    /// Up to here it has forgotten what the journal says.
    pub(super) place: Place,
}

pub(super) struct Store {
    ledger: Ledger,
    pub(super) volume: Volume,
}

/// Why there is no store, and what is known of the files that were found.
#[derive(Debug)]
pub(super) struct Unopened {
    pub(super) fault: Fault,
    /// What is damaged, if something is.
    pub(super) suspects: Vec<PathBuf>,
}

impl From<Fault> for Unopened {
    fn from(fault: Fault) -> Self {
        Self { fault, suspects: Vec::new() }
    }
}

impl Store {
    /// Opens what the ledger of `slot` names, or makes a store where there is none, or none of which `journal` tells what it
    /// has missed.
    pub(super) fn open(
        slot: &Slot,
        kind: DiskEngine,
        cache_bytes: usize,
        (journal, span): (&Journal, Span),
        now: Timestamp,
    ) -> Result<Self, Unopened> {
        let (ledger, found) = Ledger::open(&slot.path, now)?;
        let stores = slot::stores(&slot.path)?;
        let entry = match found {
            Found::Entry(entry) if entry.ready => Some(entry),
            // Not a word of a store that was being made: nothing was ever answered from it.
            Found::Entry(_) => None,
            Found::Nothing | Found::Unreadable if stores.is_empty() => None,
            Found::Nothing | Found::Unreadable => {
                let fault = Fault::damaged("there is a store, but no ledger that vouches for it");
                return Err(Unopened { fault, suspects: stores });
            }
        };
        let current = entry.map(|entry| slot.path.join(store_name(&entry)));
        for store in stores.iter().filter(|store| current.as_ref() != Some(*store)) {
            slot::remove(store)?;
        }
        // The other engine's rows are of no use, and would miss what is removed from now on.
        let usable = entry.zip(current).filter(|(entry, dir)| entry.engine == kind && !is_gone(dir));
        if let Some((entry, dir)) = usable {
            match Volume::open_existing(entry, dir.clone(), cache_bytes) {
                Ok(volume) if journal.follow(volume.place)? => return Ok(Self { ledger, volume }),
                Ok(volume) => {
                    let dir = dir.display();
                    tracing::info!(%dir, "this store of the disk cache has missed removals that are not known any more; it begins empty");
                    volume.close();
                }
                Err(fault) => return Err(Unopened { fault, suspects: vec![dir] }),
            }
        }
        for store in slot::stores(&slot.path)? {
            slot::remove(&store)?;
        }
        let generation = if let Found::Entry(entry) = found { entry.generation + 1 } else { 1 };
        Ok(Self::create(slot, ledger, kind, generation, cache_bytes, span.end())?)
    }

    fn create(
        slot: &Slot,
        mut ledger: Ledger,
        kind: DiskEngine,
        generation: u64,
        cache_bytes: usize,
        place: Place,
    ) -> Result<Self, Fault> {
        let mut entry = Entry { generation, identity: random(), engine: kind, ready: false };
        ledger.write(&entry).map_err(Fault::refused)?;
        // Nothing was here that could be damaged.
        let made = Volume::create(slot, entry, cache_bytes, place);
        let made = made.and_then(|volume| volume.identify(Durability::Synced).map(|()| volume));
        let volume = made.map_err(|fault| Fault::Refused(fault.cause().clone()))?;
        entry.ready = true;
        ledger.write(&entry).map_err(Fault::refused)?;
        Ok(Self { ledger, volume: Volume { entry, ..volume } })
    }

    /// Makes `changes`, which are all that the journal says up to `place`.
    pub(super) fn commit(
        &mut self,
        mut changes: Vec<Change>,
        place: Place,
        durability: Durability,
    ) -> Result<(), Fault> {
        let volume = &mut self.volume;
        if place != volume.place {
            volume.place = place;
            // Last: an engine that recovers only some of them has not come to this place.
            changes.push(volume.identity());
        }
        guarded(|| volume.engine.apply(&changes, durability))
    }

    /// Has the engine bring all changes so far to the disk.
    pub(super) fn sync(&self) -> Result<(), Fault> {
        guarded(|| self.volume.engine.apply(&[], Durability::Synced))
    }

    /// Makes `fresh`, which holds all that is to be kept, the store; the one before is returned.
    pub(super) fn switch_to(&mut self, mut fresh: Volume) -> Result<Volume, Fault> {
        fresh.place = self.volume.place;
        fresh.entry.ready = true;
        fresh.identify(Durability::Synced)?;
        self.ledger.write(&fresh.entry).map_err(Fault::refused)?;
        Ok(std::mem::replace(&mut self.volume, fresh))
    }

    pub(super) fn close(self) {
        self.volume.close();
    }
}

/// Removes whatever stores are in `slot`, and the ledger that would miss them. Works also on a full disk.
pub(super) fn delete_stores(slot: &Slot) -> Result<(), Fault> {
    for store in slot::stores(&slot.path)? {
        slot::remove(&store)?;
    }
    slot::remove(&slot.path.join(ledger::FILE))
}

impl Volume {
    /// Waits a moment for reads under way and lets the engine write what it has to.
    pub(super) fn close(self) {
        let patience = Instant::now() + LAST_READS;
        while Arc::strong_count(&self.engine) > 1 && Instant::now() < patience {
            thread::sleep(Duration::from_millis(1));
        }
        // A damaged store may panic even here.
        guarded(|| {
            drop(self.engine);
            Ok(())
        })
        .ok();
    }

    /// An empty engine in a directory of its own; whatever lies there is removed.
    pub(super) fn create(slot: &Slot, entry: Entry, cache_bytes: usize, place: Place) -> Result<Self, Fault> {
        let dir = slot.path.join(store_name(&entry));
        slot::remove(&dir)?;
        slot::make_store_dir(&dir)?;
        let engine = engine::open(entry.engine, &dir, cache_bytes)?;
        slot::measure(&dir)?; // for the modes
        Ok(Self { engine, dir, entry, place })
    }

    fn open_existing(entry: Entry, dir: PathBuf, cache_bytes: usize) -> Result<Self, Fault> {
        if !slot::holds_only_files(&dir) {
            return Err(Fault::damaged("there is something in it that is no file"));
        }
        let engine = engine::open(entry.engine, &dir, cache_bytes)?;
        let identity = guarded(|| engine.read(IDENTITY))?;
        match identity.and_then(|bytes| decode_numbers(IDENTITY, &bytes)) {
            Some([identity, log, at]) if identity == entry.identity => {
                slot::make_store_dir(&dir)?;
                slot::measure(&dir)?; // for the modes
                Ok(Self { engine, dir, entry, place: Place { log, at } })
            }
            _ => Err(Fault::damaged("it is not the store that was made here")),
        }
    }

    /// Closes the engine and removes its files. What cannot be removed now is at the next start, because the
    /// ledger does not name it.
    pub(super) fn delete(self) {
        let dir = self.dir.clone();
        self.close();
        slot::remove(&dir).ok();
    }

    fn identity(&self) -> Change {
        let Place { log, at } = self.place;
        let numbers = encode_numbers(IDENTITY, [self.entry.identity, log, at]);
        Change { key: IDENTITY.into(), value: Some(numbers) }
    }

    fn identify(&self, durability: Durability) -> Result<(), Fault> {
        guarded(|| self.engine.apply(&[self.identity()], durability))
    }
}

/// Deleted, as opposed to something that cannot be a store.
fn is_gone(dir: &Path) -> bool {
    let gone = matches!(fs::symlink_metadata(dir), Err(error) if error.kind() == io::ErrorKind::NotFound);
    if gone {
        tracing::warn!(dir = %dir.display(), "this store of the disk cache is gone; an empty one takes its place");
    }
    gone
}

fn store_name(entry: &Entry) -> String {
    let engine = match entry.engine {
        DiskEngine::Redb => "redb",
        DiskEngine::Sled => "sled",
    };
    format!("{engine}-{}", entry.generation)
}
