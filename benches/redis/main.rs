//! What an answer from Redis costs, and what it costs to store and to forget one, beside the bare client.
//!
//! On a server of its own on loopback, with 1, 16 and 256 callers at the same time. All candidates run in one runtime with two
//! workers, each over one connection of its own; nothing is kept in memory.

#![allow(
    clippy::unwrap_used,
    clippy::unused_async,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a bench that cannot go on stops, and its numbers are far below what these casts could lose"
)]

mod callers;
mod candidates;
mod traffic;

use std::{io, sync::Arc};

use hybrid_cache_benches::{
    figures::{Figures, interleaved},
    keys::Distribution,
    options::Options,
    report::{Report, Table, Unit},
};
use hybrid_cache_test_support::RedisServer;
use tokio::runtime::Runtime;

use self::{
    callers::{Operation, Timing},
    candidates::{Bare, Cached, HybridCache, MultiTier, Socket, Users, take_body_runs},
    traffic::Traffic,
};

/// Users that are in Redis while hits are measured.
const PRESENT: usize = 10_000;
/// The first of those that are not in Redis while misses are measured.
const FIRST_MISSING: u64 = 1_000_000;
/// Operations by which it is found out what one of them costs the server.
const COUNTED: usize = 100;
const REFERENCE: &str = "redis";
const FLOOR: &str = "bare socket";

/// Has so many callers go through a phase with these users.
type Run = dyn Fn(Phase, usize, &[u64]) -> Timing;

/// One way to keep users in Redis.
struct Candidate {
    name: &'static str,
    /// Whether it can serve one caller only.
    alone: bool,
    run: Box<Run>,
}

impl Candidate {
    fn new<U: Users + Sync>(runtime: &Arc<Runtime>, name: &'static str, users: U) -> Self {
        let runtime = Arc::clone(runtime);
        let run = move |phase: Phase, callers, ids: &[u64]| {
            take_body_runs();
            let timing = callers::run(&runtime, &users, phase.operation(), callers, ids);
            // Whoever went without Redis, or does not store, is not measured.
            let runs = if phase == Phase::Miss { ids.len() as u64 } else { 0 };
            assert_eq!(take_body_runs(), runs, "how often {name} asked the source in a {}", phase.name());
            timing
        };
        Self { name, alone: false, run: Box::new(run) }
    }

    fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// What is done in one go with a number of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Redis has them.
    Hit,
    /// Redis has none of them.
    Miss,
    /// Redis is to forget them.
    Invalidate,
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Invalidate => "invalidate",
        }
    }

    const fn operation(self) -> Operation {
        match self {
            Self::Hit | Self::Miss => Operation::Ask,
            Self::Invalidate => Operation::Forget,
        }
    }
}

fn main() -> io::Result<()> {
    let options = Options::from_command_line();
    let server = RedisServer::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bench = Bench { candidates: candidates(&Arc::new(runtime), &server.url()), server, options };
    let mut report = Report::new("redis", &bench.options);

    let users = bench.options.pick(PRESENT, 100);
    let present: Vec<u64> = (0..users as u64).collect();
    for candidate in &bench.candidates {
        (candidate.run)(Phase::Miss, 1, &present);
    }
    let loads = bench.options.pick([(1, 20_000), (16, 3_000), (256, 400)], [(1, 100), (16, 10), (256, 2)]);
    for (callers, each) in loads {
        let asked = Distribution::Uniform.sequence(users, callers * each);
        let asked: Vec<u64> = asked.into_iter().map(u64::from).collect();
        bench.compare(&mut report, &[Phase::Hit], callers, &asked);
    }
    for (callers, each) in loads {
        let missing: Vec<u64> = (FIRST_MISSING..).take(callers * each / 2).collect();
        bench.compare(&mut report, &[Phase::Miss, Phase::Invalidate], callers, &missing);
    }
    report.finish()
}

fn candidates(runtime: &Arc<Runtime>, url: &str) -> Vec<Candidate> {
    let connected = runtime.block_on(async {
        (
            Socket::new(url).await,
            Bare::multiplexed(url).await,
            Bare::without_delay(url).await,
            Bare::managed(url).await,
            MultiTier::new(url).await,
        )
    });
    let (socket, multiplexed, without_delay, managed, multi_tier) = connected;
    vec![
        Candidate::new(runtime, FLOOR, socket).alone(),
        Candidate::new(runtime, REFERENCE, multiplexed),
        Candidate::new(runtime, "redis, TCP_NODELAY", without_delay),
        Candidate::new(runtime, "redis, ConnectionManager", managed),
        Candidate::new(runtime, "hybrid-cache", HybridCache::new(url)),
        Candidate::new(runtime, "cached", Cached::new(url)),
        Candidate::new(runtime, "multi-tier-cache", multi_tier),
    ]
}

/// Everybody, and the server that all of them use.
struct Bench {
    candidates: Vec<Candidate>,
    server: RedisServer,
    options: Options,
}

impl Bench {
    /// Measures these phases one after the other, round by round, with so many callers: a table for each.
    fn compare(&self, report: &mut Report, phases: &[Phase], callers: usize, ids: &[u64]) {
        let alone = callers == 1;
        let plural = if alone { "" } else { "s" };
        let title = |phase: Phase| format!("{}, {callers} caller{plural}", phase.name());
        if !phases.iter().any(|phase| self.options.wants(&title(*phase))) {
            return;
        }
        let mut runs: Vec<_> = self
            .candidates
            .iter()
            .filter(|candidate| alone || !candidate.alone)
            .map(|candidate| (candidate, vec![Vec::new(); phases.len()]))
            .collect();
        interleaved(self.options.pick(9, 1), &mut runs, |(candidate, timings)| {
            for (phase, timings) in phases.iter().zip(timings) {
                timings.push((candidate.run)(*phase, callers, ids));
            }
            0.0
        });
        let traffic: Vec<_> =
            runs.iter().map(|(candidate, _)| self.traffic(candidate, phases, ids)).collect();
        let references: &[_] = if alone { &[REFERENCE, FLOOR] } else { &[REFERENCE] };
        for (at, phase) in phases.iter().enumerate() {
            let mut table = Table::new(title(*phase), Unit::Microseconds, references);
            let rates =
                |timings: &[Vec<Timing>]| timings[at].iter().map(|timing| timing.rate).collect::<Figures>();
            let reference = runs.iter().find(|(candidate, _)| candidate.name == REFERENCE);
            let reference = reference.map(|(_, timings)| rates(timings)).unwrap_or_default();
            for ((candidate, timings), traffic) in runs.iter().zip(&traffic) {
                let p99: Figures = timings[at].iter().map(|timing| timing.p99).collect();
                let rate = rates(timings);
                let beside = [
                    ("p99", p99.median()),
                    ("k/s", rate.median()),
                    ("k/s ÷ redis", rate.ratio_to(&reference)),
                    ("commands", traffic[at].commands),
                    ("round trips", traffic[at].trips),
                ];
                table.row(candidate.name, timings[at].iter().map(|timing| timing.median).collect(), beside);
            }
            report.add(&table);
        }
    }

    /// What an operation of each phase costs the server, which one caller alone tells.
    fn traffic(&self, candidate: &Candidate, phases: &[Phase], ids: &[u64]) -> Vec<Traffic> {
        let ids = &ids[..COUNTED.min(ids.len())];
        let count = |phase: &Phase| {
            traffic::of(&self.server, ids.len(), || {
                (candidate.run)(*phase, 1, ids);
            })
        };
        phases.iter().map(count).collect()
    }
}
