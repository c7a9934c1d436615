//! What a failing server does.

use super::*;

#[tokio::test]
async fn without_a_server_every_operation_fails_fast_and_soon_costs_nothing() {
    let mut server = RedisServer::start();
    let layer = layer(&server);
    server.kill();

    for _ in 0..5 {
        let error = within_budget(layer.get(&key(1))).await.unwrap_err();
        assert!(matches!(error, LayerError::Redis { operation: "read an answer", .. }), "{error:?}");
    }

    let start = Instant::now();
    for _ in 0..1000 {
        assert!(matches!(layer.get(&key(1)).await, Err(LayerError::Resting { .. })));
    }
    assert!(start.elapsed() < Duration::from_millis(50), "1000 refusals took {:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_budget_per_operation_until_the_breaker_opens() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    server.pause();

    for _ in 0..5 {
        let error = within_budget(layer.get(&key(1))).await.unwrap_err();
        assert!(matches!(error, LayerError::Timeout { after: BUDGET, .. }), "{error:?}");
    }
    assert!(matches!(layer.get(&key(1)).await, Err(LayerError::Resting { .. })));

    server.resume();
    let (reading, took) = until_answered(async || layer.get(&key(1)).await).await;
    assert_eq!(reading.record, Some(b"one".to_vec()));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_server_killed_under_load_fails_nobody_for_longer_than_the_budget_and_is_used_again_soon() {
    let mut server = RedisServer::start();
    let layer = layer(&server);
    let load = async |rounds: u32| {
        let reads = (0..20).map(async |number| {
            for _ in 0..rounds {
                let _ = within_budget(layer.get(&key(number))).await;
                tokio::task::yield_now().await;
            }
        });
        futures_util::future::join_all(reads).await;
    };
    load(50).await;
    let killed = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        server.kill();
    };
    tokio::join!(load(500), killed);
    assert!(matches!(layer.get(&key(1)).await, Err(LayerError::Resting { .. })));

    server.restart();

    let (_, took) = until_answered(async || layer.get(&key(1)).await).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    load(50).await;
    layer.get(&key(1)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_costs_one_budget() {
    let server = RedisServer::start();
    server.pause();
    let layer = layer(&server);

    let error = within_budget(layer.get(&key(1))).await.unwrap_err();

    assert!(matches!(error, LayerError::Timeout { after: BUDGET, .. }), "{error:?}");
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_left_for_a_new_connection() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    layer.get(&key(1)).await.unwrap();
    server.tell(&["REPLICAOF", "127.0.0.1", "1"]);

    let error = layer.put(&key(1), b"two".to_vec(), LIFE).await.unwrap_err();

    assert!(matches!(error, LayerError::Redis { .. }), "{error:?}");
    assert_eq!(record(&layer, 1).await, Some(b"one".to_vec()), "what is refused for certain owes nothing");
    assert_eq!(proxy.connections(), 2);
    for _ in 0..4 {
        layer.put(&key(1), b"two".to_vec(), LIFE).await.unwrap_err();
    }
    assert_eq!(proxy.connections(), 2, "but not one for each refusal");
    server.tell(&["REPLICAOF", "NO", "ONE"]);
    until_answered(async || layer.put(&key(1), b"two".to_vec(), LIFE).await).await;
}

#[tokio::test]
async fn a_replica_that_lost_its_primary_is_an_outage() {
    let server = RedisServer::builder().options(["--replica-serve-stale-data", "no"]).start();
    let layer = layer(&server);
    layer.get(&key(1)).await.unwrap();
    server.tell(&["REPLICAOF", "127.0.0.1", "1"]);
    for _ in 0..5 {
        assert!(matches!(layer.get(&key(1)).await, Err(LayerError::Redis { .. })));
    }
    assert!(matches!(layer.get(&key(1)).await, Err(LayerError::Resting { .. })));
}

#[tokio::test]
async fn a_server_out_of_memory_refuses_answers_and_still_serves_and_forgets() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.get(&key(1)).await.unwrap();
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);

    for _ in 0..20 {
        let error = layer.put(&key(2), b"two".to_vec(), LIFE).await.unwrap_err();
        assert!(matches!(error, LayerError::Redis { operation: "store an answer", .. }), "{error:?}");
    }

    assert_eq!(record(&layer, 1).await, Some(b"one".to_vec()));
    assert_eq!(layer.remove(&key(1), Duration::ZERO).await.unwrap(), Removal::Done);
    assert_eq!(layer.remove_all(SCOPE).await.unwrap(), Removal::Done);
}

#[tokio::test]
async fn a_network_that_swallows_everything_costs_one_budget_and_a_new_connection() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    layer.get(&key(1)).await.unwrap();
    proxy.swallow();

    for _ in 0..3 {
        assert!(matches!(within_budget(layer.get(&key(1))).await, Err(LayerError::Timeout { .. })));
    }

    assert_eq!(proxy.connections(), 2, "half-open connections are given up");
    proxy.pass_on();
    let (_, took) = until_answered(async || layer.get(&key(1)).await).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn whatever_a_server_says_is_an_error_within_the_budget() {
    const HELLO: &[u8] = b"%1\r\n$5\r\nproto\r\n:3\r\n+OK\r\n+OK\r\n";
    let lies: [(&[u8], &[u8]); 16] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
        (b"-ERR unknown command\r\n-ERR\r\n-ERR\r\n", b"-ERR\r\n-ERR\r\n"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b""),
        (HELLO, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        (HELLO, b":1\r\n:2\r\n"),
        (HELLO, b"+OK\r\n+OK\r\n"),
        (HELLO, b"$-7\r\n$-7\r\n"),
        (HELLO, b"$99999999999999\r\nabc"),
        (HELLO, b"*2000000000\r\n"),
        (HELLO, b"%2000000000\r\n"),
        (HELLO, b"*-5\r\n*0\r\n"),
        (HELLO, b"-\r\n-\r\n"),
        (HELLO, b"$1\r\n"),
        (HELLO, b"_\r\n$3\r\nabc\r\n"),
        (HELLO, b">3\r\n+invalidate\r\n+x\r\n+y\r\n"),
        (HELLO, b"\0\0\0\0"),
    ];
    for (greeting, bytes) in lies {
        let layer = layer_at(&lying(greeting, bytes).await);
        for _ in 0..7 {
            let shown = String::from_utf8_lossy(bytes);
            let outcome = within_budget(layer.get(&key(1))).await;
            assert!(outcome.is_err(), "{shown:?} gave {outcome:?}");
        }
        let _ = within_budget(layer.remove(&key(1), Duration::ZERO)).await;
    }
}

#[tokio::test]
async fn an_array_nested_without_end_is_an_error() {
    let nested: &'static [u8] = b"*1\r\n".repeat(50_000).leak();
    let layer = layer_at(&lying(b"%0\r\n+OK\r\n+OK\r\n", nested).await);
    assert!(within_budget(layer.get(&key(1))).await.is_err());
}

#[tokio::test]
async fn an_attempt_to_connect_that_failed_meanwhile_is_not_held_against_the_next_operation() {
    let server = RedisServer::start();
    server.pause();
    let layer = layer(&server);
    assert!(matches!(within_budget(layer.get(&key(1))).await, Err(LayerError::Timeout { .. })));
    // The attempt goes on without us until its own limit.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    server.resume();

    layer.get(&key(1)).await.unwrap();
}

#[tokio::test]
async fn a_probe_whose_caller_went_away_does_not_keep_redis_out() {
    let mut server = RedisServer::start();
    let layer = layer(&server);
    server.kill();
    while !matches!(layer.get(&key(1)).await, Err(LayerError::Resting { .. })) {}
    server.restart();
    let start = Instant::now();
    while layer.get(&key(1)).now_or_never().is_some() {
        assert!(start.elapsed() < Duration::from_secs(5), "there is no probe");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    layer.get(&key(1)).await.unwrap();
}
