//! The promise: a call that begins after `invalidate` returned never gets, and never leaves behind, what was read before.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, poll};

use super::{
    gate::Gate,
    world::{ALL, BYTES, Body, Function, MEMORY, TTL, World, key, settle},
};
use crate::{
    cached_fn::patience::holding_up,
    definition::{Abilities, Definition},
    error::LayerKind,
    flight::Verdict,
    invalidated::Forgotten,
};

#[tokio::test]
async fn an_invalidated_answer_is_computed_anew() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        assert_eq!(body.call(function, "k").await, 1);
        function.invalidate(key("k")).await.strict().unwrap();
        assert_eq!(body.call(function, "k").await, 2);
    }
}

#[tokio::test]
async fn an_invalidation_beats_a_load_that_is_running() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, old) = (World::new(), Body::gated());
        let function = world.function(layers);
        let loading = tokio::spawn({
            let old = old.clone();
            async move { old.call(function, "k").await }
        });
        old.gate().reached().await;

        function.invalidate(key("k")).await;

        // The caller from before gets its answer; nobody after it does.
        let new = Body::new();
        new.call(function, "other").await;
        assert_eq!(new.call(function, "k").await, 2, "with {layers:?}");
        old.gate().let_everybody_pass();
        assert_eq!(loading.await.unwrap(), 1);
        settle().await;
        assert_eq!(function.peek(key("k")).await, Some(2), "with {layers:?}");
    }
}

#[tokio::test]
async fn an_invalidation_of_everything_beats_a_load_that_is_running() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, old) = (World::new(), Body::gated());
        let function = world.function(layers);
        let loading = tokio::spawn({
            let old = old.clone();
            async move { old.call(function, "k").await }
        });
        old.gate().reached().await;
        function.invalidate_all().await;
        old.gate().let_everybody_pass();
        loading.await.unwrap();
        settle().await;
        assert_eq!(function.peek(key("k")).await, None, "with {layers:?}");
    }
}

#[tokio::test]
async fn an_invalidation_beats_a_copy_from_a_slower_layer_that_is_being_made() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    world.advance(TTL / 2);
    forget_in_memory(function);
    let slow = Gate::closed();
    *world.redis.after_get.lock().unwrap() = slow.clone();
    let copying = tokio::spawn({
        let body = body.clone();
        async move { body.call(function, "k").await }
    });
    slow.reached().await;
    *world.redis.after_get.lock().unwrap() = Gate::open();

    function.invalidate(key("k")).await;

    slow.let_everybody_pass();
    assert_eq!(copying.await.unwrap(), 1);
    settle().await;
    assert_eq!(function.peek(key("k")).await, None);
}

#[tokio::test]
async fn an_invalidation_waits_for_a_copy_into_a_slower_layer_and_then_removes_it() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    let slow = Gate::closed();
    *world.redis.before_put.lock().unwrap() = slow.clone();
    body.call(function, "k").await;
    slow.reached().await;

    let mut invalidation = function.invalidate(key("k"));
    assert!(poll!(&mut invalidation).is_pending());
    settle().await;
    assert!(poll!(&mut invalidation).is_pending());
    slow.let_everybody_pass();
    invalidation.await.strict().unwrap();

    settle().await;
    assert!(!world.redis.holds(function, "k") && !world.disk.holds(function, "k"));
}

#[tokio::test]
async fn a_load_that_starts_while_an_invalidation_is_running_leaves_nothing_behind() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "other").await;
    let held_up = Gate::closed();
    *world.redis.before_put.lock().unwrap() = held_up.clone();
    body.call(function, "k").await;
    held_up.reached().await;
    // The invalidation waits for that copy; meanwhile memory still has the answer, so make the next call load.
    let invalidation = tokio::spawn(function.invalidate(key("k")));
    settle().await;
    forget_in_memory(function);
    body.call(function, "k").await;
    held_up.let_everybody_pass();
    invalidation.await.unwrap();
    settle().await;
    assert_eq!(function.peek(key("k")).await, None);
}

#[tokio::test]
async fn an_invalidation_goes_on_when_its_caller_goes_away() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    let slow = Gate::closed();
    *world.redis.before_put.lock().unwrap() = slow.clone();
    body.call(function, "k").await;
    slow.reached().await;
    let mut invalidation = function.invalidate(key("k"));
    assert!(poll!(&mut invalidation).is_pending());
    drop(invalidation);
    slow.let_everybody_pass();
    settle().await;
    assert_eq!(function.peek(key("k")).await, None);
}

