//! The writing thread: opens the store, turns what is queued into one transaction at a time, keeps it tidy.
//!
//! Everything that can go wrong with the store ends here, in [`Writer::failed`]: a refusal of the operating
//! system is a pause, damage means a new store, and damage again soon after is the end of the layer.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    batch::Batch,
    engine::{Change, Dirt, Durability, Fault, missing_feature},
    exchange::{Exchange, Gate, Write, resting},
    ledger,
    slot::{self, Slot},
    store::{Store, Unopened, delete_stores},
    sync::read,
    tidy::{Limits, Outcome, Tidy},
};
use crate::{clock::Timestamp, layers::Removal};

/// Most requests in one transaction.
const BATCH: usize = 1024;
/// Puts are on the disk after at most this time.
const SYNC_EVERY: Duration = Duration::from_secs(1);
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
            self.handle(requests);
            self.sync_if_due();
            busy = self.tidy();
            self.exchange.tidying.store(busy, Ordering::Release);
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
        let most = if busy { self.limits.small_batch } else { self.limits.batch };
        let (mut count, mut bytes) = (0, 0);
        self.exchange.writes.take(wait, |request| {
            count += 1;
            if let Write::Put { row, .. } = request {
                bytes += row.len();
            }
            count == BATCH || bytes >= most
        })
    }

    fn handle(&mut self, requests: Vec<Write>) {
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
        if self.exchange.is_shut() && self.exchange.rest.is_over() {
            self.open();
        }
        if !batch.is_empty() {
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Batch) {
        let Some((store, tidy)) = &mut self.opened else { return self.refuse(batch) };
        let durability = if batch.flushes { Durability::Synced } else { Durability::Lazy };
        if let Err(fault) = store.commit(batch.changes().to_vec(), batch.removes, durability) {
            self.owe(&batch);
            self.failed(&fault);
            let removal = if self.owed.is_empty() { Removal::Done } else { Removal::Queued };
            return batch.settle(|| Err(self.exchange.error("write", &fault)), || Ok(removal));
        }
        let dirt = Dirt::of(batch.changes());
        tidy.wrote(batch.changes(), dirt);
        if batch.removes || batch.flushes {
            self.synced();
        } else {
            if self.unsynced == 0 {
                self.synced_at = Instant::now();
            }
            self.unsynced += dirt.pages;
        }
        batch.settle(|| Ok(()), || Ok(Removal::Done));
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
                self.owe(&batch);
                batch.settle(|| Err(resting()), || Ok(Removal::Queued));
            }
        }
    }

    /// Remembers what must be forgotten. One too many is enough to know that it was too many.
    fn owe(&mut self, batch: &Batch) {
        let room = (OWED + 1).saturating_sub(self.owed.len());
        self.owed.extend(batch.removals().into_iter().take(room));
    }

    fn sync_if_due(&mut self) {
        let due = self.unsynced >= self.limits.sync_after
            || (self.unsynced > 0 && self.synced_at.elapsed() >= SYNC_EVERY);
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
    fn tidy(&mut self) -> bool {
        let (Some((store, tidy)), Some(slot)) = (&mut self.opened, &self.slot) else { return false };
        match tidy.step(store, slot, self.exchange.clock.now()) {
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
        let opened = Store::open(slot, settings.engine, self.limits.cache);
        if self.owed.is_empty() || matches!(opened, Err(Unopened { fault: Fault::Damaged(_), .. })) {
            return opened;
        }
        let paid = opened.and_then(|mut store| {
            store.commit(self.owed.clone(), true, Durability::Synced)?;
            Ok(store)
        });
        if paid.is_err() || self.owed.len() > OWED {
            // What cannot be removed row by row goes as a whole: it is a cache.
            if let Ok(store) = paid {
                store.close();
            }
            delete_stores(slot)?;
            self.exchange.epochs.clear();
            self.owed.clear();
            return Store::open(slot, settings.engine, self.limits.cache);
        }
        self.owed.clear();
        paid
    }

    /// The store does not do what it is for.
    fn failed(&mut self, fault: &Fault) {
        let Some((store, tidy)) = self.opened.take() else { return };
        self.exchange.set_gate(Gate::Shut);
        self.synced();
        let dir = store.volume.dir.clone();
        tidy.close();
        store.close();
        if let (Fault::Refused(_), false, Some(slot)) = (fault, self.owed.is_empty(), &self.slot)
            && delete_stores(slot).is_ok()
        {
            // A removal that could not be written took the store with it.
            self.forget_everything();
        }
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
        if let Err(refused) = self.set_aside(suspects, now) {
            // It must not be read again, and it is still there.
            tracing::warn!(%cause, refusal = %refused.cause(), "the disk cache is damaged and cannot be set aside; it is switched off");
            return self.switch_off(fault.clone(), false);
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

    fn set_aside(&self, suspects: &[PathBuf], now: Timestamp) -> Result<(), Fault> {
        for suspect in suspects.iter().filter(|suspect| suspect.exists()) {
            slot::set_aside(suspect, now)?;
        }
        // Last: until here it vouches for a store that is damaged, and without it none would be trusted.
        self.slot.as_ref().map_or(Ok(()), |slot| slot::remove(&slot.path.join(ledger::FILE)))
    }

    fn forget_everything(&mut self) {
        self.owed.clear();
        self.exchange.epochs.clear();
    }

    fn switch_off(&self, why: Fault, empty: bool) {
        self.exchange.set_gate(Gate::Off { why, empty });
    }
}
