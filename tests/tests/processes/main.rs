//! What happens to a program with cached functions, seen from outside: the tests start the program `shop`
//! (`src/shop`), a Redis server and a cache directory, and restart, kill and damage any of them.
//!
//! Every test has processes of its own, so all run in parallel; nothing of the machine's own settings reaches them.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that cannot do its part ends its test"
)]

mod builds;
mod disk;
mod edges;
mod invalidation;
mod layers;
mod outages;
mod program;
mod redis_contents;
mod round_trips;
mod secrets;
mod settings;
mod sharing;

use std::time::{Duration, Instant};

/// Waits until `condition` holds; fails after half a minute, which is never needed on a machine that works.
#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < give_up, "did not happen within half a minute: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