#[tokio::test]
async fn an_invalidation_works_in_a_process_that_never_called_the_function() {
    let (world, body) = (World::new(), Body::new());
    let caller = world.function(ALL);
    body.call(caller, "k").await;
    settle().await;
    let other = world.with_the_same_stores().function(ALL);
    other.invalidate(key("k")).await.strict().unwrap();
    assert!(!world.redis.holds(caller, "k") && !world.disk.holds(caller, "k"));
}

#[tokio::test]
async fn what_a_layer_could_not_forget_is_told_and_the_others_have_forgotten() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    world.redis.go_down();

    let invalidated = function.invalidate(key("k")).await;

    assert!(matches!(invalidated.in_layer(LayerKind::Redis), Forgotten::Failed(_)));
    assert!(matches!(invalidated.in_layer(LayerKind::Disk), Forgotten::Done));
    assert_eq!(invalidated.strict().unwrap_err().layer(), LayerKind::Redis);
    assert_eq!(body.call(function, "k").await, 2);
}

#[tokio::test]
async fn a_put_replaces_the_answer_in_every_layer_and_beats_a_running_load() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, old) = (World::new(), Body::gated());
        let function = world.function(layers);
        let loading = tokio::spawn({
            let old = old.clone();
            async move { old.call(function, "k").await }
        });
        old.gate().reached().await;
        function.put(key("k"), 77).await;
        old.gate().let_everybody_pass();
        loading.await.unwrap();
        settle().await;
        assert_eq!(Body::new().call(function, "k").await, 77);
        forget_in_memory(function);
        assert_eq!(function.peek(key("k")).await, (layers != MEMORY).then_some(77));
    }
}

#[tokio::test]
async fn what_a_put_or_a_refresh_replaces_is_read_in_the_shared_layer_alone() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    let asked = (world.redis.gets(), world.disk.gets());
    function.put(key("k"), 77).await;
    function.refresh(key("k"), body.run()).await.unwrap();
    assert_eq!((world.redis.gets(), world.disk.gets()), (asked.0 + 2, asked.1));
    forget_in_memory(function);
    world.redis.go_down();
    assert_eq!(
        Body::new().call(function, "k").await,
        2,
        "and what replaces it carries the epoch of the disk"
    );
}

#[tokio::test]
async fn a_put_that_a_layer_refuses_does_not_leave_the_old_answer_there() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    world.redis.take_nothing_larger();
    function.put(key("k"), 77).await;
    assert!(!world.redis.holds(function, "k") && world.disk.holds(function, "k"));
}

#[tokio::test]
async fn an_older_answer_does_not_stay_in_a_layer_that_did_not_answer_a_put_or_a_refresh() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    for refresh in [false, true] {
        body.call(function, "k").await;
        settle().await;
        assert!(world.redis.holds(function, "k"));
        world.redis.refuse_reads(true);
        if refresh {
            function.refresh(key("k"), body.run()).await.unwrap();
        } else {
            function.put(key("k"), 77).await;
        }
        settle().await;
        assert!(!world.redis.holds(function, "k"), "refreshed: {refresh}");
        world.redis.refuse_reads(false);
        function.invalidate(key("k")).await;
    }
}

#[tokio::test]
async fn a_refresh_computes_anew_and_replaces_what_is_stored() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        body.call(function, "k").await;
        assert_eq!(function.refresh(key("k"), body.run()).await.unwrap(), 2);
        settle().await;
        assert_eq!(body.call(function, "k").await, 2);
        forget_in_memory(function);
        assert_eq!(function.peek(key("k")).await, (layers != MEMORY).then_some(2));
    }
}

#[tokio::test]
async fn of_two_puts_at_the_same_time_the_later_one_stays_in_every_layer() {
    for layers in [ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        body.call(function, "k").await;
        settle().await;
        let slow = Gate::closed();
        *world.redis.after_get.lock().unwrap() = slow.clone();
        let putting = tokio::spawn(function.put(key("k"), 77));
        slow.reached().await;
        *world.redis.after_get.lock().unwrap() = Gate::open();
        let other = tokio::spawn(function.put(key("k"), 78));
        settle().await;
        assert!(!other.is_finished(), "it waits for its turn");
        slow.let_everybody_pass();
        putting.await.unwrap();
        other.await.unwrap();
        assert_eq!(function.peek(key("k")).await, Some(78), "with {layers:?}");
        world.redis.forget_everything();
        let restarted = world.restarted();
        assert_eq!(restarted.function(layers).peek(key("k")).await, Some(78), "with {layers:?}");
    }
}

