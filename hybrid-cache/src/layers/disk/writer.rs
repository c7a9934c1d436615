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
    batch::{Batch, names},
    engine::{Dirt, Durability, Fault, missing_feature},
    exchange::{Exchange, Gate, Write, resting},
    journal::Pending,
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
/// Removals remembered while they cannot be written down; with more, nothing that is stored is trusted any more.
const OWED: usize = 16 * 1024;

pub(super) struct Writer {
    exchange: Arc<Exchange>,
    limits: Limits,
    slot: Option<Slot>,
    opened: Option<(Store, Tidy)>,
    /// Keys of removals that could not be written down; no store is opened before they are.
    owed: Vec<Arc<[u8]>>,
    /// The log of removals that the store agreed with. After another one, it begins empty.
    log: Option<u64>,
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
            log: None,
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
        if !self.owed.is_empty() {
            self.tell(Vec::new()).ok();
        }
        if let Some((store, tidy)) = self.opened.take() {
            self.exchange.set_gate(Gate::Closed);
            store.sync().ok();
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
        let mut to_commit = Vec::with_capacity(requests.len());
        for request in requests {
            match request {
                Write::Trouble { engine, fault } => {
                    let current = self.opened.as_ref();
                    if current.is_some_and(|(store, _)| Arc::ptr_eq(&store.volume.engine, &engine)) {
                        drop(engine);
                        self.failed(&fault);
                    }
                }
                request => to_commit.push(request),
            }
        }
        if self.exchange.is_shut() && self.exchange.rest.is_over() {
            self.open();
        }
        if !to_commit.is_empty() {
            self.commit(to_commit);
        }
    }

    fn commit(&mut self, requests: Vec<Write>) {
        let exchange = Arc::clone(&self.exchange);
        // Told first: what is forgotten is so from then on, whatever becomes of the store.
        let names = names(&requests);
        let told = if names.is_empty() { Ok(()) } else { self.tell(names) };
        let heard = match &self.opened {
            Some(_) => self.exchange.journal.look().map(drop),
            None => Ok(()),
        };
        if let Err(fault) = heard {
            self.failed(&fault);
        }
        let Pending { foreign, place } = exchange.journal.take();
        let mut batch = Batch::default();
        batch.add_foreign(foreign, &exchange.epochs);
        for request in requests {
            batch.add(request, &exchange.epochs, |key, since| exchange.journal.has_named(key, since));
        }
        if batch.is_empty() {
            return;
        }
        let removal = || match &told {
            Ok(()) => Ok(Removal::Done),
            Err(fault) => Err(exchange.error("write down what is removed", fault)),
        };
        let (Some((store, tidy)), Some(place)) = (&mut self.opened, place) else {
            let put = || match &*read(&exchange.gate) {
                Gate::Off(why) => Err(exchange.error("be used", why)),
                _ => Err(resting()),
            };
            return batch.settle(put, removal);
        };
        let durability = if batch.flushes { Durability::Synced } else { Durability::Lazy };
        if let Err(fault) = store.commit(batch.changes().to_vec(), place, durability) {
            // First, so that nothing is read any more from what could not forget.
            self.failed(&fault);
            return batch.settle(|| Err(exchange.error("write", &fault)), removal);
        }
        let dirt = Dirt::of(batch.changes());
        tidy.wrote(batch.changes(), dirt);
        if batch.flushes {
            self.synced();
        } else {
            if self.unsynced == 0 {
                self.synced_at = Instant::now();
            }
            self.unsynced += dirt.pages;
        }
        batch.settle(|| Ok(()), || Ok(Removal::Done));
    }

    /// Has it written down that these keys are forgotten, and those that could not be before.
    fn tell(&mut self, mut keys: Vec<Arc<[u8]>>) -> Result<(), Fault> {
        keys.splice(0..0, std::mem::take(&mut self.owed));
        let told = self.written_down(&keys);
        if let Err(fault) = &told {
            // One too many is enough to know that it was too many.
            keys.truncate(OWED + 1);
            self.owed = keys;
            self.failed(fault);
        }
        self.exchange.owed.store(self.owed.len(), Ordering::Relaxed);
        told
    }

