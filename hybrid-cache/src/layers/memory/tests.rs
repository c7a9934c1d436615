use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex as Plain, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::*;

/// Makes each function `fn name(eviction: Eviction)` a test of every engine that is compiled in.
macro_rules! on_every_engine {
    ($($name:ident,)*) => {
        mod of_s3fifo {
            $(#[test] fn $name() { super::$name(super::Eviction::S3Fifo); })*
        }
        #[cfg(feature = "moka")]
        mod of_tinylfu {
            $(#[test] fn $name() { super::$name(super::Eviction::TinyLfu); })*
        }
    };
}

mod soak;

on_every_engine! {
    the_newest_answer_of_a_key_is_found_until_it_is_removed,
    everything_is_forgotten_at_once_and_its_space_follows,
    there_are_as_many_entries_as_there_is_room_for_and_never_more,
    an_entry_whose_life_is_over_leaves_by_itself,
    an_entry_that_is_expired_by_hand_leaves_by_itself,
    an_entry_is_quiet_until_it_is_told_otherwise,
    there_are_never_more_bytes_than_the_bound_however_few_entries_they_are,
    as_many_entries_as_fit_are_kept,
    an_entry_that_grows_counts_what_it_has_become,
    a_value_is_dropped_as_soon_as_it_is_removed_replaced_evicted_or_at_its_end_also_beside_readers,
    an_answer_whose_clean_up_asks_for_an_answer_does_not_wait_for_itself,
    an_answer_whose_clean_up_forgets_everything_does_not_wait_for_itself,
    there_is_never_more_forgotten_at_once_than_once_all_of_memory,
    memory_agrees_with_a_map_after_threads_wrote_the_same_keys,
    a_panic_of_a_thread_that_holds_a_lock_costs_nobody_anything,
}

pub(super) fn s3fifo<V>(memory: &Memory<V>) -> &S3Fifo<V> {
    match &memory.engine {
        Engine::S3Fifo(engine) => engine,
        #[cfg(feature = "moka")]
        Engine::TinyLfu(_) => panic!("it is of the other engine"),
    }
}

/// What all entries count.
fn weight<V: Send + Sync + 'static>(memory: &Memory<V>) -> u64 {
    on!(memory, engine => engine.weight())
}

const LIFE: Duration = Duration::from_mins(1);

fn now() -> Timestamp {
    crate::clock::now()
}

fn until(end: Timestamp) -> EntryDates {
    let now = now();
    EntryDates {
        dates: Dates { computed_at: now.min(end), fresh_until: end, kept_until: end },
        due_from: end,
    }
}

fn life() -> EntryDates {
    until(now().plus(LIFE))
}

fn of(eviction: Eviction, entries: u64) -> Memory<u64> {
    Memory::new(Bound::Entries(entries), eviction)
}

fn insert<V: Send + Sync + 'static>(memory: &Memory<V>, key: &str, value: V) {
    drop(memory.insert(key.as_bytes(), value, Weight::ONE, &life()));
}

fn get(memory: &Memory<u64>, key: &str) -> Option<u64> {
    memory.read(key.as_bytes().into(), |entry| entry.value)
}

fn the_newest_answer_of_a_key_is_found_until_it_is_removed(eviction: Eviction) {
    let memory = of(eviction, 10);
    let long = "a key that is longer than what is kept beside the value";
    for key in ["", "k", "fifteen bytes..", "sixteen bytes...", long] {
        assert_eq!(get(&memory, key), None);
        insert(&memory, key, 1);
        insert(&memory, key, 2);
        assert_eq!(get(&memory, key), Some(2), "{key:?}");
        drop(memory.remove(key.as_bytes()));
        assert_eq!(get(&memory, key), None);
        drop(memory.remove(key.as_bytes()));
    }
    assert_eq!((memory.len(), weight(&memory)), (0, 0));
}

fn everything_is_forgotten_at_once_and_its_space_follows(eviction: Eviction) {
    let alive = Alive::default();
    let memory = Memory::new(Bound::Entries(1_000), eviction);
    for k in 0..500 {
        insert(&memory, &k.to_string(), alive.one());
    }
    drop(memory.remove_all());
    assert!((0..500).all(|k| memory.peek(k.to_string().as_bytes(), |_| ()).is_none()));
    insert(&memory, "7", alive.one());
    assert!(memory.peek(b"7", |_| ()).is_some());
    memory.tidy(now());
    assert_eq!((memory.len(), alive.count(), weight(&memory)), (1, 1, 1));
}

