use std::{sync::Weak, time::Duration};

use super::*;

const LIFE: Duration = Duration::from_mins(1);

fn now() -> Timestamp {
    crate::clock::now()
}

fn dates() -> Dates {
    let now = now();
    Dates { computed_at: now, fresh_until: now.plus(LIFE), kept_until: now.plus(LIFE) }
}

fn get(memory: &Memory<u64>, key: &str) -> Option<u64> {
    memory.read(key.as_bytes(), now(), |entry| entry.value)
}

#[test]
fn the_newest_answer_of_a_key_is_found_until_it_is_removed() {
    let memory = Memory::new(10);
    assert_eq!(get(&memory, "k"), None);
    memory.insert("k", 1, Weight::ONE, dates(), now().plus(LIFE), now());
    memory.insert("k", 2, Weight::ONE, dates(), now().plus(LIFE), now());
    assert_eq!(get(&memory, "k"), Some(2));
    memory.remove("k");
    assert_eq!(get(&memory, "k"), None);
}

#[test]
fn everything_is_forgotten_at_once_and_its_space_follows() {
    let memory = Memory::new(1_000);
    for k in 0..500 {
        memory.insert(&k.to_string(), k, Weight::ONE, dates(), now().plus(LIFE), now());
    }
    memory.remove_all();
    assert!((0..500).all(|k| get(&memory, &k.to_string()).is_none()));
    memory.insert("7", 8, Weight::ONE, dates(), now().plus(LIFE), now());
    assert_eq!(get(&memory, "7"), Some(8));
    memory.tidy(now());
    assert!(memory.len() <= 1, "{} entries are left", memory.len());
}

#[test]
fn there_are_never_many_more_entries_than_the_capacity() {
    let memory = Memory::new(100);
    for k in 0..10_000 {
        memory.insert(&k.to_string(), k, Weight::ONE, dates(), now().plus(LIFE), now());
    }
    memory.tidy(now());
    assert!(memory.len() <= 100, "{} entries", memory.len());
}

#[test]
fn an_entry_that_moka_evicts_leaves_the_index_too() {
    let memory = Memory::new(100);
    for k in 0..10_000 {
        memory.insert(&k.to_string(), k, Weight::ONE, dates(), now().plus(LIFE), now());
    }
    memory.tidy(now());
    let found = (0..10_000).filter(|k| get(&memory, &k.to_string()).is_some()).count();
    assert_eq!(found, memory.len());
}

#[test]
fn an_entry_whose_life_is_over_leaves_by_itself() {
    let memory = Memory::new(100);
    let start = now();
    for k in 0..20 {
        let end = start.plus(Duration::from_secs(k));
        let dates = Dates { computed_at: start, fresh_until: end, kept_until: end };
        memory.insert(&k.to_string(), k, Weight::ONE, dates, end, start);
    }
    memory.tidy(start.plus(Duration::from_millis(9_500)));
    let left: Vec<u64> = (0..20).filter(|k| get(&memory, &k.to_string()).is_some()).collect();
    assert_eq!(left, (10..20).collect::<Vec<_>>());
    assert_eq!(memory.len(), 10);
    assert_eq!(memory.eviction.iter().count(), 10, "moka keeps something of what is gone");
}

#[test]
fn an_entry_that_is_expired_by_hand_leaves_by_itself() {
    let memory = Memory::new(100);
    let start = now();
    memory.insert("k", 1, Weight::ONE, dates(), start.plus(LIFE), start);
    memory.tidy(start);
    memory.redate("k", |dates| Dates { fresh_until: start, kept_until: start, ..*dates });
    memory.tidy(start.plus(Duration::from_millis(1)));
    assert_eq!(memory.len(), 0);
}

#[test]
fn what_is_read_again_and_again_survives_a_flood_of_other_keys() {
    let memory = Memory::new(100);
    let start = now();
    for k in 0..100 {
        memory.insert(&k.to_string(), k, Weight::ONE, dates(), start.plus(LIFE), start);
    }
    for tick in 1..20 {
        for k in 0..50 {
            memory.read(k.to_string().as_bytes(), start.plus(Duration::from_millis(200) * tick), |_| ());
        }
        memory.tidy(now());
    }
    for k in 1_000..3_000 {
        memory.insert(&k.to_string(), k, Weight::ONE, dates(), start.plus(LIFE), start);
    }
    memory.tidy(now());
    let survivors = (0..50).filter(|k| get(&memory, &k.to_string()).is_some()).count();
    assert!(survivors >= 45, "only {survivors} of 50 are left");
}

#[test]
fn entries_report_once_more_when_a_quarter_of_the_capacity_was_stored_in_no_time() {
    let memory = Memory::new(100);
    let start = now();
    let insert = |k: u64| memory.insert(&k.to_string(), k, Weight::ONE, dates(), start.plus(LIFE), start);
    let reports_of_reading_a_hundred_times = || {
        (0..100).for_each(|_| assert!(memory.read(b"0", start, |_| ()).is_some()));
        let mut reports = 0;
        memory.reports.hand_over(|_| reports += 1);
        reports
    };
    insert(0);
    assert_eq!(reports_of_reading_a_hundred_times(), 0, "storing it was a report");
    (1..24).for_each(insert);
    assert_eq!(reports_of_reading_a_hundred_times(), 0);
    (24..26).for_each(insert);
    assert_eq!(reports_of_reading_a_hundred_times(), 1);
}