#[tokio::test]
async fn a_put_that_may_not_store_does_not_leave_the_old_answer_either() {
    for layers in [ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        body.call(function, "k").await;
        settle().await;
        let (slow, removing) = (Gate::closed(), Gate::closed());
        *world.redis.after_get.lock().unwrap() = slow.clone();
        let putting = tokio::spawn(function.put(key("k"), 77));
        slow.reached().await;
        // An invalidation that began after it forbids it to store, and stands still.
        *world.redis.around_removal.lock().unwrap() = removing.clone();
        let _invalidating = tokio::spawn(function.invalidate(key("k")));
        removing.reached().await;
        *world.redis.around_removal.lock().unwrap() = Gate::open();
        *world.redis.after_get.lock().unwrap() = Gate::open();
        slow.let_everybody_pass();
        putting.await.unwrap();
        assert_eq!(function.peek(key("k")).await, None, "with {layers:?}");
    }
}

/// A refresh of an answer 1, whose body waits at a gate of its own.
fn gated_refresh(function: Function, body: &Body) -> (Body, tokio::task::JoinHandle<u64>) {
    let gated = body.behind(Gate::closed());
    let run = gated.run();
    (gated, tokio::spawn(async move { function.refresh(key("k"), run).await.unwrap_or(0) }))
}

#[tokio::test]
async fn the_answer_of_a_refresh_stays_though_a_later_refresh_fails() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        let (first, refresh) = gated_refresh(function, &body);
        first.gate().reached().await;
        let (second, failing) = gated_refresh(function, &body);
        second.gate().reached().await;
        first.gate().let_everybody_pass();
        assert_eq!(refresh.await.unwrap(), 2);
        assert_eq!(function.peek(key("k")).await, Some(2), "with {layers:?}");
        body.fail(true);
        second.gate().let_everybody_pass();
        assert_eq!(failing.await.unwrap(), 0);
        assert_eq!(function.peek(key("k")).await, Some(2), "with {layers:?}");
    }
}

#[tokio::test]
async fn a_later_refresh_beats_an_earlier_one_that_takes_longer() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        body.call(function, "k").await;
        settle().await;
        let (slow, earlier) = gated_refresh(function, &body);
        slow.gate().reached().await;
        assert_eq!(function.refresh(key("k"), body.run()).await.unwrap(), 3);
        slow.gate().let_everybody_pass();
        assert_eq!(earlier.await.unwrap(), 2);
        for world in [&world, &world.restarted()] {
            assert_eq!(world.function(layers).peek(key("k")).await.unwrap_or(3), 3, "with {layers:?}");
        }
        assert_eq!(function.peek(key("k")).await, Some(3), "with {layers:?}");
    }
}

#[tokio::test]
async fn a_refresh_that_has_nothing_to_change_waits_for_nobody() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(BYTES);
    let (slow, earlier) = gated_refresh(function, &body);
    slow.gate().reached().await;
    assert_eq!(function.refresh(key("k"), body.run()).await.unwrap(), 2);
    world.redis.forget_everything();
    world.disk.forget_everything();
    let slow_store = Gate::closed();
    *world.redis.before_put.lock().unwrap() = slow_store.clone();
    let copying = tokio::spawn(function.load(key("k"), body.run()));
    slow_store.reached().await;

    slow.gate().let_everybody_pass();
    settle().await;

    assert!(earlier.is_finished());
    slow_store.let_everybody_pass();
    assert_eq!(copying.await.unwrap().unwrap(), 3);
}

#[tokio::test]
async fn a_refresh_that_took_longer_than_others_waited_for_it_leaves_no_older_answer() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&Definition::named("f").layers(layers).ttl(TTL).wait(TTL / 10));
        body.call(function, "k").await;
        settle().await;
        let (slow, refresh) = gated_refresh(function, &body);
        slow.gate().reached().await;
        // Somebody waits for it for too long, and finds the old answer in a layer.
        forget_in_memory(function);
        let waiting = tokio::spawn({
            let body = body.clone();
            async move { body.call(function, "k").await }
        });
        settle().await;
        world.advance(TTL / 5);
        world.tidy();
        waiting.await.unwrap();
        slow.gate().let_everybody_pass();
        assert_eq!(refresh.await.unwrap(), 2);
        assert_ne!(function.peek(key("k")).await, Some(1), "with {layers:?}");
        assert_ne!(world.restarted().function(layers).peek(key("k")).await, Some(1), "with {layers:?}");
    }
}