fn there_are_as_many_entries_as_there_is_room_for_and_never_more(eviction: Eviction) {
    for room in [0, 1, 2, 63, 100, 128, 1_000, 5_000] {
        let memory = of(eviction, room);
        for k in 0..3 * room + 10 {
            insert(&memory, &k.to_string(), k);
            assert_eq!(weight(&memory), (k + 1).min(room), "with room for {room}");
        }
        assert_eq!(memory.len() as u64, room);
    }
}

#[test]
fn there_are_never_more_entries_than_room_and_threads_that_store() {
    const ROOM: u64 = 1_000;
    const THREADS: usize = 8;
    let (alive, memory) = (Alive::default(), Memory::new(Bound::Entries(ROOM), Eviction::S3Fifo));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (alive, memory) = (&alive, &memory);
            scope.spawn(move || {
                for k in 0..20_000 {
                    // Of these, one for each thread is not in memory yet.
                    insert(memory, &format!("{thread} {k}"), alive.one());
                    let count = alive.count();
                    assert!(count <= usize::try_from(ROOM).unwrap() + 2 * THREADS, "{count} are alive");
                }
            });
        }
    });
    assert_eq!((memory.len() as u64, alive.count() as u64), (ROOM, ROOM));
}

fn an_entry_whose_life_is_over_leaves_by_itself(eviction: Eviction) {
    let memory = of(eviction, 100);
    let start = now();
    for k in 0..20 {
        drop(memory.insert(
            k.to_string().as_bytes(),
            k,
            Weight::ONE,
            &until(start.plus(Duration::from_secs(k))),
        ));
    }
    memory.tidy(start.plus(Duration::from_millis(9_500)));
    let left: Vec<u64> = (0..20).filter(|k| get(&memory, &k.to_string()).is_some()).collect();
    assert_eq!(left, (10..20).collect::<Vec<_>>());
    assert_eq!((memory.len(), weight(&memory)), (10, 10));
}

fn an_entry_that_is_expired_by_hand_leaves_by_itself(eviction: Eviction) {
    let memory = of(eviction, 100);
    let start = now();
    insert(&memory, "k", 1);
    memory.tidy(start);
    memory.redate(b"k", |dates| Dates { fresh_until: start, kept_until: start, ..*dates });
    memory.tidy(start.plus(Duration::from_millis(1)));
    assert_eq!(memory.len(), 0);
}

fn an_entry_is_quiet_until_it_is_told_otherwise(eviction: Eviction) {
    let memory = of(eviction, 10);
    let start = now();
    let quiet_at =
        |after| memory.peek(b"k", |entry| entry.is_quiet(start.plus(Duration::from_secs(after)))).unwrap();
    let due_from = start.plus(Duration::from_secs(40));
    drop(memory.insert(b"k", 1, Weight::ONE, &EntryDates { due_from, ..life() }));
    assert!(quiet_at(39) && !quiet_at(41));
    memory.quiet(b"k", start.plus(Duration::from_secs(100)));
    assert!(quiet_at(99));
    memory.reconsider(b"k");
    assert!(quiet_at(39) && !quiet_at(41));
    let dates = memory.peek(b"k", Entry::dates).unwrap();
    memory.quiet_if(b"k", &Dates { kept_until: start, ..dates }, start.plus(Duration::from_secs(100)));
    assert!(!quiet_at(41), "these are not its dates");
    memory.quiet_if(b"k", &dates, start.plus(Duration::from_secs(100)));
    assert!(quiet_at(99));
    memory.redate(b"k", |dates| *dates);
    assert!(!quiet_at(0));
    assert_eq!(memory.peek(b"k", |entry| (entry.dates(), entry.due_from())), Some((dates, due_from)));
}

#[test]
fn what_is_read_again_and_again_survives_a_flood_of_other_keys() {
    let memory = of(Eviction::S3Fifo, 4_000);
    let read_all = || (0..2_000).filter(|k| get(&memory, &format!("hot {k}")).is_some()).count();
    (0..2_000).for_each(|k| insert(&memory, &format!("hot {k}"), k));
    (0..3).for_each(|_| assert_eq!(read_all(), 2_000));
    for k in 0..80_000 {
        insert(&memory, &k.to_string(), k);
        if k % 4_000 == 0 {
            read_all();
        }
    }
    assert!(read_all() > 1_900, "only {} of 2 000 are left", read_all());
}

