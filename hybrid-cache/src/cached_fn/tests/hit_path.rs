//! What a hit in memory does not do. That it allocates nothing is tested from outside, in `tests/tests/allocations.rs`.

use std::time::Duration;

use super::world::{ALL, Body, MEMORY, World, key};
use crate::sync::counted::locks_taken;

#[tokio::test]
async fn a_hit_takes_no_lock() {
    for layers in [MEMORY, ALL] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        let keys: Vec<_> = (0..500).map(|k| key(&k.to_string())).collect();
        for k in 0..keys.len() {
            body.call(function, &k.to_string()).await;
        }
        // More than there is room for reports of; in each tick, entries report once.
        for _ in 0..3 {
            world.advance(Duration::from_millis(200));
            let locks = locks_taken(|| assert!(keys.iter().all(|key| function.hit(key).is_some())));
            assert_eq!(locks, 0);
        }
    }
}

#[tokio::test]
async fn the_counter_counts_the_locks_of_a_miss() {
    let world = World::new();
    let function = world.function(MEMORY);
    assert!(function.hit(&key("k")).is_none());
    Body::new().call(function, "k").await;
    world.advance(Duration::from_millis(200));
    assert!(function.hit(&key("k")).is_some());
    assert_ne!(locks_taken(|| assert!(function.hit(&key("absent")).is_none())), 0);
}
