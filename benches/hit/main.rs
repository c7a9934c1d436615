//! What a hit in memory costs.

#![allow(
    clippy::unwrap_used,
    clippy::unused_async,
    clippy::type_complexity,
    clippy::single_match_else,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bench that cannot go on stops, and its numbers are far below what these casts could lose"
)]

use std::{
    hint::black_box,
    io,
    sync::{Arc, LazyLock},
    time::Instant,
};

use hybrid_cache::cached;
use hybrid_cache_benches::{
    figures::interleaved,
    keys::Distribution,
    options::Options,
    report::{Report, Table, Unit},
    user::User,
};

static USERS: LazyLock<Vec<Arc<User>>> =
    LazyLock::new(|| (0..1_000_000).map(|id| Arc::new(User::of(id))).collect());

async fn floor(id: u64) -> Arc<User> {
    Arc::clone(&USERS[id as usize])
}

#[cached(layers = "mem", ttl = 3600, capacity = 1_100_000)]
async fn ours(id: u64) -> Arc<User> {
    Arc::clone(&USERS[id as usize])
}

static MOKA: LazyLock<moka::future::Cache<u64, Arc<User>>> =
    LazyLock::new(|| moka::future::Cache::builder().max_capacity(1_100_000).build());

struct Candidate {
    name: &'static str,
    run: Box<dyn Fn(&[u32]) -> f64>,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

macro_rules! candidate {
    ($name:literal, |$id:ident| $call:expr) => {
        Candidate {
            name: $name,
            run: Box::new(|keys: &[u32]| {
                runtime().block_on(async {
                    let start = Instant::now();
                    for key in keys {
                        let $id = u64::from(*key);
                        black_box($call);
                    }
                    start.elapsed().as_nanos() as f64 / keys.len() as f64
                })
            }),
        }
    };
}

fn main() -> io::Result<()> {
    let options = Options::from_command_line();
    let mut report = Report::new("hit", &options);
    for keys in options.pick(vec![10_000, 1_000_000], vec![100]) {
        for distribution in [Distribution::Zipf, Distribution::Uniform] {
            let title = format!("{keys} keys, u64 → Arc, {}, 1 thread", distribution.name());
            if !options.wants(&title) {
                continue;
            }
            let sequence = distribution.sequence(keys, options.pick(1_000_000, 1_000));
            let all: Vec<u32> = (0..keys as u32).collect();
            let mut candidates = [
                candidate!("floor", |id| floor(id).await),
                candidate!("moka::future", |id| match MOKA.get(&id).await {
                    Some(user) => user,
                    None => {
                        MOKA.insert(id, Arc::clone(&USERS[id as usize])).await;
                        Arc::clone(&USERS[id as usize])
                    }
                }),
                candidate!("hybrid-cache", |id| ours(id).await),
            ];
            for candidate in &candidates {
                (candidate.run)(&all);
                (candidate.run)(&sequence);
            }
            let figures =
                interleaved(options.pick(9, 1), &mut candidates, |candidate| (candidate.run)(&sequence));
            let mut table = Table::new(title, Unit::Nanoseconds, &["moka::future", "floor"]);
            for (candidate, figures) in candidates.iter().zip(figures) {
                table.row(candidate.name, figures, []);
            }
            report.add(&table);
        }
    }
    report.finish()
}