#[test]
fn a_key_that_comes_back_soon_stays_longer_than_one_that_is_new() {
    let memory = of(Eviction::S3Fifo, 4_000);
    let there = |k: u64| get(&memory, &k.to_string()).is_some();
    (0..8_000).for_each(|k| insert(&memory, &k.to_string(), k));
    // Evicted not long ago, and stored again.
    let returned: Vec<u64> = (6_500..7_200).filter(|k| !there(*k)).take(400).collect();
    for k in &returned {
        insert(&memory, &k.to_string(), *k);
    }
    (10_000..12_000).for_each(|k| insert(&memory, &k.to_string(), k));
    let (kept, new) =
        (returned.iter().filter(|k| there(**k)).count(), (10_000..10_400).filter(|k| there(*k)).count());
    assert!(kept > 240 && new < 40, "{kept} of 400 that came back, {new} of 400 new ones");
}

/// Bounded by bytes, of which each value says itself how many it has.
fn sized(eviction: Eviction, most: u64) -> Memory<usize> {
    Memory::new(Bound::Bytes(most), eviction)
}

/// What is counted for every entry.
fn beside(eviction: Eviction) -> usize {
    sized(eviction, u64::MAX).weigh(b"k", || 0).unwrap().0 as usize
}

fn store(memory: &Memory<usize>, key: &str, size: usize) -> bool {
    let weight = memory.weigh(key.as_bytes(), || size);
    if let Some(weight) = weight {
        drop(memory.insert(key.as_bytes(), size, weight, &life()));
    }
    weight.is_some()
}

fn there_are_never_more_bytes_than_the_bound_however_few_entries_they_are(eviction: Eviction) {
    let memory = sized(eviction, 10_000);
    for k in 0..500 {
        assert!(store(&memory, &format!("{k:03}"), [7, 970, 3_970][k % 3]));
        let bytes: usize = (0..=k)
            .filter_map(|k| memory.peek(format!("{k:03}").as_bytes(), |entry| entry.value + beside(eviction)))
            .sum();
        assert_eq!(weight(&memory), bytes as u64);
        assert!(bytes <= 10_000, "{bytes} bytes after {k}");
    }
    assert!(weight(&memory) > 5_000);
}

fn as_many_entries_as_fit_are_kept(eviction: Eviction) {
    let memory = sized(eviction, 10 * (100 + beside(eviction) as u64));
    for k in 0..10 {
        assert!(store(&memory, &format!("{k:03}"), 100));
    }
    assert_eq!(memory.len(), 10);
    store(&memory, "one more", 100);
    assert_eq!(memory.len(), 10);
}

#[test]
fn keys_that_lie_elsewhere_count_and_what_is_empty_counts_too() {
    let memory = sized(Eviction::S3Fifo, 1_000);
    assert_eq!(beside(Eviction::S3Fifo), 56 + 16);
    assert_eq!(
        memory.weigh("k".repeat(100).as_bytes(), || 0).unwrap().0 as usize,
        beside(Eviction::S3Fifo) + 116
    );
    assert!(store(&memory, "k", 1_000 - beside(Eviction::S3Fifo)));
    assert!(!store(&memory, "k", 1_001 - beside(Eviction::S3Fifo)));
}

#[test]
fn what_is_larger_than_all_memory_may_be_has_no_weight() {
    let memory = sized(Eviction::S3Fifo, u64::MAX);
    assert!(memory.weigh(b"", || u32::MAX as usize - beside(Eviction::S3Fifo)).is_some());
    assert!(memory.weigh(b"", || u32::MAX as usize).is_none());
    assert!(memory.weigh(b"k", || usize::MAX).is_none());
}

fn an_entry_that_grows_counts_what_it_has_become(eviction: Eviction) {
    let memory = sized(eviction, 10 * (100 + beside(eviction) as u64));
    for k in 0..10 {
        assert!(store(&memory, &format!("{k:03}"), 7));
    }
    for k in 0..10 {
        assert!(store(&memory, &format!("{k:03}"), 400));
    }
    assert!((2..=5).contains(&memory.len()), "{} entries", memory.len());
}

#[test]
fn a_large_entry_takes_the_place_of_what_nobody_asks_for_wherever_that_is() {
    // In the first half of all shards, as it were, there would be room enough for it.
    let (entry, entries) = (1_000 + beside(Eviction::S3Fifo), 20_000);
    let memory = sized(Eviction::S3Fifo, (entries * entry) as u64);
    let hot = |k: usize| k.is_multiple_of(10);
    (0..entries).for_each(|k| assert!(store(&memory, &k.to_string(), 1_000)));
    for _ in 0..3 {
        (0..entries).filter(|k| hot(*k)).for_each(|k| {
            assert!(memory.read(k.to_string().as_bytes().into(), |_| ()).is_some());
        });
    }
    assert!(store(&memory, "large", entries * entry / 2));
    let left =
        (0..entries).filter(|k| hot(*k) && memory.peek(k.to_string().as_bytes(), |_| ()).is_some()).count();
    assert!(left * 100 >= entries / 10 * 98, "only {left} of {} that are in use are left", entries / 10);
}

