//! Copying what is worth keeping into a fresh store, beside the running one.
//!
//! This is how rows are given up *and* how space comes back: no engine returns the space of single rows to the
//! file system reliably, but a deleted file does. Until the copy is complete the old store stays the current
//! one; every change goes to both. A crash in between leaves a directory that the ledger does not name.

use super::{
    engine::{Change, Durability, Fault, Scanned, guarded},
    row::{IDENTITY, Row, is_row},
    store::Volume,
};
use crate::clock::Timestamp;

/// A fresh store is brought to the disk in pieces of this size, so that no single write takes long.
const SYNC_AFTER: u64 = 16 << 20;
/// More functions than this per store start with a new epoch after a rewrite, that is, empty.
const EPOCHS: u64 = 1 << 16;

pub(super) struct Rewrite {
    fresh: Volume,
    keep_from: u64,
    after: Option<Vec<u8>>,
    unsynced: u64,
    epochs: u64,
}

impl Rewrite {
    /// Begins to copy the rows of at least the age `keep_from` that have not expired.
    pub(super) const fn into(fresh: Volume, keep_from: u64) -> Self {
        Self { fresh, keep_from, after: None, unsynced: 0, epochs: 0 }
    }

    /// Copies about `bytes` more from `current`.
    pub(super) fn step(&mut self, current: &Volume, bytes: usize, now: Timestamp) -> Result<Step, Fault> {
        let mut changes = Vec::new();
        let after = self.after.take();
        let scanned = guarded(|| {
            current.engine.scan(after.as_deref(), bytes, &mut |key, value| {
                if self.keeps(key, value, now) {
                    changes.push(Change { key: key.into(), value: Some(value.into()) });
                }
            })
        })?;
        self.mirror(&changes).map_err(|fault| Fault::Refused(fault.cause().clone()))?;
        Ok(match scanned {
            Scanned::UpTo(key) => {
                self.after = Some(key);
                Step::More
            }
            Scanned::Everything => Step::Complete,
        })
    }

    fn keeps(&mut self, key: &[u8], value: &[u8], now: Timestamp) -> bool {
        if is_row(key) {
            return Row::decode(key, value).is_some_and(|row| row.expires > now && row.age >= self.keep_from);
        }
        self.epochs += 1;
        key != IDENTITY && self.epochs <= EPOCHS
    }

    /// Makes changes of the current store in the fresh one, too.
    pub(super) fn mirror(&mut self, changes: &[Change]) -> Result<(), Fault> {
        let size = |change: &Change| change.key.len() + change.value.as_ref().map_or(0, |value| value.len());
        self.unsynced += changes.iter().map(size).sum::<usize>() as u64;
        let durability = if self.unsynced >= SYNC_AFTER { Durability::Synced } else { Durability::Lazy };
        guarded(|| self.fresh.engine.apply(changes, durability))?;
        if durability == Durability::Synced {
            self.unsynced = 0;
        }
        Ok(())
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
