//! The store of this process: the slot, the ledger and one open engine, opened, verified, replaced.
//!
//! Used by the writing thread only.

use std::{
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    engine::{self, Change, Durability, Engine, Fault, guarded},
    exchange::random,
    ledger::{self, Entry, Found, Ledger},
    row::{IDENTITY, decode_numbers, encode_numbers},
    slot::{self, Slot},
};
use crate::config::DiskEngine;

/// How long reads under way may hold up the end of a store.
const LAST_READS: Duration = Duration::from_secs(1);

/// An open engine and where its files are.
pub(super) struct Volume {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) dir: PathBuf,
    pub(super) entry: Entry,
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
    /// Opens what the ledger of `slot` names, or makes a store where there is none.
    pub(super) fn open(slot: &Slot, kind: DiskEngine, cache_bytes: usize) -> Result<Self, Unopened> {
        let (ledger, found) = Ledger::open(&slot.path).map_err(Fault::refused)?;
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
        match entry.zip(current) {
            // The other engine's rows are of no use, and would miss what is removed from now on.
            Some((entry, dir)) if entry.engine != kind => {
                slot::remove(&dir)?;
                Ok(Self::create(slot, ledger, kind, entry.generation + 1, cache_bytes)?)
            }
            Some((entry, dir)) => match Volume::open_existing(entry, dir.clone(), cache_bytes) {
                Ok(volume) => Ok(Self { ledger, volume }),
                Err(fault) => Err(Unopened { fault, suspects: vec![dir] }),
            },
            None => {
                let after = if let Found::Entry(entry) = found { entry.generation } else { 0 };
                Ok(Self::create(slot, ledger, kind, after + 1, cache_bytes)?)
            }
        }
    }

    fn create(
        slot: &Slot,
        mut ledger: Ledger,
        kind: DiskEngine,
        generation: u64,
        cache_bytes: usize,
    ) -> Result<Self, Fault> {
        let mut entry = Entry { generation, identity: random(), removals: 0, engine: kind, ready: false };
        ledger.write(&entry).map_err(Fault::refused)?;
        // Nothing was here that could be damaged.
        let made = Volume::create(slot, entry, cache_bytes);
        let made = made.and_then(|volume| volume.identify(Durability::Synced).map(|()| volume));
        let volume = made.map_err(|fault| Fault::Refused(fault.cause().clone()))?;
        entry.ready = true;
        ledger.write(&entry).map_err(Fault::refused)?;
        Ok(Self { ledger, volume: Volume { entry, ..volume } })
    }

    /// Makes `changes`. With `removes`, they are on the disk afterwards, and no older state of the store will
    /// be taken for the current one.
    pub(super) fn commit(
        &mut self,
        mut changes: Vec<Change>,
        removes: bool,
        durability: Durability,
    ) -> Result<(), Fault> {
        let volume = &mut self.volume;
        if !removes {
            return guarded(|| volume.engine.apply(&changes, durability));
        }
        volume.entry.removals += 1;
        changes.push(volume.identity());
        guarded(|| volume.engine.apply(&changes, Durability::Synced))?;
        self.ledger.write(&volume.entry).map_err(Fault::refused)
    }

    /// Makes `fresh`, which holds all that is to be kept, the store; the one before is returned.
    pub(super) fn switch_to(&mut self, mut fresh: Volume) -> Result<Volume, Fault> {
        fresh.entry.removals = self.volume.entry.removals;
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
    pub(super) fn create(slot: &Slot, entry: Entry, cache_bytes: usize) -> Result<Self, Fault> {
        let dir = slot.path.join(store_name(&entry));
        slot::remove(&dir)?;
        slot::make_store_dir(&dir)?;
        let engine = engine::open(entry.engine, &dir, cache_bytes)?;
        slot::measure(&dir)?; // for the modes
        Ok(Self { engine, dir, entry })
    }

    fn open_existing(entry: Entry, dir: PathBuf, cache_bytes: usize) -> Result<Self, Fault> {
        if !dir.is_dir() {
            return Err(Fault::damaged("its directory is gone"));
        }
        let engine = engine::open(entry.engine, &dir, cache_bytes)?;
        let identity = guarded(|| engine.read(IDENTITY))?;
        match identity.and_then(|bytes| decode_numbers(IDENTITY, &bytes)) {
            Some([identity, removals]) if identity == entry.identity && removals >= entry.removals => {
                slot::make_store_dir(&dir)?;
                slot::measure(&dir)?; // for the modes
                Ok(Self { engine, dir, entry: Entry { removals, ..entry } })
            }
            Some([identity, _]) if identity == entry.identity => {
                Err(Fault::damaged("it has lost what was written last, removals among it"))
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
        let numbers = encode_numbers(IDENTITY, [self.entry.identity, self.entry.removals]);
        Change { key: IDENTITY.into(), value: Some(numbers) }
    }

    fn identify(&self, durability: Durability) -> Result<(), Fault> {
        guarded(|| self.engine.apply(&[self.identity()], durability))
    }
}

fn store_name(entry: &Entry) -> String {
    let engine = match entry.engine {
        DiskEngine::Redb => "redb",
        DiskEngine::Sled => "sled",
    };
    format!("{engine}-{}", entry.generation)
}
