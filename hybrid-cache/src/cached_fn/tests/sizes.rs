//! What the futures of calls and loads carry along (`docs/decisions/0025-what-a-load-may-carry.md`).

use std::{future::ready, sync::Arc};

use futures_core::future::BoxFuture;

use super::{
    super::answer::{Caller, Purpose},
    world::{ALL, Answer, World, key},
};

/// glibc's allocator, for one, serves so much without a lock, also when another thread gives it back.
const WITHOUT_A_LOCK: usize = 1032;

fn body() -> BoxFuture<'static, Answer> {
    Box::pin(ready(Ok(1)))
}

#[tokio::test]
async fn a_call_and_its_load_are_small_enough_to_be_allocated_without_a_lock() {
    let world = World::new();
    let function = world.function(ALL);
    let call = function.load(key("k"), body());
    assert!(size_of_val(&*call) <= WITHOUT_A_LOCK, "a call takes {} bytes", size_of_val(&*call));

    let ticket = function.flights.lead(b"k", function.now()).unwrap();
    let load = function.new_load(ticket, function.key(&key("k")), Purpose::Call, Caller::nobody());
    let filling = Arc::clone(function).fill(load, body());
    // What its task has around it takes less than a quarter.
    assert!(size_of_val(&filling) <= WITHOUT_A_LOCK * 3 / 4, "a load takes {} bytes", size_of_val(&filling));
}
