//! What the callers and the layer's threads share: the two queues, and what a read has to know besides the rows.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    answers::{Answer, Watch},
    engine::{Engine, Fault},
    journal::Journal,
    row::{decode_numbers, epoch_key},
    sync::{Queue, lock, read, write},
};
use crate::{
    clock::{Clock, Timestamp},
    config::DiskSettings,
    error::{LayerError, LayerKind},
    key::Key,
    layers::{Reading, Removal, Terms},
};

/// How long a put or a removal may take, if reads have not longer. They wait for the disk itself, reads only for its cache.
pub(super) const WRITE_BUDGET: Duration = Duration::from_secs(5);
/// Reads that may wait at a time.
const READS: usize = 4096;
/// KiB of puts that may wait at a time.
const PUT_KIB: usize = 32 * 1024;
/// Removals that may wait at a time; more wait for a place.
const REMOVALS: usize = 16 * 1024;

/// A request to a reading thread.
pub(super) struct Read {
    pub(super) key: Key,
    pub(super) answer: Answer<Reading>,
    /// No other read was under way when it was asked for.
    pub(super) alone: bool,
}

/// How many reads are under way.
#[derive(Debug, Default)]
pub(super) struct Reads(AtomicUsize);

/// One read, until its caller has the answer or has gone away.
pub(super) struct UnderWay<'a> {
    of: &'a Reads,
    others: usize,
}

impl Reads {
    pub(super) fn begin(&self) -> UnderWay<'_> {
        UnderWay { of: self, others: self.0.fetch_add(1, Ordering::Relaxed) }
    }
}

