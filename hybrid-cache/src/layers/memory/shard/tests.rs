//! A shard beside the same policy, written down as plainly as it can be.

use std::{collections::VecDeque, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::record::Dates;

#[derive(Debug, Clone)]
enum Step {
    /// Reads a key and stores it where it is not there, as a cache is used; of this weight.
    Ask(u8, u32),
    Replace(u8, u32),
    Remove(u8),
    Shrink,
}

/// Key, weight, and reads that count.
type Item = (u8, u32, u8);

struct Plain {
    room: u64,
    small: VecDeque<Item>,
    main: VecDeque<Item>,
    ghosts: Ghosts,
}

impl Plain {
    fn weight(queue: &VecDeque<Item>) -> u64 {
        queue.iter().map(|(_, weight, _)| u64::from(*weight)).sum()
    }

    fn total(&self) -> u64 {
        Self::weight(&self.small) + Self::weight(&self.main)
    }

    fn item(&mut self, key: u8) -> Option<&mut Item> {
        self.small.iter_mut().chain(&mut self.main).find(|item| item.0 == key)
    }

    fn make_room(&mut self, weight: u32, hash: impl Fn(u8) -> u64) {
        while self.total() + u64::from(weight) > self.room {
            let from_small = Self::weight(&self.small) * 10 > self.total();
            let queue = if from_small { &mut self.small } else { &mut self.main };
            let Some((key, weight, uses)) = queue.pop_front() else { return };
            if from_small && uses >= 2 {
                self.main.push_back((key, weight, 0));
            } else if !from_small && uses > 0 {
                self.main.push_back((key, weight, uses - 1));
            } else if from_small {
                self.ghosts.remember(hash(key), self.small.len() + self.main.len() + 1);
            }
        }
    }

    fn insert(&mut self, key: u8, weight: u32, hash: impl Fn(u8) -> u64) {
        let straight = self.total() * 10 < self.room * 9;
        self.make_room(weight, &hash);
        let returns = self.ghosts.recall(hash(key), self.small.len() + self.main.len());
        let queue = if straight || returns { &mut self.main } else { &mut self.small };
        queue.push_back((key, weight, 0));
    }

    fn remove(&mut self, key: u8) {
        self.small.retain(|item| item.0 != key);
        self.main.retain(|item| item.0 != key);
    }
}

fn keys_of<V>(shard: &mut Shard<V>, place: Place) -> Vec<(String, u8)> {
    let mut keys = Vec::new();
    let mut at = shard.queue(place).oldest;
    while let Some(entry) = shard.entry_mut(at) {
        let crate::layers::memory::key::StoredKey::Short(word) = &entry.key else { panic!("a long key") };
        let text = String::from_utf8(word.iter().copied().filter(|byte| *byte != 0).collect()).unwrap();
        keys.push((text, *entry.uses()));
        at = entry.newer;
    }
    keys
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || (0_u8..60, any::<bool>()).prop_map(|(key, hot)| if hot { key % 8 } else { key });
    let step = prop_oneof![
        12 => (key(), 1_u32..4).prop_map(|(key, weight)| Step::Ask(key, weight)),
        1 => (key(), 1_u32..4).prop_map(|(key, weight)| Step::Replace(key, weight)),
        1 => key().prop_map(Step::Remove),
        1 => Just(Step::Shrink),
    ];
    prop::collection::vec(step, 1..400)
}

/// A minute from the first second of 1970.
fn life() -> EntryDates {
    let now = Timestamp::from_millis(1_000);
    let end = now.plus(Duration::from_mins(1));
    EntryDates { dates: Dates { computed_at: now, fresh_until: end, kept_until: end }, due_from: end }
}

#[test]
fn an_eviction_looks_at_few_entries_though_all_of_many_are_in_use() {
    let hasher = RandomState::default();
    let mut shard = Shard::new();
    for key in 0..5 * MOST_TURNS {
        let text = key.to_string();
        let sought = Sought::new(Lookup::from(text.as_bytes()), &hasher);
        shard.insert(&sought, key, &life(), 1, true, &hasher);
        (0..3).for_each(|_| shard.get(&sought).unwrap().used());
    }
    let evicted = shard.evict(&hasher).unwrap();
    assert_eq!(evicted.value, MOST_TURNS, "the oldest that did not get another turn");
    let turned = keys_of(&mut shard, Place::Main).into_iter().filter(|(_, uses)| *uses < 3).count();
    assert_eq!((turned, shard.len()), (MOST_TURNS, 5 * MOST_TURNS - 1));
}

proptest! {
    #[test]
    fn a_shard_keeps_what_the_policy_keeps(steps in steps(), room in 1_u64..60, weighted in any::<bool>()) {
        let hasher = RandomState::default();
        let hash = |key: u8| Sought::new(Lookup::from(key.to_string().as_bytes()), &hasher).hash;
        let life = life();
        let mut shard = Shard::new();
        let mut plain =
            Plain { room, small: VecDeque::new(), main: VecDeque::new(), ghosts: Ghosts::NONE };
        for step in steps {
            match step {
                Step::Ask(key, weight) => {
                    let weight = if weighted { weight } else { 1 };
                    let text = key.to_string();
                    let sought = Sought::new(Lookup::from(text.as_bytes()), &hasher);
                    if let Some(entry) = shard.get(&sought) {
                        entry.used();
                        prop_assert_eq!(entry.value, key);
                    } else {
                        let straight = shard.weight() * 10 < room * 9;
                        while shard.weight() + u64::from(weight) > room && shard.evict(&hasher).is_some() {}
                        shard.insert(&sought, key, &life, weight, straight, &hasher);
                    }
                    match plain.item(key) {
                        Some(item) => item.2 = (item.2 + 1).min(3),
                        None => plain.insert(key, weight, hash),
                    }
                }
                Step::Replace(key, weight) => {
                    let weight = if weighted { weight } else { 1 };
                    let text = key.to_string();
                    let replaced = shard.replace(&Sought::new(Lookup::from(text.as_bytes()), &hasher), key, &life, weight);
                    let item = plain.item(key);
                    prop_assert_eq!(replaced.ok().map(|old| old.weight), item.as_deref().map(|item| item.1));
                    if let Some(item) = item {
                        (item.1, item.2) = (weight, item.2.max(1));
                    }
                }
                Step::Remove(key) => {
                    let text = key.to_string();
                    shard.remove(&Sought::new(Lookup::from(text.as_bytes()), &hasher));
                    plain.remove(key);
                }
                Step::Shrink => shard.shrink(&hasher),
            }
            for (place, queue) in [(Place::Small, &plain.small), (Place::Main, &plain.main)] {
                let expected: Vec<_> = queue.iter().map(|(key, _, uses)| (key.to_string(), *uses)).collect();
                prop_assert_eq!(keys_of(&mut shard, place), expected);
            }
            prop_assert_eq!(shard.weight(), plain.total());
            prop_assert_eq!(shard.len(), plain.small.len() + plain.main.len());
        }
    }
}
