//! What happened, counted. Counting a memory hit costs a load and a store on a cache line that its thread has for itself.

pub(crate) mod striped;

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use self::striped::Striped;
use crate::error::LayerKind;

/// What happened to one cached function, or to all of them, since the process started; in a
/// [`World`](crate::testing::World), since it was made.
///
/// Its `Display` is one line: `12 calls: 9 mem, 1 redis, 0 disk, 1 coalesced, 1 load in 340ms`.
///
/// ```
/// # use hybrid_cache::cached;
/// #[cached(layers = "mem")]
/// async fn square(n: u64) -> u64 { n * n }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// square(3).await;
/// square(3).await;
/// let stats = square::stats();
/// assert_eq!((stats.loads(), stats.memory_hits()), (1, 1));
/// # });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    memory_hits: u64,
    redis_hits: u64,
    disk_hits: u64,
    misses: u64,
    loads: u64,
    load_errors: u64,
    load_time: Duration,
    abandoned_loads: u64,
    running_loads: u64,
    waiting_loads: u64,
    coalesced: u64,
    stale_answers: u64,
    refreshes: u64,
    dropped_refreshes: u64,
    refused_records: u64,
    redis_failures: u64,
    disk_failures: u64,
    dropped_copies: u64,
    unkept_answers: u64,
    lost_byte_layers: u64,
}

/// Declares the accessors of [`Stats`], whose docs are the fields' meaning.
macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        impl Stats {
            $($(#[$doc])* #[must_use] pub const fn $name(&self) -> $type { self.$name })*
        }
    };
}

accessors! {
    /// Calls answered from memory, be it with an error that was kept (`err_ttl`).
    memory_hits: u64,
    /// Calls answered from Redis.
    redis_hits: u64,
    /// Calls answered from disk.
    disk_hits: u64,
    /// Calls whose load got as far as the body before they had an answer: no layer had one that they could be given.
    misses: u64,
    /// How often the function's own body ran to fill the cache, for calls and for refreshes. Runs without the cache, such as
    /// those of `uncached`, are not counted.
    loads: u64,
    /// Loads that ended in an error, in a panic or at their `deadline`.
    load_errors: u64,
    /// The time that loads took together. One that was dropped at its `deadline` took so long; one that was dropped because
    /// nobody waited for it any more adds nothing.
    load_time: Duration,
    /// Loads that were dropped, before their body began or while it ran: nobody had a use for their answer any more, or their
    /// callers had gone away and 256 such loads were going on in the process.
    abandoned_loads: u64,
    /// Loads whose body runs now.
    running_loads: u64,
    /// Loads that wait for their turn now, because `max_loads` others run.
    waiting_loads: u64,
    /// Calls that were answered by the load of another call.
    coalesced: u64,
    /// Calls that were given an answer past its life, under `stale` or `stale_if_error`. Those that find such an answer
    /// while it is being refreshed, or while its source is left alone after a failure, may count as hits alone.
    stale_answers: u64,
    /// Refreshes that were started behind a caller's back, under `stale` or `refresh_ahead`. Those that found a newer answer
    /// in a slower layer are not [`loads`](Self::loads).
    refreshes: u64,
    /// Such refreshes that were not started, because 256 were running in the process or it was shutting the cache down.
    dropped_refreshes: u64,
    /// Records of a byte layer that were not exactly what would be written today, and so were not used: damaged, of
    /// another version of the type, or forgotten since.
    refused_records: u64,
    /// Operations that Redis did not do: timed out, failed, or not tried because it failed repeatedly just before.
    redis_failures: u64,
    /// Operations that the disk store did not do.
    disk_failures: u64,
    /// Copies into slower layers that were given up because too many were waiting.
    dropped_copies: u64,
    /// Answers that were to be copied into Redis or onto disk and were not, because they would not have come back as they
    /// were: they cannot be written or read, are another value afterwards, are nested too deeply, or panic.
    unkept_answers: u64,
    /// How many functions keep their answers in memory only, because an answer did not come back from bytes as it was. Of
    /// one function, 0 or 1. The log says why.
    lost_byte_layers: u64,
}

impl Stats {
    /// Calls that were answered, from wherever: hits, misses and coalesced ones together.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.hits() + self.misses + self.coalesced
    }

    /// Calls answered from any layer, with a fresh answer or an old one.
    #[must_use]
    pub const fn hits(&self) -> u64 {
        self.memory_hits + self.redis_hits + self.disk_hits
    }

    /// Adds what another function counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.memory_hits += other.memory_hits;
        self.redis_hits += other.redis_hits;
        self.disk_hits += other.disk_hits;
        self.misses += other.misses;
        self.loads += other.loads;
        self.load_errors += other.load_errors;
        self.load_time = self.load_time.saturating_add(other.load_time);
        self.abandoned_loads += other.abandoned_loads;
        self.running_loads += other.running_loads;
        self.waiting_loads += other.waiting_loads;
        self.coalesced += other.coalesced;
        self.stale_answers += other.stale_answers;
        self.refreshes += other.refreshes;
        self.dropped_refreshes += other.dropped_refreshes;
        self.refused_records += other.refused_records;
        self.redis_failures += other.redis_failures;
        self.disk_failures += other.disk_failures;
        self.dropped_copies += other.dropped_copies;
        self.unkept_answers += other.unkept_answers;
        self.lost_byte_layers += other.lost_byte_layers;
    }
}

