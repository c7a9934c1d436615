//! Removals that Redis could not be told at once.

use tokio::runtime::{Builder, Runtime};

use super::*;

/// A layer with one answer in a server that cannot be reached any more.
async fn cut_off() -> (RedisServer, Proxy, RedisLayer) {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    layer.get(&key(1)).await.unwrap();
    layer.put(&key(1), b"old".to_vec(), LIFE).await.unwrap();
    proxy.swallow();
    (server, proxy, layer)
}

/// A layer with one answer in a server that hangs: what is sent to it is carried out later.
async fn hanging() -> (RedisServer, RedisLayer) {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.get(&key(1)).await.unwrap();
    layer.put(&key(1), b"old".to_vec(), LIFE).await.unwrap();
    server.pause();
    (server, layer)
}

/// Whether this is the trace of a removal: nobody can tell what a doubtful `put` replaced.
fn is_void(record: Option<Vec<u8>>) -> bool {
    record.is_some_and(|record| record.len() == 36 && crate::record::generation(&record) != 0)
}

#[tokio::test]
async fn a_removal_during_an_outage_is_delivered_before_the_next_read() {
    let (_server, proxy, layer) = cut_off().await;

    assert_eq!(within_budget(layer.remove(&key(1), Duration::ZERO)).await.unwrap(), Removal::Queued);

    proxy.pass_on();
    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;
    assert_eq!(reading.record, None);
}

#[tokio::test]
async fn a_removal_while_the_breaker_is_open_is_queued_at_once_and_not_lost() {
    let (_server, proxy, layer) = cut_off().await;
    while !matches!(layer.get(&key(2)).await, Err(LayerError::Resting { .. })) {}

    let start = Instant::now();
    assert_eq!(layer.remove(&key(1), Duration::ZERO).await.unwrap(), Removal::Queued);
    assert!(start.elapsed() < Duration::from_millis(50));

    proxy.pass_on();
    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;
    assert_eq!(reading.record, None);
}

#[tokio::test]
async fn a_read_of_another_key_delivers_too_so_that_other_processes_learn_of_it() {
    let (server, proxy, layer) = cut_off().await;
    assert_eq!(layer.remove(&key(1), Duration::ZERO).await.unwrap(), Removal::Queued);
    proxy.pass_on();

    until_answered(async || layer.get(&key(2)).await).await;

    assert_eq!(server.ask::<i64>(&["EXISTS", key(1).as_str()]), 0);
}

#[tokio::test]
async fn a_removal_of_all_during_an_outage_is_delivered_before_the_next_read() {
    let (server, proxy, layer) = cut_off().await;
    let before: String = server.ask(&["GET", "hc:!all:shop.product"]);

    assert_eq!(within_budget(layer.remove_all(SCOPE)).await.unwrap(), Removal::Queued);

    proxy.pass_on();
    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;
    assert_ne!(reading.epoch.to_string(), before);
}

#[tokio::test]
async fn a_put_after_a_queued_removal_stays() {
    let (_server, proxy, layer) = cut_off().await;
    assert_eq!(layer.remove(&key(1), Duration::ZERO).await.unwrap(), Removal::Queued);
    proxy.pass_on();

    until_answered(async || layer.put(&key(1), b"new".to_vec(), LIFE).await).await;

    layer.flush().await.unwrap();
    assert_eq!(record(&layer, 1).await, Some(b"new".to_vec()));
}

#[tokio::test]
async fn a_put_that_timed_out_leaves_no_value_behind() {
    let (server, layer) = hanging().await;

    let error = within_budget(layer.put(&key(2), b"late".to_vec(), LIFE)).await.unwrap_err();

    assert!(matches!(error, LayerError::Timeout { .. }), "{error:?}");
    server.resume();
    let (reading, _) = until_answered(async || layer.get(&key(2)).await).await;
    assert!(is_void(reading.record));
}

#[tokio::test]
async fn a_put_whose_reply_was_lost_leaves_no_value_behind() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    layer.get(&key(1)).await.unwrap();
    proxy.lose_replies(true);

    let error = layer.put(&key(1), b"carried out".to_vec(), LIFE).await.unwrap_err();

    assert!(matches!(error, LayerError::Redis { .. }), "{error:?}");
    assert_eq!(server.ask::<i64>(&["EXISTS", key(1).as_str()]), 1);
    proxy.lose_replies(false);
    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;
    assert!(is_void(reading.record));
}

#[tokio::test]
async fn a_put_whose_caller_went_away_leaves_no_value_behind() {
    let (server, layer) = hanging().await;

    let key_2 = key(2);
    let put = layer.put(&key_2, b"late".to_vec(), LIFE);
    assert!(tokio::time::timeout(BUDGET / 5, put).await.is_err());

    server.resume();
    let (reading, _) = until_answered(async || layer.get(&key(2)).await).await;
    assert!(is_void(reading.record));
}

/// A layer with a connection in each of two runtimes, through a proxy that runs in another one. Nobody drives a runtime while the
/// other one works.
fn in_two_runtimes(budget: Duration) -> (RedisServer, Runtime, Proxy, RedisLayer, [Runtime; 2]) {
    let server = RedisServer::start();
    let outside = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let proxy = outside.block_on(Proxy::start(server.port(), Duration::ZERO));
    let layer = RedisLayer::new(&RedisSettings { timeout: budget, ..settings(&proxy.url()) }, "hc").unwrap();
    let runtimes = [(); 2].map(|()| Builder::new_current_thread().enable_all().build().unwrap());
    for runtime in &runtimes {
        runtime.block_on(layer.put(&key(1), b"old".to_vec(), LIFE)).unwrap();
    }
    assert_eq!(proxy.connections(), 2);
    (server, outside, proxy, layer, runtimes)
}

