//! Copying what is worth keeping into a fresh store, beside the running one.
//!
//! This is how rows are given up *and* how space comes back: no engine returns the space of single rows to the
//! file system reliably, but a deleted file does. Until the copy is complete the old store stays the current
//! one; every change goes to both. A crash in between leaves a directory that the ledger does not name.

use super::{
    engine::{Change, Dirt, Durability, Fault, Scanned, guarded},
    row::{IDENTITY, Row, is_row},
    store::Volume,
};
use crate::clock::Timestamp;

/// More functions than this per store start with a new epoch after a rewrite, that is, empty.
const EPOCHS: u64 = 1 << 16;

/// How many degrees of tightness there are when room gets short.
pub(super) const PRESSURES: usize = 4;

pub(super) struct Rewrite {
    fresh: Volume,
    /// The age from which on rows are kept, looser first.
    keep_from: [u64; PRESSURES],
    after: Option<Vec<u8>>,
    sync_after: u64,
    unsynced: u64,
    copied: u64,
    epochs: u64,
}

impl Rewrite {
    /// Begins to copy the rows that have not expired and have at least the age `keep_from` names for the pressure.
    pub(super) const fn into(fresh: Volume, keep_from: [u64; PRESSURES], sync_after: u64) -> Self {
        Self { fresh, keep_from, after: None, sync_after, unsynced: 0, copied: 0, epochs: 0 }
    }

    /// Copies about `bytes` more from `current`.
    pub(super) fn step(
        &mut self,
        current: &Volume,
        bytes: usize,
        pressure: usize,
        now: Timestamp,
    ) -> Result<Step, Fault> {
        let keep_from = self.keep_from.get(pressure).copied().unwrap_or(u64::MAX);
        let mut changes = Vec::new();
        let after = self.after.take();
        let scanned = guarded(|| {
            current.engine.scan(after.as_deref(), bytes, &mut |key, value| {
                if self.keeps(key, value, keep_from, now) {
                    changes.push(Change { key: key.into(), value: Some(value.into()) });
                }
            })
        })?;
        // A tree that is filled in order of its keys splits into half-empty pages.
        fastrand::shuffle(&mut changes);
        self.mirror(&changes).map_err(|fault| Fault::Refused(fault.cause().clone()))?;
        Ok(match scanned {
            Scanned::UpTo(key) => {
                self.after = Some(key);
                Step::More
            }
            Scanned::Everything => Step::Complete,
        })
    }

    fn keeps(&mut self, key: &[u8], value: &[u8], keep_from: u64, now: Timestamp) -> bool {
        if is_row(key) {
            return Row::decode(key, value).is_some_and(|row| row.expires > now && row.age >= keep_from);
        }
        self.epochs += 1;
        key != IDENTITY && self.epochs <= EPOCHS
    }

    /// Makes changes of the current store in the fresh one, too.
    pub(super) fn mirror(&mut self, changes: &[Change]) -> Result<(), Fault> {
        let dirt = Dirt::of(changes);
        self.unsynced += dirt.pages;
        self.copied += dirt.bytes;
        let durability = if self.unsynced >= self.sync_after { Durability::Synced } else { Durability::Lazy };
        guarded(|| self.fresh.engine.apply(changes, durability))?;
        if durability == Durability::Synced {
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Bytes of all changes that were made in the fresh store.
    pub(super) const fn copied(&self) -> u64 {
        self.copied
    }

    pub(super) fn finish(self) -> Volume {
        self.fresh
    }
}

/// Whether a rewrite has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Complete,
}
