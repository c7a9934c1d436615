//! Threads that store, replace, remove and forget in one memory: what it counts is what it holds, that is never more than
//! its bound, and what it does not hold any more is dropped. The same of two memories that share one bound.

use std::{sync::Arc, time::Duration};

use shuttle::thread;

use crate::{
    memory::{Bound, EntryDates, Eviction, Lookup, Memory, Pool},
    record::Dates,
    world::NOW,
};

/// As many bytes that memory has several shards.
const ENTRY: usize = 1 << 21;

const KEYS: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];

/// What is stored: as many as there are of it are alive.
type Value = Arc<()>;

fn store(memory: &Memory<Value>, key: &[u8], value: &Value) {
    let end = NOW.plus(Duration::from_mins(1));
    let life =
        EntryDates { dates: Dates { computed_at: NOW, fresh_until: end, kept_until: end }, due_from: end };
    if let Some(weight) = memory.weigh(key, || ENTRY) {
        drop(memory.insert(key, Arc::clone(value), weight, &life));
    }
}

fn held(memory: &Memory<Value>) -> usize {
    KEYS.iter().filter(|key| memory.read(Lookup::from(**key), |_| ()).is_some()).count()
}

/// Threads that store where there is room for so many entries, beside one that removes or forgets.
pub fn stores_beside_removals(room: usize, all: bool) {
    let bytes = room * (ENTRY + 1_000);
    let memory: Arc<Memory<Value>> = Arc::new(Memory::new(Bound::Bytes(bytes as u64), Eviction::S3Fifo));
    let value = Arc::new(());
    let storing = KEYS.map(|key| {
        let (memory, value) = (Arc::clone(&memory), Arc::clone(&value));
        thread::spawn(move || {
            store(&memory, key, &value);
        })
    });
    if all {
        drop(memory.remove_all());
    } else {
        drop(memory.remove(KEYS[0]));
    }
    for thread in storing {
        thread.join().expect("a thread failed");
    }
    memory.tidy(NOW);
    let held = held(&memory);
    assert!(held <= room, "{held} entries are left");
    assert_eq!(Arc::strong_count(&value), 1 + held, "something is held that nobody can find");
    // All of the room can be used again: nothing is counted that is not there.
    for key in KEYS {
        drop(memory.remove(key));
    }
    KEYS.iter().take(room).for_each(|key| store(&memory, key, &value));
    assert_eq!(self::held(&memory), room, "there is room for all of them");
}

/// Threads that store in two memories which have room for so many entries together, beside one that removes or forgets.
pub fn stores_in_one_pool(room: usize, all: bool) {
    let pool = Pool::new((room * (ENTRY + 1_000)) as u64, NOW);
    let memory = || Memory::in_pool(Bound::Entries(1 << 20), Eviction::S3Fifo, &pool, || 0);
    let (one, other): (Arc<Memory<Value>>, Arc<Memory<Value>>) = (memory(), memory());
    let value = Arc::new(());
    let storing = KEYS.map(|key| {
        let memory = if key < b"c".as_slice() { &one } else { &other };
        let (pool, memory, value) = (Arc::clone(&pool), Arc::clone(memory), Arc::clone(&value));
        thread::spawn(move || {
            store(&memory, key, &value);
            pool.make_room(NOW);
        })
    });
    if all {
        drop(one.remove_all());
    } else {
        drop(one.remove(KEYS[0]));
    }
    for thread in storing {
        thread.join().expect("a thread failed");
    }
    one.tidy(NOW);
    let held = held(&one) + held(&other);
    assert!(held <= room, "{held} entries are left");
    assert_eq!(Arc::strong_count(&value), 1 + held, "something is held that nobody can find");
    // All of the room can be used again: nothing is counted that is not there.
    for key in KEYS {
        drop(one.remove(key));
        drop(other.remove(key));
    }
    for key in KEYS.iter().take(room) {
        store(&one, key, &value);
        pool.make_room(NOW);
    }
    assert_eq!(self::held(&one), room, "there is room for all of them");
}
