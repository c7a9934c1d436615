//! What a hit in memory does not do. That it allocates nothing is tested from outside, in `tests/tests/allocations.rs`.

use std::time::Duration;

use super::world::{ALL, Body, MEMORY, World, key};
use crate::sync::counted::locks_taken;

#[tokio::test]
async fn a_hit_takes_the_read_lock_of_a_shard_and_no_other() {
    for layers in [MEMORY, ALL] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        let keys: Vec<_> = (0..500).map(|k| key(&k.to_string())).collect();
        for k in 0..keys.len() {
            body.call(function, &k.to_string()).await;
        }
        // More often than reads are counted.
        for _ in 0..5 {
            world.advance(Duration::from_millis(200));
            let locks = locks_taken(|| assert!(keys.iter().all(|key| function.hit(key).is_some())));
            assert_eq!(locks, (0, keys.len() as u64));
        }
    }
}

#[tokio::test]
async fn the_counter_counts_the_locks_of_a_removal() {
    let world = World::new();
    let function = world.function(MEMORY);
    Body::new().call(function, "k").await;
    let memory = function.memory.as_ref().unwrap();
    assert_eq!(locks_taken(|| drop(memory.remove(key("k").lookup()))), (1, 0));
}