#[test]
fn there_are_shards_for_as_many_entries_as_may_be_expected() {
    let shards = |bound| s3fifo(&Memory::<u64>::new(bound, Eviction::S3Fifo)).shards.len();
    assert_eq!(shards(Bound::Entries(63)), 1);
    assert_eq!(shards(Bound::Bytes(64 << 10)), 1, "of large ones there may be a few only");
    let many = shards(Bound::Entries(1 << 20));
    assert!(many >= 64 && many.is_power_of_two(), "{many} shards");
    assert_eq!(shards(Bound::Bytes(4 << 30)), many);
}

/// Counts what has not been dropped.
#[derive(Default, Clone)]
struct Alive(Arc<AtomicUsize>);

struct One(Alive);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Relaxed);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

fn a_value_is_dropped_as_soon_as_it_is_removed_replaced_evicted_or_at_its_end_also_beside_readers(
    eviction: Eviction,
) {
    let (alive, memory) = (Alive::default(), Memory::new(Bound::Entries(100), eviction));
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    (0..200).for_each(|k| _ = memory.read(k.to_string().as_bytes().into(), |_| ()));
                }
            });
        }
        for k in 0..300 {
            insert(&memory, &k.to_string(), alive.one());
            assert_eq!(alive.count(), (k + 1).min(100));
        }
        let there: Vec<String> =
            (0..300).map(|k| k.to_string()).filter(|k| memory.peek(k.as_bytes(), |_| ()).is_some()).collect();
        for key in &there {
            insert(&memory, key, alive.one());
            assert_eq!(alive.count(), 100);
        }
        let (removed, ended) = there.split_at(50);
        for (at, key) in removed.iter().enumerate() {
            drop(memory.remove(key.as_bytes()));
            assert_eq!(alive.count(), 99 - at);
        }
        for key in ended {
            memory.redate(key.as_bytes(), |dates| Dates { kept_until: now(), ..*dates });
        }
        memory.tidy(now().plus(LIFE));
        assert_eq!(alive.count(), 0);
        done.store(true, Relaxed);
    });
}

#[test]
fn memory_is_given_back_once_most_of_it_is_not_in_use() {
    let memory = of(Eviction::S3Fifo, 10_000);
    let numbers =
        || -> usize { s3fifo(&memory).shards.iter().map(|shard| shard.0.read().unwrap().numbers()).sum() };
    (0..10_000).for_each(|k| insert(&memory, &k.to_string(), k));
    assert_eq!(numbers(), 10_000);
    (0..9_000).for_each(|k| drop(memory.remove(k.to_string().as_bytes())));
    memory.tidy(now());
    assert_eq!(numbers(), 1_000);
    assert!((9_000..10_000).all(|k| get(&memory, &k.to_string()) == Some(k)));
    (0..9_000).for_each(|k| insert(&memory, &k.to_string(), k));
    assert!((0..10_000).all(|k| get(&memory, &k.to_string()) == Some(k)));
}

/// Whose clean-up stores another one.
struct Asks(Weak<Memory<Self>>);

impl Drop for Asks {
    fn drop(&mut self) {
        if let Some(memory) = self.0.upgrade() {
            insert(&memory, &fastrand::u64(..).to_string(), Self(Weak::new()));
        }
    }
}

fn an_answer_whose_clean_up_asks_for_an_answer_does_not_wait_for_itself(eviction: Eviction) {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let memory = Arc::new(Memory::new(Bound::Entries(100), eviction));
        let fill = |life: &EntryDates| {
            for k in 0..2_000 {
                drop(memory.insert(
                    k.to_string().as_bytes(),
                    Asks(Arc::downgrade(&memory)),
                    Weight::ONE,
                    life,
                ));
            }
        };
        fill(&life());
        (0..2_000).for_each(|k| drop(memory.remove(k.to_string().as_bytes())));
        fill(&until(now()));
        memory.tidy(now().plus(LIFE));
        fill(&life());
        drop(memory.remove_all());
        memory.tidy(now());
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("it hangs");
}

/// Whose clean-up forgets everything.
struct Forgets(Weak<Memory<Self>>);

impl Drop for Forgets {
    fn drop(&mut self) {
        if let Some(memory) = self.0.upgrade() {
            drop(memory.remove_all());
        }
    }
}

