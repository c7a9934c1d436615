//! The writing thread: opens the store, turns what is queued into one transaction at a time, keeps it tidy.
//!
//! Everything that can go wrong with the store ends here, in [`Writer::failed`]: a refusal of the operating
//! system is a pause, damage means a new store, and damage again soon after is the end of the layer.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    batch::Batch,
    engine::{Change, Durability, Fault, missing_feature},
    exchange::{Exchange, Gate, Write, resting},
    ledger,
    slot::{self, Slot},
    store::{Store, Unopened},
    sync::read,
    tidy::{Limits, Outcome, Tidy},
};
use crate::{clock::Timestamp, layers::Removal};

/// Most requests, and about the most bytes, in one transaction.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 4 << 20;
/// Puts are on the disk after at most this time, or this many bytes.
const SYNC_EVERY: Duration = Duration::from_secs(1);
const SYNC_AFTER: u64 = 16 << 20;
/// With nothing to do, the time is still looked at: rows expire.
const IDLE: Duration = Duration::from_mins(1);
/// Two damaged stores within this time are no accident.
const DAMAGE_MEMORY: Duration = Duration::from_mins(10);
/// Removals remembered while the store cannot be written; with more, it begins anew.
const OWED: usize = 16 * 1024;

pub(super) struct Writer {
    exchange: Arc<Exchange>,
    limits: Limits,
    slot: Option<Slot>,
    opened: Option<(Store, Tidy)>,
    /// Removals that could not be made; the store is not read before they are.
    owed: Vec<Change>,
    unsynced: u64,
    synced_at: Instant,
    damaged_at: Option<Timestamp>,
    said_refused: bool,
}

