//! Many answers are forgotten at once, as surely as one.

use futures_util::{future::join_all, poll};

use super::{
    gate::Gate,
    world::{ALL, BYTES, Body, MEMORY, World, key, settle},
};
use crate::{error::LayerKind, invalidated::Forgotten, key::text::KeyText};

fn keys(count: usize) -> Vec<KeyText> {
    (0..count).map(|n| key(&n.to_string())).collect()
}

#[tokio::test]
async fn all_of_them_are_forgotten_in_every_layer_and_no_other() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::new());
        let function = world.function(layers);
        let texts: Vec<String> = (0..301).map(|n| n.to_string()).collect();
        join_all(texts.iter().map(|text| body.call(function, text))).await;
        settle().await;

        function.invalidate_many(keys(300)).await.strict().unwrap();

        for text in &texts {
            let left = text == "300";
            assert_eq!(function.peek(key(text)).await.is_some(), left, "{text} with {layers:?}");
        }
    }
}

#[tokio::test]
async fn it_beats_the_loads_that_are_running() {
    for layers in [MEMORY, ALL, BYTES] {
        let (world, body) = (World::new(), Body::gated());
        let function = world.function(layers);
        let mut calls = Box::pin(join_all(["0", "1"].map(|text| body.call(function, text))));
        assert!(poll!(&mut calls).is_pending());
        body.gate().reached().await;
        function.invalidate_many(keys(2)).await.strict().unwrap();
        body.gate().let_everybody_pass();
        calls.await;
        settle().await;
        for text in ["0", "1"] {
            assert_eq!(function.peek(key(text)).await, None, "with {layers:?}");
        }
    }
}

#[tokio::test]
async fn sixty_four_are_on_their_way_at_a_time() {
    let world = World::new();
    let function = world.function(BYTES);
    let gate = Gate::closed();
    *world.redis.around_removal.lock().unwrap() = gate.clone();
    let removing = tokio::spawn(function.invalidate_many(keys(200)));
    settle().await;
    assert_eq!(gate.waiting(), 64);
    gate.let_everybody_pass();
    removing.await.unwrap().strict().unwrap();
}

#[tokio::test]
async fn it_goes_on_to_the_end_if_its_caller_goes_away() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    for text in ["0", "1"] {
        body.call(function, text).await;
    }
    settle().await;
    let gate = Gate::closed();
    *world.redis.around_removal.lock().unwrap() = gate.clone();
    let mut removing = function.invalidate_many(keys(2));
    assert!(poll!(&mut removing).is_pending());
    gate.reached().await;
    drop(removing);
    gate.let_everybody_pass();
    settle().await;
    for text in ["0", "1"] {
        assert_eq!(function.peek(key(text)).await, None);
    }
}

#[tokio::test]
async fn it_tells_the_worst_of_what_happened_in_each_layer() {
    let (world, body) = (World::new(), Body::new());
    let function = world.function(ALL);
    body.call(function, "0").await;
    settle().await;
    world.disk.go_down();
    let forgotten = function.invalidate_many(keys(100)).await;
    assert!(matches!(forgotten.in_layer(LayerKind::Memory), Forgotten::Done));
    assert!(matches!(forgotten.in_layer(LayerKind::Redis), Forgotten::Done));
    assert!(matches!(forgotten.in_layer(LayerKind::Disk), Forgotten::Failed(_)));
    assert_eq!(forgotten.strict().unwrap_err().layer(), LayerKind::Disk);
}

#[tokio::test]
async fn where_there_is_nothing_to_forget_every_layer_in_use_is_done() {
    let forgotten = World::new().function(BYTES).invalidate_many(Vec::new()).await;
    assert!(matches!(forgotten.in_layer(LayerKind::Memory), Forgotten::NotInUse));
    assert!(matches!(forgotten.in_layer(LayerKind::Redis), Forgotten::Done));
    assert!(matches!(forgotten.in_layer(LayerKind::Disk), Forgotten::Done));
}
