//! Stores that fail, or stand still, on demand.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_core::future::BoxFuture;

use super::{
    gate::Gate,
    world::{Function, key},
};
use crate::{
    error::{LayerError, LayerKind},
    key::Key,
    layers::{Layer, Reading, Removal, Terms},
    record,
};

/// A store in a map, which fails or stands still on demand.
#[derive(Debug)]
pub(super) struct FakeStore {
    kind: LayerKind,
    records: Mutex<HashMap<String, Vec<u8>>>,
    lives: Mutex<HashMap<String, Duration>>,
    epoch: AtomicU64,
    down: AtomicBool,
    unreadable: AtomicBool,
    full: AtomicBool,
    gets: AtomicUsize,
    /// What is to be removed as soon as it is up again, where that is not an error: as Redis does it.
    removals: Mutex<Option<Vec<Queued>>>,
    /// Between reading and answering.
    pub(super) after_get: Mutex<Gate>,
    /// Between being asked to store and storing.
    pub(super) before_put: Mutex<Gate>,
    /// Before and after removing.
    pub(super) around_removal: Mutex<Gate>,
}

/// A removal that waits.
#[derive(Debug)]
enum Queued {
    Key(String, Duration),
    Everything,
}

impl FakeStore {
    pub(super) fn new(kind: LayerKind) -> Arc<Self> {
        Arc::new(Self {
            kind,
            records: Mutex::default(),
            lives: Mutex::default(),
            epoch: AtomicU64::new(1),
            down: AtomicBool::new(false),
            unreadable: AtomicBool::new(false),
            full: AtomicBool::new(false),
            gets: AtomicUsize::new(0),
            removals: Mutex::default(),
            after_get: Mutex::new(Gate::open()),
            before_put: Mutex::new(Gate::open()),
            around_removal: Mutex::new(Gate::open()),
        })
    }

    pub(super) fn go_down(&self) {
        self.down.store(true, SeqCst);
    }

    pub(super) fn come_back(&self) {
        let mut removals = self.removals.lock().unwrap();
        for queued in removals.iter_mut().flat_map(mem::take) {
            match queued {
                Queued::Key(key, trace) => self.forget(&key, trace),
                Queued::Everything => self.forget_all(),
            }
        }
        self.down.store(false, SeqCst);
    }

    /// From now on removals that come while it is down wait until it is up, and are not refused.
    pub(super) fn queue_removals(&self) {
        *self.removals.lock().unwrap() = Some(Vec::new());
    }

    /// From now on every operation takes a random time, some kinds of them longer than others.
    pub(super) fn be_sluggish(&self, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        for gate in [&self.after_get, &self.before_put, &self.around_removal] {
            *gate.lock().unwrap() = Gate::sluggish(rng.u64(..), [2, 6, 30][rng.usize(..3)]);
        }
    }

    /// Whether there is a value; a void is none.
    pub(super) fn holds(&self, function: Function, text: &str) -> bool {
        let records = self.records.lock().unwrap();
        records.get(function.key(&key(text)).as_str()).is_some_and(|record| *record.get(3).unwrap() == 1)
    }

    pub(super) fn life_of(&self, function: Function, text: &str) -> Duration {
        self.lives.lock().unwrap()[function.key(&key(text)).as_str()]
    }

    pub(super) fn gets(&self) -> usize {
        self.gets.load(SeqCst)
    }

    /// As if every record had expired: the store remembers epochs and nothing else.
    pub(super) fn forget_everything(&self) {
        self.records.lock().unwrap().clear();
    }

    /// As if the values had expired by their own dates, or were damaged: their generations are still there.
    pub(super) fn forget_values(&self) {
        self.damage(|record| record.truncate(36));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.lock().unwrap().is_empty()
    }

    /// Whether reads fail from now on, while everything else works.
    pub(super) fn refuse_reads(&self, refuse: bool) {
        self.unreadable.store(refuse, SeqCst);
    }

