use std::{
    sync::{atomic::AtomicUsize, mpsc},
    thread,
};

use super::*;
use crate::{
    layers::memory::{Bound, EntryDates, Eviction, Memory, tests::s3fifo},
    record::Dates,
};

const ENGINES: &[Eviction] = &[
    Eviction::S3Fifo,
    #[cfg(feature = "moka")]
    Eviction::TinyLfu,
];

const LIFE: Duration = Duration::from_hours(1);

/// Bytes of the values here, in which the rest of an entry is little.
const VALUE: usize = 5_000;

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

/// As a thread does that has stored something in it.
fn make_room<V>(memory: &Memory<V>, now: Timestamp) {
    memory.stake.as_ref().unwrap().pool().make_room(now);
}

/// A function that keeps values in memory, each of as many bytes as it says.
struct Function {
    memory: Arc<Memory<usize>>,
    reads: Arc<AtomicU64>,
    /// How often it was asked how often it was read.
    looks: Arc<AtomicUsize>,
}

impl Function {
    fn in_pool(pool: &Arc<Pool>, eviction: Eviction) -> Self {
        Self::bounded(Bound::Entries(1_000_000), pool, eviction)
    }

    fn bounded(bound: Bound, pool: &Arc<Pool>, eviction: Eviction) -> Self {
        let (reads, looks) = (Arc::<AtomicU64>::default(), Arc::<AtomicUsize>::default());
        let memory = Memory::in_pool(bound, eviction, pool, {
            let (reads, looks) = (Arc::clone(&reads), Arc::clone(&looks));
            move || {
                looks.fetch_add(1, Relaxed);
                reads.load(Relaxed)
            }
        });
        Self { memory, reads, looks }
    }

    fn insert(&self, key: usize, value: usize) -> bool {
        self.insert_until(key, value, NOW.plus(LIFE))
    }

    fn insert_until(&self, key: usize, value: usize, end: Timestamp) -> bool {
        let key = key.to_string();
        let dates = Dates { computed_at: NOW, fresh_until: end, kept_until: end };
        let weight = self.memory.weigh(key.as_bytes(), || value);
        if let Some(weight) = weight {
            let life = EntryDates { dates, due_from: end };
            drop(self.memory.insert(key.as_bytes(), value, weight, &life));
        }
        weight.is_some()
    }

    fn store_at(&self, now: Timestamp, keys: impl Iterator<Item = usize>) {
        for key in keys {
            assert!(self.insert(key, VALUE));
            make_room(&self.memory, now);
        }
    }

    fn store(&self, keys: impl Iterator<Item = usize>) {
        self.store_at(NOW, keys);
    }

    fn read(&self, keys: impl Iterator<Item = usize>) -> usize {
        let found =
            keys.filter(|key| self.memory.read(key.to_string().as_bytes().into(), |_| ()).is_some()).count();
        self.reads.fetch_add(found as u64, Relaxed);
        found
    }

    fn held(&self) -> u64 {
        self.memory.stake.as_ref().unwrap().held()
    }
}

fn weight(eviction: Eviction) -> u64 {
    let memory = Memory::<usize>::new(Bound::Bytes(u64::MAX), eviction);
    u64::from(memory.weigh(b"1", || VALUE).unwrap().0)
}

/// A pool that is full with so many values.
fn room_for(values: u64, eviction: Eviction) -> Arc<Pool> {
    Pool::new(values * weight(eviction), NOW)
}

#[test]
fn what_all_memories_hold_stays_within_the_bound_and_fills_it() {
    for eviction in ENGINES {
        let pool = room_for(100, *eviction);
        let functions: Vec<_> = (0..4).map(|_| Function::in_pool(&pool, *eviction)).collect();
        for key in 0..500 {
            for function in &functions {
                function.store(key..=key);
                let held: u64 = functions.iter().map(Function::held).sum();
                assert_eq!(held, pool.held());
                assert!(held <= pool.most(), "{eviction:?} holds {held} of {}", pool.most());
            }
        }
        assert!(
            pool.held() * 100 > pool.most() * 95,
            "{eviction:?} holds {} of {}",
            pool.held(),
            pool.most()
        );
    }
}

#[test]
fn the_memory_that_nobody_reads_gives_way_to_the_one_that_is_read() {
    for eviction in ENGINES {
        let pool = room_for(200, *eviction);
        let (unread, read) = (Function::in_pool(&pool, *eviction), Function::in_pool(&pool, *eviction));
        unread.store(0..200);
        for key in 0..170 {
            read.store(key..=key);
            read.read(0..=key);
        }
        assert_eq!(read.read(0..170), 170, "{eviction:?}");
        // Nor does it when it goes on storing: then it is the first to give what it has stored.
        unread.store(200..1_000);
        assert_eq!(read.read(0..170), 170, "{eviction:?}");
    }
}

