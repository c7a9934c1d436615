//! Misses that each evict, and nothing else between the first and the last: for `tests/instructions.rs` to count what they take.

use std::{hint::black_box, process::ExitCode, sync::Arc};

use hybrid_cache::cached;
use tokio::runtime::{Builder, Runtime};

const ROOM: u64 = 100;

#[cached(layers = "mem", ttl = 3600, capacity = 100, inline)]
async fn answer(id: u64) -> Arc<u64> {
    Arc::new(id)
}

fn main() -> ExitCode {
    let misses = std::env::args().nth(1).and_then(|misses| misses.parse::<u64>().ok());
    let runtime = Builder::new_current_thread().build();
    let (Some(misses), Ok(runtime)) = (misses, runtime) else {
        eprintln!("usage: misses NUMBER");
        return ExitCode::FAILURE;
    };
    let before = 10 * ROOM;
    the_misses(&runtime, 0..before);
    the_counted_misses(&runtime, before..before + misses);
    let all_were_misses = answer::stats().loads() == before + misses;
    if all_were_misses { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The name is what the counter is told to count.
#[inline(never)]
fn the_counted_misses(runtime: &Runtime, ids: std::ops::Range<u64>) {
    the_misses(runtime, ids);
}

fn the_misses(runtime: &Runtime, ids: std::ops::Range<u64>) {
    runtime.block_on(async {
        for id in ids {
            black_box(answer(black_box(id)).await);
        }
    });
}