impl Writer {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self {
            limits: Limits::new(exchange.settings.max_bytes),
            exchange,
            slot: None,
            opened: None,
            owed: Vec::new(),
            unsynced: 0,
            synced_at: Instant::now(),
            damaged_at: None,
            said_refused: false,
        }
    }

    /// Works until the queue is closed, then brings everything to the disk and lets go of the slot.
    pub(super) fn run(&mut self) {
        let mut busy = false;
        loop {
            let requests = self.next_requests(busy);
            if requests.is_empty() && self.exchange.writes.is_closed() {
                break;
            }
            let written = self.handle(requests);
            self.sync_if_due();
            busy = self.tidy(written);
        }
        if let Some((mut store, tidy)) = self.opened.take() {
            self.exchange.set_gate(Gate::Closed);
            store.commit(Vec::new(), false, Durability::Synced).ok();
            tidy.close();
            store.close();
        }
        self.slot = None;
    }

    fn next_requests(&self, busy: bool) -> Vec<Write> {
        let wait = match (busy, self.unsynced) {
            (true, _) => Duration::ZERO,
            (false, 0) => IDLE,
            (false, _) => SYNC_EVERY.saturating_sub(self.synced_at.elapsed()),
        };
        let (mut count, mut bytes) = (0, 0);
        self.exchange.writes.take(wait, |request| {
            count += 1;
            if let Write::Put { row, .. } = request {
                bytes += row.len();
            }
            count == BATCH || bytes >= BATCH_BYTES
        })
    }

    /// Returns how many bytes were written.
    fn handle(&mut self, requests: Vec<Write>) -> u64 {
        let mut batch = Batch::default();
        for request in requests {
            match request {
                Write::Trouble { engine, fault } => {
                    let current = self.opened.as_ref();
                    if current.is_some_and(|(store, _)| Arc::ptr_eq(&store.volume.engine, &engine)) {
                        drop(engine);
                        self.failed(&fault);
                    }
                }
                request => batch.add(request, &self.exchange.epochs),
            }
        }
        if self.opened.is_none() && self.exchange.rest.is_over() {
            self.open();
        }
        if batch.is_empty() {
            return 0;
        }
        self.commit(batch)
    }

    fn commit(&mut self, batch: Batch) -> u64 {
        let Some((store, tidy)) = &mut self.opened else {
            self.refuse(batch);
            return 0;
        };
        let durability = if batch.flushes { Durability::Synced } else { Durability::Lazy };
        match store.commit(batch.changes().to_vec(), batch.removes, durability) {
            Ok(()) => {
                let bytes = batch.bytes;
                tidy.wrote(batch.changes(), bytes);
                if batch.removes || batch.flushes {
                    self.synced();
                } else {
                    if self.unsynced == 0 {
                        self.synced_at = Instant::now();
                    }
                    self.unsynced += bytes.max(1);
                }
                batch.settle(|| Ok(()), || Ok(Removal::Done));
                bytes
            }
            Err(fault) => {
                self.owed.extend(batch.removals());
                self.failed(&fault);
                let settled = self.owed.is_empty();
                let removal = if settled { Removal::Done } else { Removal::Queued };
                batch.settle(|| Err(self.exchange.error("write", &fault)), || Ok(removal));
                0
            }
        }
    }

    /// There is no store.
    fn refuse(&mut self, batch: Batch) {
        let off = match &*read(&self.exchange.gate) {
            Gate::Off { empty: true, .. } => Some(Ok(Removal::Done)),
            Gate::Off { why, .. } => Some(Err(why.clone())),
            _ => None,
        };
        let error = |fault: &Fault| self.exchange.error("be used", fault);
        match off {
            Some(Ok(removal)) => batch.settle(|| Err(resting()), || Ok(removal)),
            Some(Err(why)) => batch.settle(|| Err(error(&why)), || Err(error(&why))),
            None => {
                // Until the next opening; nothing is read before these are made.
                self.owed.extend(batch.removals());
                batch.settle(|| Err(resting()), || Ok(Removal::Queued));
            }
        }
    }

    fn sync_if_due(&mut self) {
        let due =
            self.unsynced >= SYNC_AFTER || (self.unsynced > 0 && self.synced_at.elapsed() >= SYNC_EVERY);
        if let Some((store, _)) = self.opened.as_mut().filter(|_| due) {
            match store.commit(Vec::new(), false, Durability::Synced) {
                Ok(()) => self.synced(),
                Err(fault) => self.failed(&fault),
            }
        }
    }

    fn synced(&mut self) {
        self.unsynced = 0;
        self.synced_at = Instant::now();
    }

    /// Returns whether there is more to do.
    fn tidy(&mut self, written: u64) -> bool {
        let (Some((store, tidy)), Some(slot)) = (&mut self.opened, &self.slot) else { return false };
        match tidy.step(store, slot, written, self.exchange.clock.now()) {
            Ok(Outcome::Idle) => return false,
            Ok(Outcome::Busy) => {}
            Ok(Outcome::Switched(replaced)) => {
                self.exchange.set_gate(Gate::Open(Arc::clone(&store.volume.engine)));
                tidy.retire(replaced);
            }
            Err(fault) => self.failed(&fault),
        }
        true
    }

    pub(super) fn open(&mut self) {
        let engine = self.exchange.settings.engine;
        if let Some(feature) = missing_feature(engine) {
            let why = format!("the engine {engine:?} needs the feature `{feature}` of hybrid-cache");
            tracing::warn!("the disk cache is off: {why}");
            return self.switch_off(Fault::refused(why), false);
        }
        match self.try_open() {
            Ok(store) => {
                let tidy = Tidy::new(self.limits, self.exchange.clock.now());
                self.exchange.set_gate(Gate::Open(Arc::clone(&store.volume.engine)));
                self.opened = Some((store, tidy));
                if std::mem::take(&mut self.said_refused) {
                    tracing::info!(dir = %self.exchange.settings.dir.display(), "the disk cache is back");
                }
            }
            Err(Unopened { fault, suspects }) => self.cannot_open(&fault, &suspects),
        }
    }

    fn try_open(&mut self) -> Result<Store, Unopened> {
        let settings = &self.exchange.settings;
        let slot = match self.slot.take() {
            Some(slot) => slot,
            None => slot::claim(&settings.dir, self.exchange.clock.now())?,
        };
        let slot = self.slot.insert(slot);
        let mut store = Store::open(slot, settings.engine, self.limits.cache)?;
        if self.owed.is_empty() {
            return Ok(store);
        }
        if self.owed.len() <= OWED && store.commit(self.owed.clone(), true, Durability::Synced).is_ok() {
            self.owed.clear();
            return Ok(store);
        }
        // What cannot be removed row by row goes as a whole: it is a cache.
        store.delete(slot)?;
        self.owed.clear();
        self.exchange.epochs.clear();
        Ok(Store::open(slot, settings.engine, self.limits.cache)?)
    }

    /// The store does not do what it is for.
    fn failed(&mut self, fault: &Fault) {
        let Some((store, tidy)) = self.opened.take() else { return };
        self.exchange.set_gate(Gate::Shut);
        self.synced();
        let dir = store.volume.dir.clone();
        tidy.close();
        store.close();
        self.cannot_open(fault, &[dir]);
    }

    fn cannot_open(&mut self, fault: &Fault, suspects: &[PathBuf]) {
        match fault {
            Fault::Refused(cause) => {
                self.exchange.rest.refused();
                if !std::mem::replace(&mut self.said_refused, true) {
                    let dir = self.exchange.settings.dir.display();
                    tracing::warn!(%dir, %cause, "the disk cache cannot be used for now; answers are kept in the other layers");
                }
            }
            Fault::Damaged(_) => self.replace(fault, suspects),
        }
    }

    /// Sets a damaged store aside and begins an empty one.
    fn replace(&mut self, fault: &Fault, suspects: &[PathBuf]) {
        let now = self.exchange.clock.now();
        let again = self.damaged_at.replace(now).is_some_and(|before| now.since(before) < DAMAGE_MEMORY);
        let cause = fault.cause();
        let there = suspects.iter().filter(|suspect| suspect.exists());
        let aside = there.map(|suspect| slot::set_aside(suspect, now)).find_map(Result::err);
        if let Some(refused) = aside {
            // It must not be read again, and it is still there.
            tracing::warn!(%cause, refusal = %refused.cause(), "the disk cache is damaged and cannot be set aside; it is switched off");
            return self.switch_off(fault.clone(), false);
        }
        // It vouches for what is gone, and would have the empty store taken for a damaged one.
        if let Some(slot) = &self.slot {
            slot::remove(&slot.path.join(ledger::FILE)).ok();
        }
        self.forget_everything();
        let dir = self.exchange.settings.dir.display();
        if again {
            tracing::warn!(%dir, %cause, "the disk cache was damaged again; it is switched off for this process");
            return self.switch_off(fault.clone(), true);
        }
        tracing::warn!(%dir, %cause, "the disk cache was damaged; it was set aside and an empty one took its place");
        self.open();
    }

    fn forget_everything(&mut self) {
        self.owed.clear();
        self.exchange.epochs.clear();
    }

    fn switch_off(&self, why: Fault, empty: bool) {
        self.exchange.set_gate(Gate::Off { why, empty });
    }
}
