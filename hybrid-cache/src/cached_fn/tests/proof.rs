//! Redis above disk: a private copy is believed only if nobody forgot the answer meanwhile.

use super::world::{ALL, Body, Function, TTL, World, key, settle};

/// The function in a new process with the same stores: nothing is in memory.
fn restarted(world: &World) -> Function {
    world.with_the_same_stores().function(ALL)
}

/// Two machines that have both kept the answer 1, on their own disks and in the Redis that they share.
async fn two_machines(body: &Body) -> (World, World) {
    let here = World::new();
    body.call(here.function(ALL), "k").await;
    settle().await;
    let there = here.with_the_same_redis();
    body.call(there.function(ALL), "k").await;
    settle().await;
    (here, there)
}

#[tokio::test]
async fn a_copy_on_disk_from_before_an_invalidation_elsewhere_is_not_believed_after_a_restart() {
    let body = Body::new();
    let (here, there) = two_machines(&body).await;
    restarted(&there).invalidate(key("k")).await.strict().unwrap();

    assert_eq!(body.call(restarted(&here), "k").await, 2);
    settle().await;
    assert_eq!(body.call(restarted(&there), "k").await, 2);
}

#[tokio::test]
async fn a_copy_on_disk_from_before_everything_was_forgotten_elsewhere_is_not_believed() {
    let body = Body::new();
    let (here, there) = two_machines(&body).await;
    restarted(&there).invalidate_all().await.strict().unwrap();
    assert_eq!(body.call(restarted(&here), "k").await, 2);
}

#[tokio::test]
async fn a_copy_on_disk_from_before_a_put_elsewhere_is_not_believed() {
    let body = Body::new();
    let (here, there) = two_machines(&body).await;
    restarted(&there).put(key("k"), 77).await;
    assert_eq!(body.call(restarted(&here), "k").await, 77);
    here.redis.forget_values();
    assert_eq!(body.call(restarted(&here), "k").await, 2);
}

#[tokio::test]
async fn a_copy_on_disk_is_believed_while_redis_is_down_and_when_nothing_was_forgotten() {
    let body = Body::new();
    let (here, _there) = two_machines(&body).await;
    here.redis.forget_everything();
    assert_eq!(body.call(restarted(&here), "k").await, 1);
    here.redis.go_down();
    assert_eq!(body.call(restarted(&here), "k").await, 1);
}

#[tokio::test]
async fn an_answer_computed_after_an_invalidation_may_come_back_from_disk() {
    let body = Body::new();
    let (here, there) = two_machines(&body).await;
    restarted(&there).invalidate(key("k")).await;
    body.call(restarted(&here), "k").await;
    settle().await;
    here.redis.forget_values();
    assert_eq!(body.call(restarted(&here), "k").await, 2);
}

#[tokio::test]
async fn what_follows_an_invalidation_stays_in_redis_as_long_as_a_copy_on_disk_may() {
    use crate::{definition::Definition, error::LayerKind};
    let (world, body) = (World::new(), Body::new());
    let definition = Definition::named("f").layers(ALL).ttl(TTL).layer_ttl(LayerKind::Redis, TTL / 10);
    let function = world.defined(&definition);
    body.call(function, "k").await;
    settle().await;
    assert_eq!(world.redis.life_of(function, "k"), TTL / 10, "nothing was forgotten yet");
    function.invalidate(key("k")).await;
    assert_eq!(world.redis.life_of(function, "k"), TTL);
    body.call(function, "k").await;
    settle().await;
    assert_eq!(world.redis.life_of(function, "k"), TTL);
}

#[tokio::test]
async fn a_copy_made_while_redis_was_down_is_not_believed_once_it_is_back() {
    let (world, body) = (World::new(), Body::new());
    world.redis.go_down();
    body.call(world.function(ALL), "k").await;
    settle().await;
    assert!(world.disk.holds(restarted(&world), "k"));
    world.redis.come_back();
    assert_eq!(body.call(restarted(&world), "k").await, 2);
}