#[tokio::test]
async fn a_refresh_beside_an_invalidation_returns_once_the_old_answer_is_gone() {
    for layers in [ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        body.call(function, "k").await;
        settle().await;
        let (slow, refresh) = gated_refresh(function, &body);
        slow.gate().reached().await;
        let removing = Gate::closed();
        *world.redis.around_removal.lock().unwrap() = removing.clone();
        let _invalidating = tokio::spawn(function.invalidate(key("k")));
        removing.reached().await;
        *world.redis.around_removal.lock().unwrap() = Gate::open();
        slow.gate().let_everybody_pass();
        assert_eq!(refresh.await.unwrap(), 2);
        assert_eq!(function.peek(key("k")).await, None, "with {layers:?}");
    }
}

#[tokio::test]
async fn what_is_invalidated_while_it_is_being_expired_is_not_put_back() {
    for put_back in [false, true] {
        let (world, body) = (World::new(), Body::new());
        let function = world.defined(&Definition::named("f").layers(ALL).ttl(TTL).stale(TTL));
        body.call(function, "k").await;
        settle().await;
        let slow = Gate::closed();
        let gate = if put_back { &world.redis.before_put } else { &world.redis.after_get };
        *gate.lock().unwrap() = slow.clone();
        let expiring = tokio::spawn(function.expire(key("k")));
        slow.reached().await;
        *gate.lock().unwrap() = Gate::open();

        let invalidation = tokio::spawn(function.invalidate(key("k")));
        settle().await;
        slow.let_everybody_pass();
        invalidation.await.unwrap().strict().unwrap();
        expiring.await.unwrap();

        assert_eq!(function.peek(key("k")).await, None, "it was being put back: {put_back}");
        assert!(!world.redis.holds(function, "k") && !world.disk.holds(function, "k"));
    }
}

#[tokio::test]
async fn what_is_expired_while_it_is_being_invalidated_is_not_put_back() {
    let (world, body) = (World::new(), Body::new());
    let function = world.defined(&Definition::named("f").layers(ALL).ttl(TTL).stale(TTL));
    body.call(function, "k").await;
    settle().await;
    let (removing, writing) = (Gate::closed(), Gate::closed());
    *world.redis.around_removal.lock().unwrap() = removing.clone();
    *world.redis.before_put.lock().unwrap() = writing.clone();
    let invalidation = tokio::spawn(function.invalidate(key("k")));
    removing.reached().await;
    let expiring = tokio::spawn(function.expire(key("k")));
    settle().await;
    removing.let_everybody_pass();
    invalidation.await.unwrap().strict().unwrap();
    writing.let_everybody_pass();
    expiring.await.unwrap();
    assert_eq!(function.peek(key("k")).await, None);
    assert!(!world.redis.holds(function, "k") && !world.disk.holds(function, "k"));
}

#[tokio::test]
async fn the_old_answer_is_not_copied_back_after_a_refresh() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "k").await;
    settle().await;
    let slow = Gate::closed();
    *world.redis.before_put.lock().unwrap() = slow.clone();
    let refresh = tokio::spawn(function.refresh(key("k"), body.run()));
    slow.reached().await;
    forget_in_memory(function);
    let call = tokio::spawn({
        let body = body.clone();
        async move { body.call(function, "k").await }
    });
    settle().await;
    slow.let_everybody_pass();
    assert_eq!((refresh.await.unwrap().unwrap(), call.await.unwrap()), (2, 2));
    settle().await;
    assert_eq!(function.peek(key("k")).await, Some(2));
}

/// As if everything had been evicted.
fn forget_in_memory(function: super::world::Function) {
    if let Some(memory) = &function.memory {
        drop(memory.remove_all());
    }
}

#[tokio::test]
async fn what_was_expired_is_not_fresh_again_when_an_older_refresh_begins() {
    let (world, body) = (World::new(), Body::new());
    let function =
        world.defined(&Definition::named("f").layers(MEMORY).ttl(TTL).refresh_ahead(0.5).stale_if_error(TTL));
    assert_eq!(body.call(function, "k").await, 1);
    world.advance(TTL * 3 / 4);
    // It is due: the call begins a refresh. Its task has not run yet when another thread expires the answer.
    let hanging = Body::gated();
    assert_eq!(hanging.call(function, "k").await, 1);
    std::thread::scope(|threads| {
        threads.spawn(|| function.expire(key("k")).now_or_never().expect("nothing to wait for"));
    });

    assert_eq!(body.call(function, "k").await, 2, "it began after the expiry");
    settle().await;
    assert_eq!(hanging.runs(), 0, "nobody has a use for it");
}