    /// From now on answers do not fit.
    pub(super) fn take_nothing_larger(&self) {
        self.full.store(true, SeqCst);
    }

    /// Changes the stored bytes of every record.
    pub(super) fn damage(&self, change: impl Fn(&mut Vec<u8>)) {
        self.records.lock().unwrap().values_mut().for_each(change);
    }

    fn forget(&self, key: &str, trace: Duration) {
        let mut records = self.records.lock().unwrap();
        records.remove(key);
        if self.kind == LayerKind::Redis && !trace.is_zero() {
            records.insert(key.to_owned(), record::void());
            self.lives.lock().unwrap().insert(key.to_owned(), trace);
        }
    }

    fn forget_all(&self) {
        self.epoch.fetch_add(1, SeqCst);
    }

    /// Has a removal wait if the store is down; `None` if it is not.
    fn queue(&self, removal: impl FnOnce() -> Queued) -> Option<Result<Removal, LayerError>> {
        let mut removals = self.removals.lock().unwrap();
        if !self.is_down() {
            return None;
        }
        Some(match removals.as_mut() {
            Some(removals) => {
                removals.push(removal());
                Ok(Removal::Queued)
            }
            None => Err(LayerError::Resting { layer: self.kind }),
        })
    }

    pub(super) fn is_down(&self) -> bool {
        self.down.load(SeqCst)
    }

    fn up(&self) -> Result<(), LayerError> {
        if self.is_down() { Err(LayerError::Resting { layer: self.kind }) } else { Ok(()) }
    }

    /// The gate as it is now; the lock is not held while somebody waits there.
    fn gate(gate: &Mutex<Gate>) -> Gate {
        gate.lock().unwrap().clone()
    }
}

impl Layer for FakeStore {
    fn kind(&self) -> LayerKind {
        self.kind
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move {
            self.gets.fetch_add(1, SeqCst);
            self.up()?;
            if self.unreadable.load(SeqCst) {
                return Err(LayerError::Resting { layer: self.kind });
            }
            let record = self.records.lock().unwrap().get(key.as_str()).cloned();
            let reading = Reading { record, epoch: self.epoch.load(SeqCst), seen: 0 };
            Self::gate(&self.after_get).pass().await;
            Ok(reading)
        })
    }

    /// Reads no record, and is not counted as if it did.
    fn epoch<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move {
            self.up()?;
            if self.unreadable.load(SeqCst) {
                return Err(LayerError::Resting { layer: self.kind });
            }
            let epoch = self.epoch.load(SeqCst);
            Self::gate(&self.after_get).pass().await;
            Ok(Reading { record: None, epoch, seen: 0 })
        })
    }

    fn put_on<'a>(
        &'a self,
        _: Terms,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(async move {
            self.up()?;
            if self.full.load(SeqCst) {
                return Err(LayerError::TooLarge { layer: self.kind, bytes: record.len(), limit: 0 });
            }
            Self::gate(&self.before_put).pass().await;
            self.records.lock().unwrap().insert(key.to_string(), record);
            self.lives.lock().unwrap().insert(key.to_string(), life);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a Key, trace: Duration) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(async move {
            Self::gate(&self.around_removal).pass().await;
            if let Some(waits) = self.queue(|| Queued::Key(key.to_string(), trace)) {
                return waits;
            }
            self.forget(key.as_str(), trace);
            Self::gate(&self.around_removal).pass().await;
            Ok(Removal::Done)
        })
    }

    fn remove_all<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(async move {
            Self::gate(&self.around_removal).pass().await;
            if let Some(waits) = self.queue(|| Queued::Everything) {
                return waits;
            }
            self.forget_all();
            Self::gate(&self.around_removal).pass().await;
            Ok(Removal::Done)
        })
    }

    fn removals_owed(&self) -> usize {
        self.removals.lock().unwrap().as_ref().map_or(0, Vec::len)
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async { Ok(()) })
    }
}
