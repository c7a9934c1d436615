//! Eight threads do to one memory whatever can be done to it, and each looks at what it finds. `SOAK=<number>` asks for more
//! than the usual 15 000 operations of each.

use std::{
    borrow::Borrow,
    env,
    sync::{
        RwLock,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Release},
        },
    },
};

use fastrand::Rng;

use super::*;

const THREADS: u64 = 8;
const KEYS: u64 = 400;
/// Less than there are keys, and than nine tenths of them.
const ROOM: u64 = 150;

/// What is stored: who it belongs to, which of its values it is, and a count of those that live.
struct Stored {
    key: u64,
    version: u64,
    _one: One,
}

/// One memory, and what is known of each key.
struct Soak<'a> {
    memory: &'a Memory<Stored>,
    /// What it shares with others.
    pool: Option<&'a Arc<Pool>>,
    alive: &'a Alive,
    /// No older version may be found any more. Locked by who writes the key, as the flight table does.
    oldest: Vec<(Plain<u64>, AtomicU64)>,
    /// Locked by who forgets everything.
    all: RwLock<()>,
    /// In milliseconds; moved by the threads.
    clock: &'a AtomicU64,
    /// So many may be alive: each thread has at most one that is not in memory yet, and what was forgotten all at once may
    /// still be there.
    most: u64,
}

on_every_engine! {
    what_was_removed_or_replaced_is_not_found_and_what_is_found_is_what_was_stored,
    the_same_where_bytes_are_counted,
    the_same_where_two_memories_share_a_bound,
}

fn what_was_removed_or_replaced_is_not_found_and_what_is_found_is_what_was_stored(eviction: Eviction) {
    soak(&[Memory::new(Bound::Entries(ROOM), eviction)], None, &|_| Weight::ONE);
}

fn the_same_where_bytes_are_counted(eviction: Eviction) {
    soak(&[Memory::new(Bound::Bytes(100 * ROOM), eviction)], None, &some_are_large);
}

fn the_same_where_two_memories_share_a_bound(eviction: Eviction) {
    let pool = Pool::new(100 * ROOM, now());
    let memories = [(); 2].map(|()| Memory::in_pool(Bound::Entries(ROOM), eviction, &pool, || 0));
    soak(&memories, Some(&pool), &some_are_large);
    assert_eq!(pool.held(), 0, "something is counted that is not there");
}

/// As large as a tenth of all.
fn some_are_large(version: u64) -> Weight {
    Weight(if version.is_multiple_of(50) { 1_500 } else { 100 })
}

fn soak(
    memories: &[impl Borrow<Memory<Stored>> + Sync],
    pool: Option<&Arc<Pool>>,
    weight: &(impl Fn(u64) -> Weight + Sync),
) {
    let operations = env::var("SOAK").map_or(15_000, |operations| operations.parse().unwrap());
    let alive = Alive::default();
    let clock = AtomicU64::new(now().as_millis());
    let soaks: Vec<_> = memories
        .iter()
        .map(|memory| Soak {
            memory: memory.borrow(),
            pool,
            alive: &alive,
            oldest: (0..KEYS).map(|_| (Plain::new(0), AtomicU64::new(0))).collect(),
            all: RwLock::new(()),
            clock: &clock,
            most: memories.len() as u64 * 2 * (ROOM + THREADS),
        })
        .collect();
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let soaks = &soaks;
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed);
                (0..operations).for_each(|_| soaks[rng.usize(..soaks.len())].act(&mut rng, weight));
            });
        }
    });
    for soak in &soaks {
        soak.look_at_all();
    }
    let held: usize = memories.iter().map(|memory| memory.borrow().len()).sum();
    assert_eq!(alive.count(), held, "some are alive that are not in memory");
    for memory in memories.iter().map(Borrow::borrow) {
        drop(memory.remove_all());
        memory.tidy(now());
        assert_eq!((memory.len(), super::weight(memory)), (0, 0), "something is left");
    }
    assert_eq!(alive.count(), 0, "something is alive");
}

impl Soak<'_> {
    fn act(&self, rng: &mut Rng, weight: &impl Fn(u64) -> Weight) {
        // Some keys are asked for far more often than others.
        let key = rng.u64(..KEYS).min(rng.u64(..KEYS));
        match rng.u32(..1_000) {
            0..550 => self.read(key),
            550..850 => self.write(key, |version| {
                *version += 1;
                let stored = Stored { key, version: *version, _one: self.alive.one() };
                let end = self.now().plus(Duration::from_millis(rng.u64(1..400)));
                drop(self.memory.insert(&name(key), stored, weight(*version), &until(end)));
                self.pool.iter().for_each(|pool| pool.make_room(self.now()));
            }),
            850..930 => self.write(key, |version| {
                *version += 1;
                drop(self.memory.remove(&name(key)));
            }),
            930..960 => self.write(key, |_| self.expire(key)),
            960..985 => self.memory.tidy(self.now()),
            985..998 => drop(self.clock.fetch_add(7, Relaxed)),
            _ => self.forget_all(),
        }
        if matches!(self.memory.engine, Engine::S3Fifo(_)) {
            assert!(self.alive.count() as u64 <= self.most, "{} are alive", self.alive.count());
        }
    }

    fn expire(&self, key: u64) {
        let now = self.now();
        let expired = |dates: &Dates| Dates { fresh_until: now.min(dates.fresh_until), ..*dates };
        self.memory.redate(&name(key), expired);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Relaxed))
    }

    fn read(&self, key: u64) {
        let oldest = self.oldest[usize::try_from(key).unwrap()].1.load(Acquire);
        let name = name(key);
        let found = self.memory.read(Lookup::from(&*name), |entry| (entry.value.key, entry.value.version));
        if let Some((of, version)) = found {
            assert_eq!(of, key, "what is found under {key} is of another key");
            assert!(version >= oldest, "version {version} of {key} is found though {oldest} took its place");
        }
    }

    /// Does what leaves nothing older behind than the version that it says.
    fn write(&self, key: u64, write: impl FnOnce(&mut u64)) {
        let _all = self.all.read().unwrap();
        let (version, oldest) = &self.oldest[usize::try_from(key).unwrap()];
        let mut version = version.lock().unwrap();
        write(&mut version);
        oldest.store(*version, Release);
    }

    fn forget_all(&self) {
        let forgotten = {
            let _all = self.all.write().unwrap();
            let forgotten = self.memory.remove_all();
            for (version, oldest) in &self.oldest {
                let mut version = version.lock().unwrap();
                *version += 1;
                oldest.store(*version, Release);
            }
            forgotten
        };
        drop(forgotten);
    }

    /// What is there when nobody does anything any more.
    fn look_at_all(&self) {
        self.memory.tidy(self.now());
        (0..KEYS).for_each(|key| self.read(key));
        assert!(self.memory.len() as u64 <= ROOM, "{} are left", self.memory.len());
        assert!(self.pool.is_none_or(|pool| pool.held() <= pool.most()), "together they hold too much");
    }
}

/// Some are long.
fn name(key: u64) -> Vec<u8> {
    let long = if key.is_multiple_of(3) { ", which takes more than two words" } else { "" };
    format!("{key}{long}").into_bytes()
}