#[tokio::test]
async fn a_copy_that_cannot_be_waited_for_is_not_believed_when_it_arrives() {
    for layers in [ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        let slow = Gate::closed();
        *world.redis.before_put.lock().unwrap() = slow.clone();
        let filling = tokio::spawn(function.load(key("k"), body.run()));
        slow.reached().await;

        let mut invalidation = function.invalidate(key("k"));
        // As in a function that is not async: its thread alone could make the copy, and waits.
        holding_up(|| assert!((&mut invalidation).now_or_never().is_none()));
        invalidation.await.strict().unwrap();

        let taken_back = Gate::closed();
        *world.redis.around_removal.lock().unwrap() = taken_back.clone();
        slow.let_everybody_pass();
        taken_back.reached().await;
        assert!(world.redis.holds(function, "k"));
        let elsewhere = world.with_the_same_redis();
        assert_eq!(elsewhere.function(layers).peek(key("k")).await, None);
        assert_eq!(function.peek(key("k")).await, None);
        taken_back.let_everybody_pass();
        assert_eq!(filling.await.unwrap().unwrap(), 1);
        settle().await;
        assert!(!world.redis.holds(function, "k"));
    }
}

#[tokio::test]
async fn a_replacement_whose_turn_does_not_come_forgets_the_answer() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        assert_eq!(body.call(function, "k").await, 1);
        settle().await;
        // As of a task that only this thread can bring to an end.
        let ticket = function.flights.put(key("k").lookup(), world.now());
        let turn = ticket.replace().await;
        let mut put = function.put(key("k"), 7);
        holding_up(|| assert!((&mut put).now_or_never().is_none()));
        put.await;
        assert_eq!(function.peek(key("k")).await, None, "with {layers:?}");
        assert_eq!(turn.verdict(), Verdict::Nothing, "it is newer than what had the turn");
        holding_up(|| drop((&mut function.expire(key("k"))).now_or_never()));
        drop((turn, ticket));
        assert_eq!(body.call(function, "k").await, 2);
    }
}

#[tokio::test]
async fn a_refresh_does_not_overwrite_what_was_put_while_a_layer_was_down() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    assert_eq!(body.call(function, "k").await, 1);
    settle().await;
    let (gated, refresh) = gated_refresh(function, &body);
    gated.gate().reached().await;
    world.disk.go_down();
    function.put(key("k"), 77).await;
    gated.gate().let_everybody_pass();
    assert_eq!(refresh.await.unwrap(), 2);
    assert!(matches!(function.peek(key("k")).await, None | Some(77)), "the older answer is back");
}

#[tokio::test]
async fn what_is_expired_where_the_shared_layer_has_nothing_is_not_fresh_elsewhere() {
    let (world, body) = (World::new(), Body::new());
    let definition = Definition::named("f").layers(ALL).ttl(TTL).stale(TTL);
    let (function, elsewhere) = (world.defined(&definition), world.with_the_same_redis());
    let other = elsewhere.defined(&definition);
    assert_eq!(body.call(other, "k").await, 1);
    settle().await;
    // Its record there has come to its end, and the copy on the other machine's disk has not.
    world.redis.forget_everything();
    function.expire(key("k")).await.strict().unwrap();
    let restarted = elsewhere.restarted();
    assert_eq!(body.call(restarted.defined(&definition), "k").await, 2);
}

/// An answer whose copies use the cache that it is in.
struct AsksWhenCloned(Arc<dyn Fn() + Send + Sync>);

impl Clone for AsksWhenCloned {
    fn clone(&self) -> Self {
        (self.0)();
        Self(Arc::clone(&self.0))
    }
}

#[test]
fn an_answer_whose_copies_use_the_cache_does_not_wait_for_itself() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let definition = Definition::named("f").layers(MEMORY).ttl(TTL);
            let function: Function<AsksWhenCloned, false> =
                World::new().made(&definition, &Abilities::new(None, None, None));
            let asks = move || {
                // As every call does that is no hit, and every load.
                assert!(function.flights.len() <= 1);
                drop(function.memory.iter().map(|memory| memory.remove(b"another")).collect::<Vec<_>>());
            };
            let answer = AsksWhenCloned(Arc::new(asks));
            for _ in 0..2 {
                let answer = answer.clone();
                function.load(key("k"), async move { answer }).await;
            }
            assert!(function.hit(&key("k")).is_some());
            function.put(key("k"), answer).await;
        });
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("it hangs");
}