#[test]
fn an_entry_whose_hash_another_key_has_leaves_the_index_too() {
    let memory = Memory::new(100);
    memory.insert("k", 1, Weight::ONE, dates(), now().plus(LIFE), now());
    // What storing a key of the same hash does.
    memory.eviction.insert(OfText::new(b"k").hash, Stub { id: u64::MAX, weight: Weight::ONE });
    memory.tidy(now());
    assert_eq!((get(&memory, "k"), memory.len()), (None, 0));
}

#[test]
fn index_and_eviction_agree_after_threads_wrote_the_same_keys() {
    let memory = Memory::new(64);
    let writing = std::sync::Mutex::new(());
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (memory, writing) = (&memory, &writing);
            scope.spawn(move || {
                for round in 0..5_000_u64 {
                    let key = (round * 7 % 200).to_string();
                    // As the flight table has it: one write at a time.
                    let _one = writing.lock().unwrap();
                    match (round + thread) % 5 {
                        0 => memory.remove(&key),
                        1 if round % 1_000 == 1 => memory.remove_all(),
                        _ => memory.insert(&key, round, Weight::ONE, dates(), now().plus(LIFE), now()),
                    }
                }
            });
        }
    });
    memory.tidy(now());
    memory.tidy(now());
    assert!(memory.len() <= 64, "{} entries in the index", memory.len());
    assert_eq!(memory.len() as u64, memory.eviction.entry_count());
}

/// Bounded by bytes, of which each value says itself how many it has.
fn sized(most: u64) -> Memory<usize> {
    Memory::bounded(Bound::Bytes(most, |size| *size))
}

fn store(memory: &Memory<usize>, key: &str, size: usize) -> bool {
    let weight = memory.weigh(key, &size);
    if let Some(weight) = weight {
        memory.insert(key, size, weight, dates(), now().plus(LIFE), now());
        memory.settle();
    }
    weight.is_some()
}

fn bytes(memory: &Memory<usize>) -> usize {
    memory.index.pin().iter().map(|(key, entry)| key.text().len() + entry.value).sum()
}

#[test]
fn there_are_never_many_more_bytes_than_the_bound_however_few_entries_they_are() {
    let memory = sized(1_000);
    for k in 0..500 {
        assert!(store(&memory, &format!("{k:03}"), [7, 97, 397][k % 3]));
        assert!(bytes(&memory) <= 1_000 + 400, "{} bytes after {k}", bytes(&memory));
    }
    memory.tidy(now());
    assert!((500..=1_000).contains(&bytes(&memory)), "{} bytes", bytes(&memory));
}

#[test]
fn as_many_entries_as_fit_are_kept() {
    let memory = sized(1_000);
    for k in 0..10 {
        store(&memory, &format!("{k:03}"), 97);
    }
    memory.tidy(now());
    assert_eq!((memory.len(), bytes(&memory)), (10, 1_000));
}

#[test]
fn keys_count_and_what_is_empty_counts_too() {
    let memory = sized(100);
    assert!(store(&memory, "k", 99));
    assert!(!store(&memory, "kk", 99));
    assert_eq!(memory.weigh("", &0).unwrap().0, 1);
}

#[test]
fn what_is_larger_than_all_memory_may_be_has_no_weight() {
    let memory = sized(u64::MAX);
    assert!(memory.weigh("", &(u32::MAX as usize)).is_some());
    assert!(memory.weigh("k", &(u32::MAX as usize)).is_none());
    assert!(memory.weigh("k", &usize::MAX).is_none());
}

#[test]
fn an_entry_that_grows_counts_what_it_has_become() {
    let memory = sized(1_000);
    for k in 0..10 {
        store(&memory, &format!("{k:03}"), 7);
    }
    for k in 0..10 {
        store(&memory, &format!("{k:03}"), 497);
    }
    memory.tidy(now());
    assert!(bytes(&memory) <= 1_000, "{} bytes", bytes(&memory));
}

/// Whose clean-up stores another one.
struct Asks(Weak<Memory<Self>>);

impl Drop for Asks {
    fn drop(&mut self) {
        if let Some(memory) = self.0.upgrade() {
            let key = memory.next_id.load(Relaxed).to_string();
            store_one(&memory, &key, Weak::new());
        }
    }
}

fn store_one(memory: &Memory<Asks>, key: &str, asks: Weak<Memory<Asks>>) {
    let value = Asks(asks);
    let weight = memory.weigh(key, &value).unwrap();
    memory.dropping_later(|| memory.insert(key, value, weight, dates(), now().plus(LIFE), now()));
    memory.settle();
}

#[test]
fn an_answer_whose_clean_up_asks_for_an_answer_does_not_wait_for_itself() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let memory = Arc::new(Memory::bounded(Bound::Bytes(10_000, |_| 100)));
        for k in 0..2_000 {
            store_one(&memory, &k.to_string(), Arc::downgrade(&memory));
        }
        memory.tidy(now());
        // So many are to be evicted and so many reads to be told at once that moka does it when it is told.
        for round in 0..3 {
            let later = now().plus(LIFE);
            for k in 0..50 {
                let (key, value) = (format!("{round} {k}"), Asks(Arc::downgrade(&memory)));
                memory.insert(&key, value, Weight(100), dates(), later.plus(LIFE), later);
            }
            for k in 0..2_000 {
                let key = k.to_string();
                if memory.peek(&key, |_| ()).is_some() {
                    memory.read(key.as_bytes(), later, |_| ());
                }
            }
            memory.tidy(later);
        }
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("it hangs");
}
