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
    memory.read(key, now(), |entry| entry.value)
}

#[test]
fn the_newest_answer_of_a_key_is_found_until_it_is_removed() {
    let memory = Memory::new(10);
    assert_eq!(get(&memory, "k"), None);
    memory.insert("k", 1, dates(), now().plus(LIFE), now());
    memory.insert("k", 2, dates(), now().plus(LIFE), now());
    assert_eq!(get(&memory, "k"), Some(2));
    memory.remove("k");
    assert_eq!(get(&memory, "k"), None);
}

#[test]
fn everything_is_forgotten_at_once_and_its_space_follows() {
    let memory = Memory::new(1_000);
    for k in 0..500 {
        memory.insert(&k.to_string(), k, dates(), now().plus(LIFE), now());
    }
    memory.remove_all();
    assert!((0..500).all(|k| get(&memory, &k.to_string()).is_none()));
    memory.insert("7", 8, dates(), now().plus(LIFE), now());
    assert_eq!(get(&memory, "7"), Some(8));
    memory.tidy();
    assert!(memory.len() <= 1, "{} entries are left", memory.len());
}

#[test]
fn there_are_never_many_more_entries_than_the_capacity() {
    let memory = Memory::new(100);
    for k in 0..10_000 {
        memory.insert(&k.to_string(), k, dates(), now().plus(LIFE), now());
    }
    memory.tidy();
    assert!(memory.len() <= 100, "{} entries", memory.len());
}

#[test]
fn an_entry_that_moka_evicts_leaves_the_index_too() {
    let memory = Memory::new(100);
    for k in 0..10_000 {
        memory.insert(&k.to_string(), k, dates(), now().plus(LIFE), now());
    }
    memory.tidy();
    let found = (0..10_000).filter(|k| get(&memory, &k.to_string()).is_some()).count();
    assert_eq!(found, memory.len());
}

#[test]
fn an_entry_whose_life_is_over_leaves_by_itself() {
    let memory = Memory::new(100);
    let now = now();
    let over = Dates { computed_at: now, fresh_until: now, kept_until: now };
    memory.insert("k", 1, over, now, now);
    let deadline = Instant::now() + Duration::from_secs(5);
    while memory.len() > 0 {
        assert!(Instant::now() < deadline, "the entry is still there");
        memory.tidy();
        std::thread::yield_now();
    }
}

#[test]
fn what_is_read_again_and_again_survives_a_flood_of_other_keys() {
    let memory = Memory::new(100);
    let start = now();
    for k in 0..100 {
        memory.insert(&k.to_string(), k, dates(), start.plus(LIFE), start);
    }
    for tick in 1..20 {
        for k in 0..50 {
            memory.read(&k.to_string(), start.plus(Duration::from_millis(200) * tick), |_| ());
        }
        memory.tidy();
    }
    for k in 1_000..3_000 {
        memory.insert(&k.to_string(), k, dates(), start.plus(LIFE), start);
    }
    memory.tidy();
    let survivors = (0..50).filter(|k| get(&memory, &k.to_string()).is_some()).count();
    assert!(survivors >= 45, "only {survivors} of 50 are left");
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
                        _ => memory.insert(&key, round, dates(), now().plus(LIFE), now()),
                    }
                }
            });
        }
    });
    memory.tidy();
    memory.tidy();
    assert!(memory.len() <= 64, "{} entries in the index", memory.len());
    assert_eq!(memory.len() as u64, memory.eviction.entry_count());
}