impl fmt::Display for Stats {
    /// One line: `12 calls: 9 mem, 1 redis, 0 disk, 1 coalesced, 1 load in 340ms`; and at its end if a function lost its
    /// byte layers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.calls();
        write!(
            f,
            "{calls} {}: {} mem, {} redis, {} disk, {} coalesced, ",
            if calls == 1 { "call" } else { "calls" },
            self.memory_hits,
            self.redis_hits,
            self.disk_hits,
            self.coalesced,
        )?;
        match self.loads {
            0 => f.write_str("no loads"),
            1 => write!(f, "1 load in {:.3?}", self.load_time),
            loads => write!(f, "{loads} loads in {:.3?}", self.load_time),
        }?;
        let loads = [
            (self.running_loads, "running"),
            (self.waiting_loads, "waiting"),
            (self.abandoned_loads, "abandoned"),
        ];
        for (count, what) in loads.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        match self.lost_byte_layers {
            0 => Ok(()),
            _ => f.write_str(", kept in memory only: answers do not come back from bytes"),
        }
    }
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    memory_hits: Striped,
    redis_hits: AtomicU64,
    disk_hits: AtomicU64,
    misses: AtomicU64,
    loads: AtomicU64,
    load_errors: AtomicU64,
    load_nanos: AtomicU64,
    abandoned_loads: AtomicU64,
    running_loads: AtomicU64,
    waiting_loads: AtomicU64,
    coalesced: AtomicU64,
    stale_answers: AtomicU64,
    refreshes: AtomicU64,
    dropped_refreshes: AtomicU64,
    refused_records: AtomicU64,
    redis_failures: AtomicU64,
    disk_failures: AtomicU64,
    dropped_copies: AtomicU64,
    unkept_answers: AtomicU64,
    lost_byte_layers: AtomicU64,
}

impl Counters {
    /// A call was answered from `layer`.
    pub(crate) fn hit(&self, layer: LayerKind) {
        match layer {
            LayerKind::Memory => {
                self.memory_hits.increment();
            }
            LayerKind::Redis => increment(&self.redis_hits),
            LayerKind::Disk => increment(&self.disk_hits),
        }
    }

    /// The same for a hit in memory. True for one in a while, which may take the time for what none of them can.
    #[inline]
    pub(crate) fn hit_in_memory(&self) -> bool {
        self.memory_hits.increment()
    }

    /// How much memory was used: by hits, and a little by calls that would have been hits had there been more room. Without
    /// these, a function would get none that has too little for any hit.
    pub(crate) fn use_of_memory(&self) -> u64 {
        const HIT: u64 = 16;
        let found_elsewhere = self.redis_hits.load(Relaxed) + self.disk_hits.load(Relaxed);
        HIT * self.memory_hits.sum() + found_elsewhere + self.misses.load(Relaxed)
    }

    pub(crate) fn missed(&self) {
        increment(&self.misses);
    }

    /// A load begins, and runs until the returned guard is dropped.
    pub(crate) fn load_started(&self) -> Counted<'_> {
        increment(&self.loads);
        Counted::one_more(&self.running_loads)
    }

    /// A load waits for its turn until the returned guard is dropped.
    pub(crate) fn load_waits(&self) -> Counted<'_> {
        Counted::one_more(&self.waiting_loads)
    }

    pub(crate) fn load_abandoned(&self) {
        increment(&self.abandoned_loads);
    }

    pub(crate) fn load_took(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // The closure refuses nothing.
        let _ = self.load_nanos.fetch_update(Relaxed, Relaxed, |sum| Some(sum.saturating_add(nanos)));
    }

    pub(crate) fn load_failed(&self) {
        increment(&self.load_errors);
    }

    pub(crate) fn coalesced(&self) {
        increment(&self.coalesced);
    }

    pub(crate) fn answered_stale(&self) {
        increment(&self.stale_answers);
    }

    pub(crate) fn refresh_started(&self) {
        increment(&self.refreshes);
    }

    pub(crate) fn refresh_dropped(&self) {
        increment(&self.dropped_refreshes);
    }

    pub(crate) fn record_refused(&self) {
        increment(&self.refused_records);
    }

    pub(crate) fn layer_failed(&self, layer: LayerKind) {
        match layer {
            LayerKind::Memory => {}
            LayerKind::Redis => increment(&self.redis_failures),
            LayerKind::Disk => increment(&self.disk_failures),
        }
    }

    pub(crate) fn copy_dropped(&self) {
        increment(&self.dropped_copies);
    }

    pub(crate) fn not_kept(&self) {
        increment(&self.unkept_answers);
    }

    /// At most once for each function.
    pub(crate) fn lost_byte_layers(&self) {
        increment(&self.lost_byte_layers);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            memory_hits: self.memory_hits.sum(),
            redis_hits: self.redis_hits.load(Relaxed),
            disk_hits: self.disk_hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            loads: self.loads.load(Relaxed),
            load_errors: self.load_errors.load(Relaxed),
            load_time: Duration::from_nanos(self.load_nanos.load(Relaxed)),
            abandoned_loads: self.abandoned_loads.load(Relaxed),
            running_loads: self.running_loads.load(Relaxed),
            waiting_loads: self.waiting_loads.load(Relaxed),
            coalesced: self.coalesced.load(Relaxed),
            stale_answers: self.stale_answers.load(Relaxed),
            refreshes: self.refreshes.load(Relaxed),
            dropped_refreshes: self.dropped_refreshes.load(Relaxed),
            refused_records: self.refused_records.load(Relaxed),
            redis_failures: self.redis_failures.load(Relaxed),
            disk_failures: self.disk_failures.load(Relaxed),
            dropped_copies: self.dropped_copies.load(Relaxed),
            unkept_answers: self.unkept_answers.load(Relaxed),
            lost_byte_layers: self.lost_byte_layers.load(Relaxed),
        }
    }
}

/// One of those that are going on, until dropped.
pub(crate) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn one_more(of: &'a AtomicU64) -> Self {
        increment(of);
        Self(of)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn increment(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