impl UnderWay<'_> {
    /// Whether there was no other one when it began.
    pub(super) const fn is_alone(&self) -> bool {
        self.others == 0
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.of.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request to the writing thread. The permits give the place back when the request is done with.
pub(super) enum Write {
    Put {
        key: Arc<[u8]>,
        row: Arc<[u8]>,
        terms: Terms,
        answer: Answer<()>,
        space: OwnedSemaphorePermit,
    },
    Remove {
        key: Arc<[u8]>,
        mark: Mark,
        answer: Answer<Removal>,
        place: OwnedSemaphorePermit,
    },
    RemoveAll {
        scope: Box<str>,
        answer: Answer<Removal>,
        place: OwnedSemaphorePermit,
    },
    /// The current epoch of the scope is new and should be kept.
    KeepEpoch {
        scope: Box<str>,
    },
    /// Everything before this has to be on the disk.
    Flush {
        answer: Answer<()>,
    },
    /// A reader could not read.
    Trouble {
        engine: Arc<dyn Engine>,
        fault: Fault,
    },
    /// Have another look whether the store can be opened, and at what others have forgotten.
    Nudge,
}

/// Whether the store can be used.
#[derive(Clone)]
pub(super) enum Gate {
    /// Not opened yet, or being opened again.
    Shut,
    Open(Arc<dyn Engine>),
    /// Not to be used any more in this process.
    Off(Fault),
    Closed,
}

pub(super) struct Exchange {
    pub(super) settings: DiskSettings,
    pub(super) clock: Clock,
    pub(super) gate: RwLock<Gate>,
    pub(super) rest: Rest,
    pub(super) reads: Queue<Read>,
    pub(super) reading: Reads,
    pub(super) writes: Queue<Write>,
    pub(super) put_space: Arc<Semaphore>,
    pub(super) removal_places: Arc<Semaphore>,
    pub(super) forgetting: Arc<Forgetting>,
    pub(super) epochs: Arc<Epochs>,
    pub(super) journal: Journal,
    /// Removals that could not be written down, and are lost with the process.
    pub(super) owed: AtomicUsize,
    pub(super) watch: Watch,
    /// Whether the writing thread is at work on the size of the store. Only tests ask.
    pub(super) tidying: AtomicBool,
    age: AtomicU64,
    finish: Mutex<Finish>,
}

#[derive(Default)]
struct Finish {
    done: bool,
    waiting: Vec<Answer<()>>,
}

impl Exchange {
    pub(super) fn new(settings: DiskSettings, clock: Clock) -> Self {
        let (forgetting, epochs) = (Arc::default(), Arc::default());
        Self {
            journal: Journal::new(
                settings.dir.clone(),
                clock.clone(),
                Arc::clone(&forgetting),
                Arc::clone(&epochs),
            ),
            owed: AtomicUsize::new(0),
            watch: Watch::new(settings.timeout, WRITE_BUDGET.max(settings.timeout)),
            settings,
            clock,
            gate: RwLock::new(Gate::Shut),
            rest: Rest::new(),
            reads: Queue::new(),
            reading: Reads::default(),
            writes: Queue::new(),
            put_space: Arc::new(Semaphore::new(PUT_KIB)),
            removal_places: Arc::new(Semaphore::new(REMOVALS)),
            forgetting,
            epochs,
            tidying: AtomicBool::new(false),
            age: AtomicU64::new(0),
            finish: Mutex::default(),
        }
    }

    /// An error at once where the request could only fail.
    pub(super) fn admit(&self) -> Result<(), LayerError> {
        match &*read(&self.gate) {
            Gate::Closed => Err(closed()),
            Gate::Off(why) => Err(self.error("be used", why)),
            Gate::Shut | Gate::Open(_) if self.rest.is_over() => Ok(()),
            Gate::Shut | Gate::Open(_) => Err(resting()),
        }
    }

    pub(super) fn admit_read(&self) -> Result<(), LayerError> {
        self.admit()?;
        if self.reads.len() < READS {
            return Ok(());
        }
        Err(LayerError::QueueFull { layer: LayerKind::Disk })
    }

    /// Whether there is a store to be opened.
    pub(super) fn is_shut(&self) -> bool {
        matches!(*read(&self.gate), Gate::Shut)
    }

    /// Closed stays closed.
    pub(super) fn set_gate(&self, gate: Gate) {
        let mut current = write(&self.gate);
        if !matches!(*current, Gate::Closed) {
            *current = gate;
        }
    }

    /// Lets nothing more in. What was accepted is still brought to the disk.
    pub(super) fn close(&self) {
        self.set_gate(Gate::Closed);
        self.reads.close();
        self.writes.close();
    }

    /// Someone who waits for [`Exchange::finished`].
    pub(super) fn on_finish(&self, answer: Answer<()>) {
        let mut finish = lock(&self.finish);
        if finish.done {
            answer.give(Ok(()));
        } else {
            finish.waiting.push(answer);
        }
    }

    /// The store is closed and the slot is free.
    pub(super) fn finished(&self) {
        let mut finish = lock(&self.finish);
        finish.done = true;
        for answer in finish.waiting.drain(..) {
            answer.give(Ok(()));
        }
        drop(finish);
        self.watch.stop();
    }

    pub(super) fn error(&self, operation: &'static str, fault: &Fault) -> LayerError {
        let source = Box::new(fault.cause().clone());
        LayerError::Disk { operation, path: self.settings.dir.clone(), source }
    }

    /// A number that grows with time, also from one process to the next, and never comes twice.
    pub(super) fn next_age(&self, now: Timestamp) -> u64 {
        let from_clock = now.as_millis() << 16;
        let step = |last: u64| Some(from_clock.max(last.saturating_add(1)));
        let last =
            self.age.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_else(|last| last);
        from_clock.max(last.saturating_add(1))
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("settings", &self.settings).finish_non_exhaustive()
    }
}

pub(super) fn closed() -> LayerError {
    LayerError::Closed { layer: LayerKind::Disk }
}

pub(super) fn resting() -> LayerError {
    LayerError::Resting { layer: LayerKind::Disk }
}

/// Keys whose removal is accepted but not yet on the disk: a read must not find them any more.
#[derive(Debug, Default)]
pub(super) struct Forgetting {
    keys: RwLock<HashMap<Arc<[u8]>, usize>>,
    count: AtomicUsize,
}

/// Hides one key from reads until it is dropped.
#[derive(Debug)]
pub(super) struct Mark {
    of: Arc<Forgetting>,
    key: Arc<[u8]>,
}

impl Forgetting {
    pub(super) fn mark(self: &Arc<Self>, key: &Arc<[u8]>) -> Mark {
        let mut keys = write(&self.keys);
        *keys.entry(Arc::clone(key)).or_insert(0) += 1;
        self.count.store(keys.len(), Ordering::Release);
        Mark { of: Arc::clone(self), key: Arc::clone(key) }
    }

    pub(super) fn covers(&self, key: &[u8]) -> bool {
        self.count.load(Ordering::Acquire) > 0 && read(&self.keys).contains_key(key)
    }
}

impl Mark {
    pub(super) fn key(&self) -> Arc<[u8]> {
        Arc::clone(&self.key)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut keys = write(&self.of.keys);
        if let Some(count) = keys.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                keys.remove(&self.key);
            }
        }
        self.of.count.store(keys.len(), Ordering::Release);
    }
}