#[test]
fn a_put_that_timed_out_in_one_runtime_does_not_arrive_after_a_removal_in_another() {
    let (server, outside, proxy, layer, [one, other]) = in_two_runtimes(BUDGET);
    outside.block_on(proxy.hold_back());

    let error = one.block_on(layer.put(&key(1), b"late".to_vec(), LIFE)).unwrap_err();
    assert!(matches!(error, LayerError::Timeout { .. }), "{error:?}");
    other.block_on(async { while layer.remove(&key(1), LIFE).await.unwrap() != Removal::Done {} });
    assert!(proxy.connections() > 2, "not over what it has had all along");

    outside.block_on(proxy.let_go());
    assert!(is_void(server.ask(&["GET", key(1).as_str()])));
    assert!(is_void(one.block_on(record(&layer, 1))), "and the first one goes on");
}

#[test]
fn reads_beside_a_put_that_is_given_up_are_asked_again() {
    let (_server, outside, proxy, layer, [one, _]) = in_two_runtimes(Duration::from_secs(20));
    outside.block_on(proxy.hold_back());

    one.block_on(async {
        let (key_1, key_2) = (key(1), key(2));
        let put = tokio::time::timeout(BUDGET / 5, layer.put(&key_1, b"late".to_vec(), LIFE));
        let (put, get) = tokio::join!(put, layer.get(&key_2));
        assert!(put.is_err(), "its caller goes away");
        assert_eq!(get.unwrap().record, None);
    });
}

#[tokio::test]
async fn a_removal_whose_caller_went_away_is_still_delivered() {
    let (_server, proxy, layer) = cut_off().await;

    assert!(layer.remove(&key(1), Duration::ZERO).now_or_never().is_none(), "under way");

    proxy.pass_on();
    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;
    assert_eq!(reading.record, None);
}

#[tokio::test]
async fn a_put_that_never_reached_the_server_owes_nothing() {
    let mut server = RedisServer::start();
    let layer = layer(&server);
    server.kill();
    for number in 0..20 {
        assert!(layer.put(&key(number), b"one".to_vec(), LIFE).await.is_err());
    }
    assert!(layer.owes_nothing(None));
}

#[tokio::test]
async fn flush_delivers_what_was_queued_even_while_the_breaker_is_open() {
    let (server, proxy, layer) = cut_off().await;
    layer.remove(&key(1), Duration::ZERO).await.unwrap();
    while !matches!(layer.get(&key(2)).await, Err(LayerError::Resting { .. })) {}
    let error = within_budget(layer.flush()).await.unwrap_err();
    assert!(matches!(error, LayerError::Timeout { .. } | LayerError::Redis { .. }), "{error:?}");
    proxy.pass_on();

    until_answered(async || layer.flush().await).await;

    assert_eq!(server.ask::<i64>(&["EXISTS", key(1).as_str()]), 0);
    assert!(layer.owes_nothing(None));
}

#[tokio::test]
async fn close_delivers_what_was_queued() {
    let (server, proxy, layer) = cut_off().await;
    layer.remove(&key(1), Duration::ZERO).await.unwrap();
    proxy.pass_on();

    layer.close().await.unwrap();

    assert_eq!(server.ask::<i64>(&["EXISTS", key(1).as_str()]), 0);
}

#[tokio::test]
async fn ten_thousand_queued_removals_are_delivered_and_more_forget_the_function() {
    let (server, proxy, layer) = cut_off().await;
    for number in 0..10_500 {
        assert_eq!(layer.remove(&key(number), Duration::ZERO).await.unwrap(), Removal::Queued);
    }
    assert!(layer.pending().len() <= 10_001);
    proxy.pass_on();
    let epoch: String = server.ask(&["GET", "hc:!all:shop.product"]);

    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;

    assert_eq!(reading.record, None);
    assert_ne!(reading.epoch.to_string(), epoch);
    assert!(layer.owes_nothing(None));
}

#[tokio::test]
async fn a_server_that_keeps_what_it_was_told_to_forget_is_not_read_from() {
    let server = RedisServer::start();
    server.tell(&["ACL", "SETUSER", "default", "-del"]);
    let layer = layer(&server);
    layer.put(&key(1), b"old".to_vec(), LIFE).await.unwrap();

    assert_eq!(layer.remove(&key(1), Duration::ZERO).await.unwrap(), Removal::Queued);

    assert!(layer.get(&key(1)).await.is_err());
    server.tell(&["ACL", "SETUSER", "default", "+del"]);
    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;
    assert_eq!(reading.record, None);
}

#[tokio::test]
async fn many_readers_after_an_outage_deliver_what_was_queued_once() {
    let (server, proxy, layer) = cut_off().await;
    for number in 0..1000 {
        layer.pending().add(Target::Answer(&key(number), Duration::ZERO));
    }
    proxy.pass_on();

    let reads = (0..50).map(async |number| layer.get(&key(number)).await.unwrap().record);
    let records = futures_util::future::join_all(reads).await;

    assert!(records.iter().all(Option::is_none));
    assert_eq!(server.calls_of("del"), 1000);
}

#[tokio::test]
async fn a_removal_that_was_queued_leaves_the_trace_it_was_asked_for() {
    let (server, proxy, layer) = cut_off().await;
    assert_eq!(within_budget(layer.remove(&key(1), LIFE)).await.unwrap(), Removal::Queued);

    proxy.pass_on();
    let (reading, _) = until_answered(async || layer.get(&key(1)).await).await;

    assert!(is_void(reading.record));
    assert!(server.ask::<i64>(&["PTTL", key(1).as_str()]) > 0);
}
