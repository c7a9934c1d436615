//! Seeded randomised histories of the whole call path, checked against the promise: a call that begins after an invalidation
//! returned never gets, and never leaves in any layer, what was read before that invalidation began.
//!
//! The number of a history that fails is part of the message. `HISTORY=<number>` plays that one alone, a hundred times: on
//! one thread it is the same each time but for the order in which tokio wakes those who wait for one flight, on many
//! threads it is never the same. `HISTORIES=<number>` asks for more of them than usual.

mod actor;
mod history;
mod plan;
mod promise;

use std::{
    env, iter,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use fastrand::Rng;
use tokio::runtime::Builder;

use self::{
    actor::{Actor, Output, name},
    history::{By, Got, History},
    plan::Plan,
};
use super::world::{Function, World};
use crate::error::LayerKind;

#[test]
fn what_was_forgotten_is_never_seen_again() {
    for seed in seeds(2_000) {
        // What the cache itself leaves to chance.
        fastrand::seed(seed);
        Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(play_and_check(Plan { on_one_thread: true, ..Plan::of(seed) }));
    }
}

#[test]
fn what_was_forgotten_is_never_seen_again_by_any_of_many_threads() {
    let runtime = Builder::new_multi_thread().worker_threads(4).build().unwrap();
    for seed in seeds(300) {
        runtime.block_on(play_and_check(Plan::of(seed)));
    }
}

#[test]
fn calls_alone_load_once() {
    let runtime = Builder::new_multi_thread().worker_threads(4).build().unwrap();
    for seed in seeds(300) {
        runtime.block_on(play_and_check(Plan::of_calls_alone(seed)));
    }
}

fn seeds(usual: u64) -> Box<dyn Iterator<Item = u64>> {
    let number = |name| env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    match number("HISTORY") {
        Some(seed) => Box::new(iter::repeat_n(seed, 100)),
        None => Box::new(0..number("HISTORIES").unwrap_or(usual)),
    }
}

async fn play_and_check(plan: Plan) {
    let world = World::new();
    for (n, store) in (0..).zip([&world.redis, &world.disk]) {
        store.be_sluggish(plan.seed.wrapping_mul(31) + 100 * n);
    }
    if plan.redis_queues {
        world.redis.queue_removals();
    }
    let function = defined(&world, &plan);
    let mut rng = Rng::with_seed(plan.seed);
    rng.u64(..);
    let actor = Actor {
        plan: plan.clone(),
        history: Arc::new(History::of(world)),
        function,
        source_fails: Arc::new(AtomicBool::new(false)),
        rng: rng.fork(),
    };
    let wrong = match play(&actor, &mut rng).await {
        Ok(()) => promise::broken(&plan, &actor.history.events()),
        Err(stuck) => Some(stuck.into()),
    };
    if let Some(wrong) = wrong {
        panic!("HISTORY={}: {wrong}\n{plan:#?}\n{:?}", plan.seed, *actor.history.events());
    }
}

fn defined(world: &World, plan: &Plan) -> Function<Output> {
    world.returning(&plan.definition(), None, plan.errors_are_shared.then_some(|error| *error))
}

async fn play(actor: &Actor, rng: &mut Rng) -> Result<(), &'static str> {
    let tasks: Vec<_> = (0..actor.plan.tasks)
        .map(|_| tokio::spawn(Actor { rng: rng.fork(), ..actor.clone() }.act()))
        .collect();
    wait_until(|| tasks.iter().all(tokio::task::JoinHandle::is_finished))
        .await
        .map_err(|()| "somebody hangs")?;
    for task in tasks {
        task.await.map_err(|_| "the test itself panicked")?;
    }
    let at_rest = || actor.history.world.is_at_rest() && actor.function.flights.len() == 0;
    wait_until(at_rest).await.map_err(|()| "something is left under way")?;
    inspect(actor).await;
    wait_until(at_rest).await.map_err(|()| "something is left under way at the end")
}

/// Looks into every layer, one by one, and then as a new process would and as this one does.
async fn inspect(actor: &Actor) {
    let Actor { history, function, plan, .. } = actor;
    let world = &history.world;
    for k in 0..plan.keys {
        world.redis.go_down();
        world.disk.go_down();
        look(history, "memory", function, k).await;
        world.redis.come_back();
        world.disk.come_back();
        for (place, layers) in [
            ("redis", [LayerKind::Redis].as_slice()),
            ("disk", [LayerKind::Disk].as_slice()),
            ("a new process", plan.layers),
        ] {
            let restarted = world.restarted();
            look(history, place, &defined(&restarted, &Plan { layers, ..plan.clone() }), k).await;
        }
        look(history, "this process", function, k).await;
    }
}

async fn look(history: &History, place: &'static str, function: &Function<Output>, k: usize) {
    let reading = history.reading(k, By::Inspection(place));
    let found = function.peek(name(k)).await;
    history.reading_ended(reading, found.map_or(Got::Nothing, Got::Answer));
}

/// Lets everybody go on until `done`, or until it is clear that this will not come to pass.
async fn wait_until(done: impl Fn() -> bool) -> Result<(), ()> {
    let started = Instant::now();
    while !done() {
        if started.elapsed() > Duration::from_secs(15) {
            return Err(());
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}
