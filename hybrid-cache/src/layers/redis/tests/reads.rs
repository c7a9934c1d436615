//! Reads that are asked for at the same time.

use std::pin::pin;

use futures_util::{future::join_all, poll};

use super::*;

/// A server with these records and a layer that is connected to it by way of a proxy.
async fn with_records(server: &RedisServer, count: u32) -> (Proxy, RedisLayer) {
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    for number in 0..count {
        layer.put(&key(number), text(number), LIFE).await.unwrap();
    }
    layer.get(&key(0)).await.unwrap();
    (proxy, layer)
}

fn text(number: u32) -> Vec<u8> {
    format!("record {number}").into_bytes()
}

fn commands(server: &RedisServer, name: &str) -> u64 {
    let stats: String = server.ask(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn a_read_is_small_enough_to_be_allocated_without_a_lock() {
    let (layer, key) = (layer_at("redis://127.0.0.1:1"), key(1));
    let read = layer.get(&key);
    // As `cached_fn/tests/sizes.rs` has it.
    assert!(size_of_val(&*read) <= 1032, "a read takes {} bytes", size_of_val(&*read));
}

#[tokio::test]
async fn reads_at_the_same_time_share_a_round_trip_and_a_look_at_the_epoch() {
    let server = RedisServer::start();
    let (proxy, layer) = with_records(&server, 20).await;
    let (trips, gets) = (proxy.requests(), commands(&server, "getrange"));

    let read = join_all((0..20).map(|number| record(&layer, number))).await;

    assert_eq!(read, (0..20).map(|number| Some(text(number))).collect::<Vec<_>>());
    // The first one has nobody to wait for.
    assert_eq!(proxy.requests() - trips, 2);
    assert_eq!(commands(&server, "getrange") - gets, 2 + 19 + 1);
}

#[tokio::test]
async fn reads_one_after_the_other_go_out_at_once() {
    let server = RedisServer::start();
    let (proxy, layer) = with_records(&server, 3).await;
    let trips = proxy.requests();
    for number in 0..3 {
        assert_eq!(record(&layer, number).await, Some(text(number)));
    }
    assert_eq!(proxy.requests() - trips, 3);
}

#[tokio::test]
async fn a_crowd_of_reads_goes_out_in_parts() {
    let server = RedisServer::start();
    let (_proxy, layer) = with_records(&server, 200).await;
    let gets = commands(&server, "getrange");
    let read = join_all((0..200).map(|number| record(&layer, number))).await;
    assert_eq!(read, (0..200).map(|number| Some(text(number))).collect::<Vec<_>>());
    // The first one alone, three times 64, and the rest; each part looks at the epoch once.
    assert_eq!(commands(&server, "getrange") - gets, 200 + 5);
}

#[tokio::test]
async fn each_read_gets_what_is_its_own() {
    let server = RedisServer::start();
    let (_proxy, layer) = with_records(&server, 2).await;
    let other = Key::of("hc:shop.price", "id=1");
    layer.put(&other, b"price".to_vec(), LIFE).await.unwrap();
    server.tell(&["RPUSH", key(7).as_str(), "a", "list"]);
    let epoch = layer.get(&key(0)).await.unwrap().epoch;
    let other_epoch = layer.get(&other).await.unwrap().epoch;

    let (keys, strange) = ([key(0), key(1), key(8), other.clone(), key(1)], key(7));
    let mut all: Vec<_> = keys.iter().map(|key| layer.get(key)).collect();
    all.push(layer.get(&strange));
    let read: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();

    let reading =
        |record: Option<&[u8]>, epoch| Reading { record: record.map(<[u8]>::to_vec), epoch, seen: 0 };
    assert_eq!(read[0], reading(Some(b"record 0"), epoch));
    assert_eq!(read[1], reading(Some(b"record 1"), epoch));
    assert_eq!(read[2], reading(None, epoch));
    assert_eq!(read[3], reading(Some(b"price"), other_epoch));
    assert_eq!(read[4], reading(Some(b"record 1"), epoch), "twice the same key");
    assert_eq!(read[5], reading(Some(b""), epoch), "a list is no record, and spoils nobody else's");
}

#[tokio::test]
async fn reads_that_find_no_epoch_all_get_the_same_new_one() {
    let server = RedisServer::start();
    let (_proxy, layer) = with_records(&server, 0).await;
    let other: Vec<_> = (0..10).map(|number| Key::of("hc:shop.price", &format!("id={number}"))).collect();
    let epochs: Vec<_> = join_all(other.iter().map(|key| layer.get(key)))
        .await
        .into_iter()
        .map(|read| read.unwrap().epoch)
        .collect();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
}

#[tokio::test]
async fn a_read_that_is_not_polled_any_more_holds_up_no_other() {
    let server = RedisServer::start();
    let (_proxy, layer) = with_records(&server, 5).await;
    let keys: Vec<_> = (0..5).map(key).collect();
    // One that goes alone, and one that opens a batch.
    let mut alone = pin!(layer.get(&keys[0]));
    let mut first = pin!(layer.get(&keys[1]));
    assert!(poll!(&mut alone).is_pending() && poll!(&mut first).is_pending());

    let others = join_all((2..5).map(|number| record(&layer, number)));
    assert_eq!(within_budget(others).await, (2..5).map(|number| Some(text(number))).collect::<Vec<_>>());
    for (number, read) in [(0, alone), (1, first)] {
        assert_eq!(read.await.unwrap().record, Some(text(number)));
    }
}

#[tokio::test]
async fn a_read_whose_caller_goes_away_takes_no_other_along() {
    let server = RedisServer::start();
    let (proxy, layer) = with_records(&server, 5).await;
    let keys: Vec<_> = (0..5).map(key).collect();
    {
        let mut gone: Vec<_> = keys.iter().take(2).map(|key| layer.get(key)).collect();
        let mut stays = layer.get(&keys[2]);
        assert!(gone.iter_mut().all(|read| read.now_or_never().is_none()));
        assert!((&mut stays).now_or_never().is_none());
        drop(gone);
        assert_eq!(within_budget(stays).await.unwrap().record, Some(text(2)));
    }
    // And leaves nothing behind: the next one goes alone again.
    let trips = proxy.requests();
    assert_eq!(record(&layer, 3).await, Some(text(3)));
    assert_eq!(proxy.requests() - trips, 1);
    assert_eq!(layer.client.link().unwrap().reads.under_way(), 0);
}

#[test]
fn reads_of_a_runtime_that_stands_still_hold_up_no_other() {
    let server = RedisServer::start();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (still, running) = (runtime(), runtime());
    let layer = layer(&server);
    let keys: Vec<_> = (0..4).map(key).collect();
    let mut reads: Vec<_> = still.block_on(async {
        layer.put(&keys[0], text(0), LIFE).await.unwrap();
        let mut reads: Vec<_> = keys.iter().map(|key| layer.get(key)).collect();
        assert!(reads.iter_mut().all(|read| read.now_or_never().is_none()));
        reads
    });

    let read = running.block_on(within_budget(join_all((0..4).map(|_| record(&layer, 0)))));
    assert_eq!(read, vec![Some(text(0)); 4]);

    // Nor does it hold up its own once it runs again.
    let again = still.block_on(join_all([0, 0].map(|number| record(&layer, number))));
    assert_eq!(again, vec![Some(text(0)); 2]);
    drop(reads.drain(..));
    drop(still);
    assert_eq!(running.block_on(record(&layer, 0)), Some(text(0)));
}

#[tokio::test]
async fn reads_together_end_within_their_budgets_and_go_on_when_the_server_does() {
    let server = RedisServer::start();
    let (proxy, layer) = with_records(&server, 8).await;
    proxy.swallow();
    let keys: Vec<_> = (0..8).map(key).collect();
    let failed = within_budget(join_all(keys.iter().map(|key| layer.get(key)))).await;
    for read in failed {
        let error = read.unwrap_err();
        assert!(matches!(error, LayerError::Timeout { .. } | LayerError::Redis { .. }), "{error}");
    }
    proxy.pass_on();
    until_answered(async || layer.get(&keys[0]).await).await;
    assert_eq!(
        join_all((0..8).map(|number| record(&layer, number))).await,
        (0..8).map(|number| Some(text(number))).collect::<Vec<_>>()
    );
}