fn an_answer_whose_clean_up_forgets_everything_does_not_wait_for_itself(eviction: Eviction) {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let memory = Arc::new(Memory::new(Bound::Entries(100), eviction));
        for _ in 0..3 {
            (0..50).for_each(|k| insert(&memory, &k.to_string(), Forgets(Arc::downgrade(&memory))));
            drop(memory.remove_all());
            memory.tidy(now());
        }
        (0..50).for_each(|k| insert(&memory, &k.to_string(), Forgets(Arc::downgrade(&memory))));
        memory.tidy(now().plus(LIFE * 2));
        assert_eq!(memory.len(), 0);
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("it hangs");
}

fn there_is_never_more_forgotten_at_once_than_once_all_of_memory(eviction: Eviction) {
    let (alive, memory) = (Alive::default(), Memory::new(Bound::Entries(100), eviction));
    for _ in 0..10 {
        (0..100).for_each(|k| insert(&memory, &k.to_string(), alive.one()));
        drop(memory.remove_all());
        assert!(alive.count() <= 100, "{} are alive, and nobody has tidied up", alive.count());
    }
    memory.tidy(now());
    assert_eq!(alive.count(), 0);
}

#[test]
fn a_value_that_grows_is_not_the_first_to_give_way() {
    let memory = sized(Eviction::S3Fifo, 10 * (100 + beside(Eviction::S3Fifo) as u64));
    (0..10).for_each(|k| assert!(store(&memory, &format!("{k:03}"), 100)));
    assert!(store(&memory, "000", 300));
    assert_eq!(memory.peek(b"000", |entry| entry.value), Some(300));
}

fn memory_agrees_with_a_map_after_threads_wrote_the_same_keys(eviction: Eviction) {
    const KEYS: u64 = 200;
    let memory = of(eviction, KEYS);
    let written = Plain::new(HashMap::new());
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (memory, written) = (&memory, &written);
            scope.spawn(move || {
                for round in 0..5_000_u64 {
                    let key = (round * 7 % KEYS).to_string();
                    // As the flight table has it: one write at a time.
                    let mut written = written.lock().unwrap();
                    match (round + thread) % 5 {
                        0 => {
                            drop(memory.remove(key.as_bytes()));
                            written.remove(&key);
                        }
                        1 if round % 1_000 == 1 => {
                            drop(memory.remove_all());
                            written.clear();
                        }
                        _ => {
                            insert(memory, &key, round);
                            written.insert(key, round);
                        }
                    }
                }
            });
        }
    });
    memory.tidy(now());
    let written = written.into_inner().unwrap();
    assert_eq!(memory.len(), written.len());
    assert!(written.iter().all(|(key, round)| get(&memory, key) == Some(*round)));
}

fn a_panic_of_a_thread_that_holds_a_lock_costs_nobody_anything(eviction: Eviction) {
    let memory = of(eviction, 10);
    insert(&memory, "k", 1);
    let beside = thread::scope(|scope| {
        scope.spawn(|| memory.change(b"k", |_| std::panic::resume_unwind(Box::new("on purpose")))).join()
    });
    assert!(beside.is_err());
    assert_eq!(get(&memory, "k"), Some(1));
    insert(&memory, "k", 2);
    assert_eq!(get(&memory, "k"), Some(2));
}

#[test]
fn shards_are_filled_evenly_whatever_the_keys() {
    let text = |k: u64| k.to_string().into_bytes();
    let packed = |k: u64| [&[0xf7][..], &u32::try_from(k).unwrap().to_le_bytes()].concat();
    let long = |k: u64| format!("a key that is longer than two words, {k}").into_bytes();
    let high = |k: u64| [&[0xf8][..], &(k << 40).to_le_bytes()].concat();
    for (what, key) in
        [("text", &text as &dyn Fn(u64) -> Vec<u8>), ("packed", &packed), ("long", &long), ("high", &high)]
    {
        let memory = of(Eviction::S3Fifo, 20_000);
        (0..20_000).for_each(|k| drop(memory.insert(&key(k), k, Weight::ONE, &life())));
        let sizes: Vec<usize> =
            s3fifo(&memory).shards.iter().map(|shard| shard.0.read().unwrap().len()).collect();
        let usual = 20_000 / sizes.len();
        let odd: Vec<_> = sizes.iter().filter(|size| **size < usual / 2 || **size > 2 * usual).collect();
        assert!(odd.is_empty(), "{what}: {odd:?} beside {usual}");
    }
}