#[test]
fn of_two_that_are_read_the_one_with_less_use_per_byte_gives_way() {
    for eviction in ENGINES {
        let pool = room_for(200, *eviction);
        let (large, small) = (Function::in_pool(&pool, *eviction), Function::in_pool(&pool, *eviction));
        large.store(0..160);
        small.store(0..40);
        // More reads altogether, and fewer of a value.
        (0..2).for_each(|_| assert_eq!(large.read(0..160), 160));
        (0..6).for_each(|_| assert_eq!(small.read(0..40), 40));
        small.store(40..60);
        assert_eq!(small.read(0..60), 60, "{eviction:?}");
    }
}

#[test]
fn of_those_that_nobody_reads_the_one_that_holds_most_gives_way() {
    for eviction in ENGINES {
        let pool = room_for(100, *eviction);
        let (large, small) = (Function::in_pool(&pool, *eviction), Function::in_pool(&pool, *eviction));
        large.store(0..100);
        small.store(0..200);
        let (large, small) = (large.held() / weight(*eviction), small.held() / weight(*eviction));
        assert!(large.abs_diff(small) < 10, "{eviction:?}: {large} and {small}");
    }
}

#[test]
fn reads_of_long_ago_keep_no_bytes() {
    for eviction in ENGINES {
        let pool = room_for(100, *eviction);
        let (before, after) = (Function::in_pool(&pool, *eviction), Function::in_pool(&pool, *eviction));
        before.store(0..100);
        (0..100).for_each(|_| assert_eq!(before.read(0..100), 100));
        let ask = |now| {
            for key in 0..80 {
                after.store_at(now, key..=key);
                after.read(0..=key);
            }
            after.held() / weight(*eviction)
        };
        assert!(ask(NOW) < 20, "{eviction:?}: the other one was read far more often");
        assert!(ask(NOW.plus(HALF_LIFE * 12)) > 70, "{eviction:?}: it has not been for long");
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_uses_from_aging() {
    let pool = room_for(10, Eviction::S3Fifo);
    let function = Function::in_pool(&pool, Eviction::S3Fifo);
    let of_late = || pool.members.lock().unwrap().all[0].use_of_late;
    pool.age(NOW.plus(LIFE));
    function.reads.store(8, Relaxed);
    pool.age(NOW);
    assert!((of_late() - 8.0).abs() < 0.1);
    pool.age(NOW.plus(HALF_LIFE));
    assert!((of_late() - 4.0).abs() < 0.1);
}

#[test]
fn a_new_memory_gets_room_before_anybody_has_read_it() {
    for eviction in ENGINES {
        let pool = room_for(400, *eviction);
        let functions: Vec<_> = (0..4).map(|_| Function::in_pool(&pool, *eviction)).collect();
        functions[0].store(0..400);
        (0..100).for_each(|_| _ = functions[0].read(0..400));
        for new in &functions[1..] {
            new.store(0..100);
        }
        for new in &functions[1..] {
            let values = new.held() / weight(*eviction);
            // An eighth of 400 for four of them.
            assert!((10..=20).contains(&values), "{eviction:?}: {values} values");
        }
        // Once they are read more than what is there, they have more.
        for key in 100..150 {
            functions[1].store(key..=key);
            (0..200).for_each(|_| _ = functions[1].read(100..=key));
        }
        assert!(functions[1].held() / weight(*eviction) >= 50, "{eviction:?}");
    }
}

#[test]
fn nobody_gives_way_once_others_have() {
    for eviction in ENGINES {
        let pool = room_for(100, *eviction);
        let function = Function::in_pool(&pool, *eviction);
        function.store(0..100);
        assert_eq!(function.memory.give_way(10 * VALUE as u64), 0, "{eviction:?}");
        assert_eq!(pool.held(), 100 * weight(*eviction), "{eviction:?}");
    }
    let pool = room_for(100, Eviction::S3Fifo);
    let function = Function::in_pool(&pool, Eviction::S3Fifo);
    (10..110).for_each(|key| assert!(function.insert(key, VALUE)));
    assert!(function.insert(9, VALUE));
    assert_eq!(function.memory.give_way(10 * VALUE as u64), weight(Eviction::S3Fifo), "one is enough");
}

#[test]
fn what_leaves_counts_no_more() {
    for eviction in ENGINES {
        let pool = room_for(1_000, *eviction);
        let function = Function::in_pool(&pool, *eviction);
        let values = || pool.held() / weight(*eviction);
        function.store(10..20);
        function.store(10..20);
        assert_eq!(values(), 10, "replaced");
        (10..15).for_each(|key| drop(function.memory.remove(key.to_string().as_bytes())));
        assert_eq!(values(), 5, "removed");
        drop(function.memory.remove_all());
        function.memory.tidy(NOW);
        assert_eq!(pool.held(), 0, "forgotten all at once");
        (0..10).for_each(|key| assert!(function.insert_until(key, VALUE, NOW)));
        function.memory.tidy(NOW.plus(LIFE));
        assert_eq!(pool.held(), 0, "ended");
        function.store(10..20);
        let other = Function::bounded(Bound::Entries(5), &pool, *eviction);
        other.store(10..40);
        assert_eq!(values(), 15, "evicted: its own bound holds as well");
        drop(function);
        assert_eq!(values(), 5, "its memory is gone");
        drop(other);
        assert_eq!(pool.held(), 0);
    }
}

#[test]
fn what_is_in_use_stays_in_a_memory_that_gives_way() {
    let pool = room_for(2_000, Eviction::S3Fifo);
    let (one, other) =
        (Function::in_pool(&pool, Eviction::S3Fifo), Function::in_pool(&pool, Eviction::S3Fifo));
    one.store(0..2_000);
    (0..3).for_each(|_| _ = one.read((0..2_000).filter(|key| key % 10 == 0)));
    // It is read more often, by the byte.
    other.reads.store(1_000_000_000, Relaxed);
    other.store(0..1_000);
    let left = one.read((0..2_000).filter(|key| key % 10 == 0));
    assert!(left > 190, "{left} of 200 are left");
}

#[test]
fn a_flood_of_new_keys_leaves_what_is_read_where_it_is() {
    let pool = room_for(2_000, Eviction::S3Fifo);
    let function = Function::in_pool(&pool, Eviction::S3Fifo);
    function.store(0..600);
    for key in 1_000..40_000 {
        function.store(key..=key);
        if key % 2_000 == 0 {
            function.read(0..600);
        }
    }
    let left = function.read(0..600);
    assert!(left > 550, "{left} of 600 are left");
}

#[test]
fn shards_stay_of_one_size_when_others_need_their_room() {
    let pool = Pool::new(20_000 * weight(Eviction::S3Fifo), NOW);
    let (one, other) =
        (Function::in_pool(&pool, Eviction::S3Fifo), Function::in_pool(&pool, Eviction::S3Fifo));
    one.store(0..20_000);
    other.reads.store(1_000_000_000, Relaxed);
    other.store(0..15_000);
    let engine = s3fifo(&one.memory);
    let sizes: Vec<usize> = engine.shards.iter().map(|shard| shard.0.read().unwrap().len()).collect();
    let usual = sizes.iter().sum::<usize>() / sizes.len();
    assert!(sizes.iter().all(|size| size.abs_diff(usual) < 16), "{sizes:?}");
}

#[test]
fn what_a_memory_gave_too_much_counts_when_the_next_choice_is_made() {
    for eviction in ENGINES {
        let pool = room_for(3_000, *eviction);
        let [large, small] = [(); 2].map(|()| Function::in_pool(&pool, *eviction));
        for key in 0..20 {
            assert!(large.insert(key, 100 * VALUE));
        }
        small.store(0..900);
        // Per byte, the large ones are used less, until two of them are gone.
        large.reads.store(900, Relaxed);
        small.reads.store(600, Relaxed);
        small.store(900..2_400);
        let is_left = |key: &usize| large.memory.peek(key.to_string().as_bytes(), |_| ()).is_some();
        let left = (0..20).filter(is_left).count();
        assert!((15..20).contains(&left), "{eviction:?}: {left} of 20 large ones are left");
    }
}

#[test]
fn a_large_answer_takes_from_several_memories_what_each_needs_least() {
    for eviction in ENGINES {
        let pool = room_for(300, *eviction);
        let functions: Vec<_> = (0..3).map(|_| Function::in_pool(&pool, *eviction)).collect();
        for function in &functions {
            function.store(0..99);
        }
        (0..5).for_each(|_| functions[..2].iter().for_each(|function| _ = function.read(0..99)));
        functions[2].reads.store(1_000_000_000, Relaxed);
        assert!(functions[2].insert(1_000, 100 * VALUE));
        pool.make_room(NOW);
        assert!(pool.held() <= pool.most());
        for function in &functions[..2] {
            let left = function.held() / weight(*eviction);
            assert!((40..60).contains(&left), "{eviction:?}: {left} of 99 are left");
        }
    }
}

#[test]
fn an_answer_that_is_larger_than_the_bound_has_no_weight() {
    for eviction in ENGINES {
        let pool = room_for(1, *eviction);
        let function = Function::in_pool(&pool, *eviction);
        assert!(function.insert(1, VALUE));
        assert!(!function.insert(1, VALUE + 1));
        let other = Function::bounded(Bound::Bytes(100), &pool, *eviction);
        assert!(!other.insert(1, VALUE), "nor one that is larger than its own");
    }
}

#[test]
fn sizes_are_not_asked_for_where_nothing_is_bounded_by_them() {
    let memory = Memory::<usize>::new(Bound::Entries(10), Eviction::S3Fifo);
    assert_eq!(memory.weigh(b"k", || panic!("nobody needs to know")).unwrap().0, 1);
}

#[test]
fn who_gives_way_is_decided_once_for_many_evictions() {
    for eviction in ENGINES {
        let pool = room_for(2_560, *eviction);
        let functions: Vec<_> = (0..2).map(|_| Function::in_pool(&pool, *eviction)).collect();
        functions[0].store(0..2_560);
        let looks = functions[0].looks.load(Relaxed);
        functions[1].store(0..2_000);
        let looks = functions[0].looks.load(Relaxed) - looks;
        assert!(looks < 200, "{eviction:?} looked {looks} times for 2000 evictions");
    }
}

#[test]
fn threads_that_store_are_over_the_bound_by_no_more_than_what_each_is_storing() {
    const THREADS: usize = 8;
    for eviction in ENGINES {
        let pool = room_for(200, *eviction);
        let functions: Vec<_> = (0..4).map(|_| Function::in_pool(&pool, *eviction)).collect();
        let most = pool.most() + THREADS as u64 * weight(*eviction) * 11 / 10;
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (pool, functions) = (&pool, &functions);
                scope.spawn(move || {
                    for key in 0..1_000 {
                        let function = &functions[(thread + key) % functions.len()];
                        function.store(std::iter::once(thread * 1_000_000 + key));
                        function.read(std::iter::once(thread * 1_000_000 + key / 2));
                        assert!(pool.held() <= most, "{eviction:?} holds {} of {}", pool.held(), pool.most());
                    }
                });
            }
        });
        assert!(pool.held() <= pool.most());
        assert_eq!(functions.iter().map(Function::held).sum::<u64>(), pool.held());
        for function in &functions {
            drop(function.memory.remove_all());
            function.memory.tidy(NOW);
        }
        assert_eq!(pool.held(), 0);
    }
}

