//! The memory layer: typed values, no encoding.
//!
//! Which entries give way is for an engine to decide: [S3-FIFO](s3fifo) of our own, or [moka](https://docs.rs/moka)'s `TinyLFU`.
//! Here is what a function knows of them.
//!
//! No code of the user's types runs under a lock. Values are [held](crate::outcome) so that to clone them there runs none,
//! measured elsewhere, and dropped by the caller, who is handed what was [removed](Removed). Writes of one key must not
//! overlap; the flight table sees to that.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Weak},
};

use smallvec::SmallVec;

#[path = "memory/entry.rs"] // said for the model checker, which compiles this file from elsewhere
mod entry;
#[path = "memory/ghosts.rs"]
mod ghosts;
#[path = "memory/key.rs"]
mod key;
#[path = "memory/pool.rs"]
mod pool;
#[path = "memory/s3fifo.rs"]
mod s3fifo;
#[path = "memory/shard.rs"]
mod shard;
#[path = "memory/sweep.rs"]
mod sweep;
#[cfg(feature = "moka")]
#[path = "memory/tinylfu.rs"]
mod tinylfu;

pub(crate) use self::{
    entry::{Entry, EntryDates, as_kept},
    key::Lookup,
    pool::Pool,
};
use self::{
    pool::{GivesWay, Stake},
    s3fifo::S3Fifo,
    sweep::Sweep,
};
use crate::{clock::Timestamp, record::Dates};

/// The answers of one function that are in memory. `V` is what is kept of one; to clone it must not run code of the user's.
pub(crate) struct Memory<V> {
    engine: Engine<V>,
    bound: Bound,
    /// What it holds of what bounds all functions together, if anything does.
    stake: Option<Arc<Stake>>,
    sweep: Sweep,
}

/// Who decides what stays.
enum Engine<V> {
    S3Fifo(S3Fifo<V>),
    #[cfg(feature = "moka")]
    TinyLfu(tinylfu::TinyLfu<V>),
}

/// Which answers leave memory first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Eviction {
    /// Those that nobody asked for twice soon after they came; of the others, the oldest that nobody asks for.
    #[default]
    S3Fifo,
    /// Those that are asked for least often, by an estimate of moka's. For access in loops over somewhat more than there is
    /// room for; slower, and takes several times the memory. Needs the Cargo feature `moka`.
    TinyLfu,
}

/// What bounds a memory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// So many entries.
    Entries(u64),
    /// So many bytes.
    Bytes(u64),
}

/// How many bytes an entry takes; one where nothing is bounded by bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight(u32);

impl Weight {
    /// Of an entry in a memory that is bounded by number alone.
    pub(crate) const ONE: Self = Self(1);
}

/// Values that are in memory no more. To be dropped where no lock is held: that runs the code of their type.
#[must_use = "is to be dropped where no lock is held"]
pub(crate) struct Removed<V>(SmallVec<[V; 1]>);

/// What was in memory and was forgotten all at once. To be dropped where no lock is held.
pub(crate) type Forgotten = Box<dyn Any + Send>;

/// What `$work` makes of the engine in use.
macro_rules! on {
    ($memory:expr, $engine:ident => $work:expr) => {
        match &$memory.engine {
            Engine::S3Fifo($engine) => $work,
            #[cfg(feature = "moka")]
            Engine::TinyLfu($engine) => $work,
        }
    };
}

