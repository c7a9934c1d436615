//! A function without arguments: memory, a slower layer, a source, and what a call and an invalidation do with them.

use std::{sync::Arc, time::Duration};

use shuttle::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use crate::{
    clock::Timestamp,
    flight::{Boarding, Doom, Flights, Landing, Ticket, Verdict},
    memory::{Bound, EntryDates, Eviction, Memory, Weight},
    record::Dates,
};

pub(crate) const KEY: &[u8] = b"k";
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000);
const LIFE: Duration = Duration::from_mins(1);

/// Another task may go on here. Not a yield: the order by priorities takes that for a wish to let the others go first, and
/// then nobody stands still for long.
pub(crate) fn pause() {
    AtomicBool::new(false).load(SeqCst);
}

pub(crate) struct World {
    pub(crate) flights: Flights<u64>,
    pub(crate) memory: Memory<u64>,
    /// A layer that takes its time.
    slow: Mutex<Option<u64>>,
    pub(crate) source: AtomicU64,
    /// How many loads run that could be joined.
    leading: AtomicUsize,
}

impl World {
    /// Whose source has version 1.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            flights: Flights::new(),
            memory: Memory::new(Bound::Entries(10), Eviction::S3Fifo),
            slow: Mutex::new(None),
            source: AtomicU64::new(1),
            leading: AtomicUsize::new(0),
        })
    }

    pub(crate) fn slow(&self) -> MutexGuard<'_, Option<u64>> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What memory has and may be returned.
    pub(crate) fn remembered(&self) -> Option<u64> {
        self.memory.read(KEY.into(), |entry| (NOW < entry.dates().fresh_until).then_some(entry.value))?
    }

    /// A call of a function that keeps its answers in memory.
    pub(crate) async fn call(&self) -> u64 {
        loop {
            pause();
            if let Some(value) = self.remembered() {
                return value;
            }
            pause();
            match self.flights.board(KEY, NOW) {
                Boarding::Wait(waiter) => {
                    if let Landing::Answer(value) = waiter.wait().await {
                        return value;
                    }
                }
                Boarding::Lead(ticket) => return self.lead(&ticket),
            }
        }
    }

    fn lead(&self, ticket: &Ticket<u64>) -> u64 {
        self.leading.fetch_add(1, SeqCst);
        pause();
        let value = if let Some(value) = self.remembered() {
            value
        } else {
            let value = self.source.load(SeqCst);
            pause();
            self.remember(ticket, value);
            pause();
            value
        };
        ticket.land(|| value);
        self.leading.fetch_sub(1, SeqCst);
        value
    }

    /// A call of a function that also keeps its answers in the slower layer.
    pub(crate) async fn call_with_layer(&self) -> u64 {
        loop {
            pause();
            if let Some(value) = self.remembered() {
                return value;
            }
            let ticket = match self.flights.board(KEY, NOW) {
                Boarding::Lead(ticket) => ticket,
                Boarding::Wait(waiter) => match waiter.wait().await {
                    Landing::Answer(value) => return value,
                    Landing::Lost => continue,
                },
            };
            pause();
            if let Some(value) = self.remembered() {
                return value;
            }
            let found = *self.slow();
            pause();
            let value = found.unwrap_or_else(|| self.source.load(SeqCst));
            pause();
            self.remember(&ticket, value);
            ticket.land(|| value);
            if found.is_none()
                && let Some(_copying) = ticket.begin_copy()
            {
                pause();
                *self.slow() = Some(value);
                pause();
            }
            return value;
        }
    }

    pub(crate) fn remember(&self, ticket: &Ticket<u64>, value: u64) -> bool {
        ticket.store(|| self.insert(value)).is_some()
    }

    pub(crate) fn insert(&self, value: u64) {
        let until = NOW.plus(LIFE);
        let dates = Dates { computed_at: NOW, fresh_until: until, kept_until: until };
        drop(self.memory.insert(KEY, value, Weight::ONE, &EntryDates { dates, due_from: until }));
    }

    /// The source changes, and then the answer is forgotten.
    pub(crate) async fn change_and_forget(&self, version: u64, all: bool) {
        self.source.store(version, SeqCst);
        let doom = if all { self.flights.doom_all() } else { self.flights.doom(KEY) };
        self.forget(&doom, all).await;
    }

    pub(crate) async fn forget(&self, doom: &Doom<u64>, all: bool) {
        doom.settled().await;
        pause();
        *self.slow() = None;
        pause();
        doom.apply(|| if all { drop(self.memory.remove_all()) } else { drop(self.memory.remove(KEY)) });
        pause();
        doom.cleared();
    }

    /// What a refresh or a put does with its answer.
    pub(crate) async fn replace(&self, ticket: &Ticket<u64>, value: u64) -> Verdict {
        self.replace_where(true, ticket, value).await
    }

    /// The same, where the slower layer does not work or does.
    pub(crate) async fn replace_where(&self, slow_works: bool, ticket: &Ticket<u64>, value: u64) -> Verdict {
        let replacement = ticket.replace().await;
        if replacement.verdict() == Verdict::Nothing {
            return Verdict::Nothing;
        }
        replacement.doom().settled().await;
        pause();
        if replacement.verdict() == Verdict::Store {
            replacement.stores();
            let copied = ticket.begin_copy().map(|_copying| {
                pause();
                if slow_works {
                    *self.slow() = Some(value);
                }
                pause();
            });
            let stored = copied.is_some() && self.remember(ticket, value);
            if stored && slow_works && replacement.verdict() == Verdict::Store {
                replacement.doom().cleared();
            }
        }
        pause();
        let verdict = replacement.verdict();
        if verdict == Verdict::Remove {
            self.forget(replacement.doom(), false).await;
        }
        verdict
    }

    /// A refresh that reads the source, and fails or replaces what is stored.
    pub(crate) async fn refresh(&self, fails: bool) -> Option<u64> {
        let ticket = self.flights.supersede(KEY, NOW);
        pause();
        let value = self.source.load(SeqCst);
        pause();
        if fails {
            return None;
        }
        self.replace(&ticket, value).await;
        ticket.land(|| value);
        Some(value)
    }

    /// How many loads run that could be joined.
    pub(crate) fn leading(&self) -> usize {
        self.leading.load(SeqCst)
    }
}