/// The current epoch of each function that was asked for.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    known: RwLock<HashMap<Box<str>, u64>>,
}

impl Epochs {
    pub(super) fn get(&self, scope: &str) -> Option<u64> {
        read(&self.known).get(scope).copied()
    }

    /// The epoch of `scope`, and whether it was made up just now and has to be kept.
    pub(super) fn get_or_load(&self, scope: &str, engine: &dyn Engine) -> Result<(u64, bool), Fault> {
        if let Some(epoch) = self.get(scope) {
            return Ok((epoch, false));
        }
        let key = epoch_key(scope);
        let stored = match engine.read(&key)? {
            None => None,
            Some(bytes) => match decode_numbers(&key, &bytes) {
                Some([epoch]) => Some(epoch),
                None => return Err(Fault::damaged("an epoch is not what was written")),
            },
        };
        // `remove_all` may have come in between with a newer one; that one stays.
        let mut known = write(&self.known);
        let fresh = stored.is_none() && !known.contains_key(scope);
        let epoch = *known.entry(scope.into()).or_insert_with(|| stored.unwrap_or_else(random));
        Ok((epoch, fresh))
    }

    pub(super) fn change(&self, scope: &str) -> u64 {
        let epoch = random();
        write(&self.known).insert(scope.into(), epoch);
        epoch
    }

    /// For a store that begins anew.
    pub(super) fn clear(&self) {
        write(&self.known).clear();
    }
}

/// A random number that is not zero.
pub(super) fn random() -> u64 {
    crate::random::number()
}

/// A pause after failures, so that a disk that does not answer costs nothing.
#[derive(Debug)]
pub(super) struct Rest {
    resting: AtomicBool,
    until: Mutex<Option<Instant>>,
    failures: AtomicU32,
}

/// So many late reads in a row are a failure.
const LATE_READS: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);

impl Rest {
    const fn new() -> Self {
        Self { resting: AtomicBool::new(false), until: Mutex::new(None), failures: AtomicU32::new(0) }
    }

    pub(super) fn is_over(&self) -> bool {
        if !self.resting.load(Ordering::Acquire) {
            return true;
        }
        let mut until = lock(&self.until);
        if until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        *until = None;
        self.resting.store(false, Ordering::Release);
        true
    }

    pub(super) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn end(&self) {
        *lock(&self.until) = None;
        self.resting.store(false, Ordering::Release);
    }

    /// Some reads got no answer in time.
    pub(super) fn late(&self, reads: u32) {
        if reads > 0 && self.failures.fetch_add(reads, Ordering::Relaxed).saturating_add(reads) >= LATE_READS
        {
            self.begin();
        }
    }

    /// The disk refused; there is no use in asking again at once.
    pub(super) fn refused(&self) {
        self.failures.fetch_add(LATE_READS, Ordering::Relaxed);
        self.begin();
    }

    fn begin(&self) {
        let times = self.failures.load(Ordering::Relaxed) / LATE_READS;
        let pause = FIRST_REST.saturating_mul(1 << times.saturating_sub(1).min(5)).min(LONGEST_REST);
        *lock(&self.until) = Some(Instant::now() + pause);
        self.resting.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_that_come_late_one_after_the_other_bring_a_rest() {
        let rest = Rest::new();
        rest.late(4);
        assert!(rest.is_over());
        rest.late(1);
        assert!(!rest.is_over());
    }

    #[test]
    fn a_read_in_time_makes_up_for_late_ones() {
        let rest = Rest::new();
        for _ in 0..20 {
            rest.late(4);
            rest.succeeded();
        }
        assert!(rest.is_over());
    }

    #[test]
    fn a_mark_hides_its_key_until_the_last_is_gone() {
        let forgetting = Arc::new(Forgetting::default());
        let key: Arc<[u8]> = b"ra".as_slice().into();
        let (first, second) = (forgetting.mark(&key), forgetting.mark(&key));
        drop(first);
        assert!(forgetting.covers(b"ra"));
        drop(second);
        assert!(!forgetting.covers(b"ra"));
    }
}