/// Whose clean-up stores something in another memory, reads it, and makes room.
struct Asks(Weak<Memory<usize>>);

impl Drop for Asks {
    fn drop(&mut self) {
        if let Some(memory) = self.0.upgrade() {
            let weight = memory.weigh(b"k", || VALUE).unwrap();
            let end = NOW.plus(LIFE);
            let dates = Dates { computed_at: NOW, fresh_until: end, kept_until: end };
            drop(memory.insert(b"k", VALUE, weight, &EntryDates { dates, due_from: end }));
            make_room(&memory, NOW);
        }
    }
}

#[test]
fn an_answer_whose_clean_up_makes_room_does_not_wait_for_itself() {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        for eviction in ENGINES {
            let pool = room_for(100, *eviction);
            let function = Function::in_pool(&pool, *eviction);
            let asking: Arc<Memory<Asks>> = Memory::in_pool(Bound::Entries(1_000), *eviction, &pool, || 0);
            let end = NOW.plus(LIFE);
            let dates = Dates { computed_at: NOW, fresh_until: end, kept_until: end };
            for key in 0..1_000_usize {
                let key = key.to_string();
                let weight = asking.weigh(key.as_bytes(), || VALUE).unwrap();
                let value = Asks(Arc::downgrade(&function.memory));
                drop(asking.insert(key.as_bytes(), value, weight, &EntryDates { dates, due_from: end }));
                pool.make_room(NOW);
            }
            function.store(0..1_000);
            drop(asking);
            assert!(pool.held() <= pool.most());
        }
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_mins(1)).expect("it hangs, or failed");
}