    fn written_down(&mut self, keys: &[Arc<[u8]>]) -> Result<(), Fault> {
        slot::prepare_root(&self.exchange.settings.dir)?;
        let journal = &self.exchange.journal;
        let fault = match journal.append(keys) {
            Ok(()) if keys.len() <= OWED => return Ok(()),
            Ok(()) => Fault::untrusted("more was removed than could be remembered"),
            // Heard of another log, or of too much: what is stored here goes, and then there is nothing in the way.
            Err(fault @ Fault::Untrusted(_)) => {
                self.failed(&fault);
                // Else a store that was opened since would not hear what others have appended meanwhile.
                if self.opened.is_none() {
                    self.exchange.journal.open()?;
                }
                return self.exchange.journal.append(keys);
            }
            Err(fault) => fault,
        };
        // What cannot be removed row by row goes as a whole, for every process of the directory: it is a cache.
        journal.discard()?;
        let dir = self.exchange.settings.dir.display();
        tracing::warn!(%dir, cause = %fault.cause(), "a removal could not be written down, so the disk cache begins empty");
        self.failed(&Fault::untrusted("a removal could not be written down"));
        Ok(())
    }

    fn sync_if_due(&mut self) {
        let due = self.unsynced >= self.limits.sync_after
            || (self.unsynced > 0 && self.synced_at.elapsed() >= SYNC_EVERY);
        if let Some((store, _)) = self.opened.as_mut().filter(|_| due) {
            match store.sync() {
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
            return self.switch_off(Fault::refused(why));
        }
        match self.try_open() {
            Ok(store) => self.use_store(store),
            Err(Unopened { fault, suspects }) => self.cannot_open(&fault, &suspects),
        }
    }

    fn use_store(&mut self, store: Store) {
        let tidy = Tidy::new(self.limits, self.exchange.clock.now());
        self.exchange.set_gate(Gate::Open(Arc::clone(&store.volume.engine)));
        self.opened = Some((store, tidy));
        if let Some(slot) = &self.slot {
            let (dir, now) = (&self.exchange.settings.dir, self.exchange.clock.now());
            if let Err(fault) = slot::clear_unused(dir, slot, now) {
                tracing::debug!(cause = %fault.cause(), "what nobody uses in the directory of the disk cache cannot be removed");
            }
        }
        if std::mem::take(&mut self.said_refused) {
            tracing::info!(dir = %self.exchange.settings.dir.display(), "the disk cache is back");
        }
    }

    fn try_open(&mut self) -> Result<Store, Unopened> {
        let now = self.exchange.clock.now();
        let us = slot::prepare_root(&self.exchange.settings.dir)?;
        if !self.owed.is_empty() {
            self.tell(Vec::new())?;
        }
        // Before there is a slot: where nobody has one, a log that is missing is no loss.
        let span = self.exchange.journal.open()?;
        if !self.slot.as_ref().is_some_and(Slot::is_held) {
            self.slot = None;
        }
        let slot = match self.slot.take() {
            Some(slot) => slot,
            None => slot::claim(&self.exchange.settings.dir, us, now)?,
        };
        let slot = self.slot.insert(slot);
        let journal = &self.exchange.journal;
        // A log that is not the one of before has not been told what this process told that one.
        if self.log.replace(span.end().log).is_some_and(|before| before != span.end().log) {
            delete_stores(slot)?;
            self.exchange.epochs.clear();
        }
        let engine = self.exchange.settings.engine;
        let mut store = Store::open(slot, engine, self.limits.cache, (journal, span), now)?;
        // All that it has missed, before anything is read from it.
        let Pending { foreign, place } = journal.take();
        let mut missed = Batch::default();
        missed.add_foreign(foreign, &self.exchange.epochs);
        if let Some(place) = place {
            let dir = store.volume.dir.clone();
            let made = store.commit(missed.changes().to_vec(), place, Durability::Lazy);
            made.map_err(|fault| Unopened { fault, suspects: vec![dir] })?;
        }
        Ok(store)
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
            Fault::Untrusted(_) => self.begin_anew(fault),
        }
    }

    /// Begins an empty store in the place of one that there is nothing wrong with, but that nobody can vouch for.
    fn begin_anew(&mut self, fault: &Fault) {
        let (dir, cause) = (self.exchange.settings.dir.display(), fault.cause());
        tracing::warn!(%dir, %cause, "the disk cache begins empty");
        self.exchange.epochs.clear();
        let deleted = self.slot.as_ref().filter(|slot| slot.is_held()).map_or(Ok(()), delete_stores);
        match deleted.map_err(Unopened::from).and_then(|()| self.try_open()) {
            Ok(store) => self.use_store(store),
            // Not at once again, whatever it is.
            Err(Unopened { fault, .. }) => self.cannot_open(&Fault::refused(fault.cause().clone()), &[]),
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
            return self.switch_off(fault.clone());
        }
        self.exchange.epochs.clear();
        let dir = self.exchange.settings.dir.display();
        if again {
            tracing::warn!(%dir, %cause, "the disk cache was damaged again; it is switched off for this process");
            return self.switch_off(fault.clone());
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

    fn switch_off(&self, why: Fault) {
        self.exchange.set_gate(Gate::Off(why));
    }
}
