//! Hits in memory, and nothing else between the first and the last: for `tests/instructions.rs` to count what they take.

use std::{hint::black_box, process::ExitCode, sync::Arc};

use hybrid_cache::cached;
use tokio::runtime::{Builder, Runtime};

const KEYS: u64 = 100;

#[cached(layers = "mem", ttl = 3600)]
async fn answer(id: u64) -> Arc<u64> {
    Arc::new(id)
}

fn main() -> ExitCode {
    let hits = std::env::args().nth(1).and_then(|hits| hits.parse().ok());
    let runtime = Builder::new_current_thread().build();
    let (Some(hits), Ok(runtime)) = (hits, runtime) else {
        eprintln!("usage: hits NUMBER");
        return ExitCode::FAILURE;
    };
    call_each_key(&runtime);
    the_hits(&runtime, hits);
    let all_were_hits = answer::stats().memory_hits() == hits && answer::stats().loads() == KEYS;
    if all_were_hits { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn call_each_key(runtime: &Runtime) {
    runtime.block_on(async {
        for id in 0..KEYS {
            answer(id).await;
        }
    });
}

/// The name is what the counter is told to count.
#[inline(never)]
fn the_hits(runtime: &Runtime, hits: u64) {
    runtime.block_on(async {
        for n in 0..hits {
            black_box(answer(black_box(n % KEYS)).await);
        }
    });
}