impl<V: Send + Sync + 'static> Memory<V> {
    /// An engine that is not compiled in is not asked for: the settings refuse it.
    pub(crate) fn new(bound: Bound, eviction: Eviction) -> Self {
        Self::with(bound, eviction, None)
    }

    /// One that is bounded together with all others of `pool`, too. `uses` says how often it was used up to now.
    pub(crate) fn in_pool(
        bound: Bound,
        eviction: Eviction,
        pool: &Arc<Pool>,
        uses: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Arc<Self> {
        let stake = pool.stake();
        let memory = Arc::new(Self::with(bound, eviction, Some(Arc::clone(&stake))));
        let member: Weak<Self> = Arc::downgrade(&memory);
        pool.admit(member, &stake, uses);
        memory
    }

    fn with(bound: Bound, eviction: Eviction, stake: Option<Arc<Stake>>) -> Self {
        let engine = match eviction {
            #[cfg(feature = "moka")]
            Eviction::TinyLfu => Engine::TinyLfu(tinylfu::TinyLfu::new(bound, stake.clone())),
            _ => Engine::S3Fifo(S3Fifo::new(bound, stake.clone())),
        };
        Self { engine, bound, stake, sweep: Sweep::new() }
    }

    /// What an entry would count whose value takes so many bytes; `None`: it is larger than all of this memory may be, or all
    /// memories together, and is not to be stored.
    pub(crate) fn weigh(&self, key: &[u8], value: impl FnOnce() -> usize) -> Option<Weight> {
        let weight = if self.tells_sizes() {
            let beside = match &self.engine {
                Engine::S3Fifo(_) => S3Fifo::<V>::beside_a_value(key),
                #[cfg(feature = "moka")]
                Engine::TinyLfu(_) => tinylfu::TinyLfu::<V>::beside_a_value(key),
            };
            u32::try_from(value().saturating_add(beside)).ok()?
        } else {
            1
        };
        let most_of_all = self.stake.as_ref().map_or(u64::MAX, |stake| stake.pool().most());
        let fits = self.bound.counts(weight) <= self.bound.most() && u64::from(weight) <= most_of_all;
        fits.then_some(Weight(weight))
    }

    /// Whether anything is bounded by bytes.
    fn tells_sizes(&self) -> bool {
        self.stake.is_some() || matches!(self.bound, Bound::Bytes(_))
    }

    /// What `look` makes of the entry under `key`; `None` if there is none.
    ///
    /// Takes the read lock of a shard, and no other (but with moka). Allocates nothing.
    #[inline]
    pub(crate) fn read<R>(&self, key: Lookup<'_>, look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        on!(self, engine => engine.read(key, look))
    }

    /// Like [`read`](Self::read), but leaves no trace of having looked (but with moka, which cannot be asked otherwise).
    pub(crate) fn peek<R>(&self, key: &[u8], look: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        on!(self, engine => engine.peek(key, look))
    }

    /// Stores an answer, in place of any before it. What gives way is handed out.
    pub(crate) fn insert(&self, key: &[u8], value: V, weight: Weight, life: &EntryDates) -> Removed<V> {
        let removed = on!(self, engine => engine.insert(key, value, weight, life));
        self.sweep.comes_to_an_end(life.dates.kept_until);
        removed
    }

    /// Lets calls that find the entry of `key` return it without another thought until `until`.
    ///
    /// This and the two below overwrite what [`redate`](Self::redate) has decided, so they must not run beside it.
    pub(crate) fn quiet(&self, key: &[u8], until: Timestamp) {
        self.change(key, |entry| entry.set_quiet(until));
    }

    /// The same, if the entry of `key` still has the dates `old`.
    pub(crate) fn quiet_if(&self, key: &[u8], old: &Dates, until: Timestamp) {
        self.change(key, |entry| {
            if entry.dates() == *old {
                entry.set_quiet(until);
            }
        });
    }

    /// Lets calls that find the entry of `key` decide for themselves again what may be done with it.
    pub(crate) fn reconsider(&self, key: &[u8]) {
        self.change(key, Entry::reconsider);
    }

    /// Changes the dates of the entry of `key`, which can only shorten its life.
    pub(crate) fn redate(&self, key: &[u8], redate: impl FnOnce(&Dates) -> Dates) {
        self.change(key, |entry| {
            let dates = redate(&entry.dates());
            entry.redate(dates);
            self.sweep.comes_to_an_end(dates.kept_until);
        });
    }

    fn change(&self, key: &[u8], change: impl FnOnce(&mut Entry<V>)) {
        on!(self, engine => engine.change(key, change));
    }

    /// Forgets `key`.
    pub(crate) fn remove(&self, key: &[u8]) -> Removed<V> {
        on!(self, engine => engine.remove(key))
    }

    /// Forgets everything, in constant time. What it was is dropped by [`tidy`](Self::tidy); handed out is what was forgotten
    /// like this before and has not been dropped yet, so that there is never more of that than once all of memory.
    pub(crate) fn remove_all(&self) -> Forgotten {
        on!(self, engine => engine.remove_all())
    }

    /// Drops what nobody may be given any more at `now`, and gives memory back that is not in use. Not to be called under a
    /// lock.
    pub(crate) fn tidy(&self, now: Timestamp) {
        self.sweep.if_worthwhile(now, || on!(self, engine => engine.remove_ended(now)));
        // A sweep beside this may not look any more at what it has moved.
        if on!(self, engine => engine.settle()) {
            self.sweep.comes_to_an_end(now);
        }
    }

    /// The number of entries.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        on!(self, engine => engine.len())
    }
}

impl<V: Send + Sync + 'static> GivesWay for Memory<V> {
    fn give_way(&self, bytes: u64) -> u64 {
        let Some(stake) = &self.stake else { return 0 };
        on!(self, engine => engine.give_way(stake, bytes))
    }
}

impl<V> Removed<V> {
    fn nothing() -> Self {
        Self(SmallVec::new())
    }
}

impl Bound {
    const fn most(self) -> u64 {
        match self {
            Self::Entries(most) | Self::Bytes(most) => most,
        }
    }

    /// What an entry of so many bytes counts towards it.
    const fn counts(self, bytes: u32) -> u64 {
        match self {
            Self::Entries(_) => 1,
            Self::Bytes(_) => bytes as u64,
        }
    }
}

impl<V> fmt::Debug for Memory<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("bound", &self.bound).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
