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
