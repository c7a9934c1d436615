//! What a healthy server does.

use super::*;

#[tokio::test]
async fn what_was_put_is_read_back_by_another_process() {
    let server = RedisServer::start();
    let (writer, reader) = (layer(&server), layer(&server));
    let before = writer.get(&key(1)).await.unwrap();
    assert_eq!(before.record, None);

    writer.put(&key(1), b"\0record\r\n\xff".to_vec(), LIFE).await.unwrap();

    let reading = reader.get(&key(1)).await.unwrap();
    assert_eq!(reading, Reading { record: Some(b"\0record\r\n\xff".to_vec()), epoch: before.epoch, seen: 0 });
}

#[tokio::test]
async fn a_removed_answer_is_gone_and_others_stay() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    layer.put(&key(2), b"two".to_vec(), LIFE).await.unwrap();

    assert_eq!(layer.remove(&key(1), Duration::ZERO).await.unwrap(), Removal::Done);

    assert_eq!(record(&layer, 1).await, None);
    assert_eq!(record(&layer, 2).await, Some(b"two".to_vec()));
}

#[tokio::test]
async fn a_removal_leaves_a_void_of_a_new_generation_for_as_long_as_it_is_told() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();

    let mut generations = Vec::new();
    for _ in 0..2 {
        assert_eq!(layer.remove(&key(1), LIFE).await.unwrap(), Removal::Done);
        generations.push(crate::record::generation(&record(&layer, 1).await.unwrap()));
    }

    assert!(generations[0] != 0 && generations[1] != 0 && generations[0] != generations[1]);
    let left = u128::try_from(server.ask::<i64>(&["PTTL", key(1).as_str()])).unwrap();
    assert!((1..=LIFE.as_millis()).contains(&left), "{left} ms");
}

#[tokio::test]
async fn remove_all_changes_the_epoch_of_this_function_only() {
    let server = RedisServer::start();
    let (layer, elsewhere) = (layer(&server), layer(&server));
    let other = Key::of("hc:shop.price", "id=1");
    let (before, other_before) =
        (layer.get(&key(1)).await.unwrap().epoch, layer.get(&other).await.unwrap().epoch);
    assert_ne!(before, other_before);

    assert_eq!(layer.remove_all(SCOPE).await.unwrap(), Removal::Done);

    let after = layer.get(&key(1)).await.unwrap().epoch;
    assert_ne!(after, before);
    assert_eq!(elsewhere.get(&key(2)).await.unwrap().epoch, after);
    assert_eq!(layer.get(&other).await.unwrap().epoch, other_before);
}

#[tokio::test]
async fn every_operation_is_one_round_trip_and_the_first_read_of_a_function_two() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    layer.put(&Key::of("hc:another.function", "id=1"), b"connects".to_vec(), LIFE).await.unwrap();
    let mut seen = proxy.requests();
    let mut trips = || {
        let before = seen;
        seen = proxy.requests();
        seen - before
    };

    layer.get(&key(1)).await.unwrap();
    assert_eq!(trips(), 2, "the first read makes the function's epoch");
    layer.get(&key(1)).await.unwrap();
    assert_eq!(trips(), 1, "a miss");
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    assert_eq!(trips(), 1, "a put");
    assert!(record(&layer, 1).await.is_some());
    assert_eq!(trips(), 1, "a hit");
    layer.remove(&key(1), Duration::ZERO).await.unwrap();
    assert_eq!(trips(), 1, "a removal");
    layer.remove_all(SCOPE).await.unwrap();
    assert_eq!(trips(), 1, "a removal of all");
    layer.flush().await.unwrap();
    assert_eq!(trips(), 0, "nothing to flush");
}

#[tokio::test]
async fn nothing_in_redis_is_without_a_time_to_live() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.get(&key(1)).await.unwrap();
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    layer.put(&key(2), b"two".to_vec(), Duration::MAX).await.unwrap();
    layer.put(&key(3), b"three".to_vec(), Duration::from_micros(1_000_500)).await.unwrap();
    layer.remove(&key(3), Duration::ZERO).await.unwrap();
    layer.remove_all(SCOPE).await.unwrap();
    layer.get(&key(1)).await.unwrap();
    server.tell(&["SET", "hc:!all:shop.price", "garbage"]);
    layer.get(&Key::of("hc:shop.price", "id=1")).await.unwrap();

    let keys: Vec<String> = server.ask(&["KEYS", "*"]);
    assert_eq!(keys.len(), 4, "{keys:?}");
    for key in keys {
        let life: i64 = server.ask(&["PTTL", &key]);
        let longest = if key == "hc:shop.product:id=1" { LIFE } else { epoch::LIFE };
        assert!(
            (1..=longest.as_millis()).contains(&u128::try_from(life).unwrap_or(0)),
            "{key} lives for {life} ms"
        );
    }
}

#[tokio::test]
async fn a_record_with_no_life_left_is_gone_at_once() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.put(&key(1), b"one".to_vec(), Duration::ZERO).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(record(&layer, 1).await, None);
}

#[tokio::test]
async fn storing_an_answer_renews_the_epoch_it_relies_on() {
    let server = RedisServer::start();
    let layer = layer(&server);
    let epoch = layer.get(&key(1)).await.unwrap().epoch;
    server.tell(&["PEXPIRE", "hc:!all:shop.product", "60000"]);

    layer.put(&key(1), b"one".to_vec(), Duration::MAX).await.unwrap();

    let life = |key: &str| server.ask::<i64>(&["PTTL", key]);
    assert!(life("hc:!all:shop.product") >= life("hc:shop.product:id=1"));
    assert_eq!(layer.get(&key(1)).await.unwrap().epoch, epoch);
}

#[tokio::test]
async fn an_epoch_that_redis_evicted_comes_back_different() {
    let server = RedisServer::start();
    let layer = layer(&server);
    let before = layer.get(&key(1)).await.unwrap().epoch;
    server.tell(&["DEL", "hc:!all:shop.product"]);
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    assert_ne!(layer.get(&key(1)).await.unwrap().epoch, before);
}

#[tokio::test]
async fn processes_that_start_together_agree_on_the_epoch() {
    let server = RedisServer::start();
    let layers: Vec<_> = (0..20).map(|_| layer(&server)).collect();
    let readings =
        futures_util::future::join_all(layers.iter().map(async |layer| layer.get(&key(1)).await)).await;
    let epochs: Vec<u64> = readings.into_iter().map(|reading| reading.unwrap().epoch).collect();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
}

#[tokio::test]
async fn an_epoch_that_is_not_ours_is_replaced() {
    let server = RedisServer::start();
    let layer = layer(&server);
    for garbage in [
        &["SET", "hc:!all:shop.product", "0"][..],
        &["SET", "hc:!all:shop.product", ""],
        &["SET", "hc:!all:shop.product", "184467440737095516150000"],
        &["LPUSH", "hc:!all:shop.product", "7"],
    ] {
        server.tell(&["DEL", "hc:!all:shop.product"]);
        server.tell(garbage);
        let epoch = layer.get(&key(1)).await.unwrap().epoch;
        assert_ne!(epoch, 0);
        assert_eq!(layer.get(&key(1)).await.unwrap().epoch, epoch);
        assert_eq!(server.ask::<String>(&["GET", "hc:!all:shop.product"]), epoch.to_string());
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_a_record_that_is_not_ours_and_is_replaced() {
    let server = RedisServer::start();
    let layer = layer(&server);
    server.tell(&["LPUSH", key(1).as_str(), "somebody else's"]);

    assert_eq!(record(&layer, 1).await, Some(Vec::new()));

    layer.put(&key(1), b"ours".to_vec(), LIFE).await.unwrap();
    assert_eq!(record(&layer, 1).await, Some(b"ours".to_vec()));
}

#[tokio::test]
async fn of_a_value_larger_than_any_record_no_more_is_read_than_tells_that_it_is() {
    const HUGE: &str = "33554432";
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    let before = layer.get(&key(1)).await.unwrap().epoch;
    server.tell(&["SETRANGE", key(1).as_str(), HUGE, "x"]);
    server.tell(&["SETRANGE", "hc:!all:shop.product", HUGE, "x"]);

    let reading = layer.get(&key(1)).await.unwrap();

    assert_eq!(reading.record, Some(Vec::new()), "something that is no record of ours");
    assert_ne!(reading.epoch, before);
    assert!(proxy.bytes_passed() < LARGEST_RECORD + 4096, "{} bytes were read", proxy.bytes_passed());
    layer.put(&key(1), b"ours".to_vec(), LIFE).await.unwrap();
    assert_eq!(record(&layer, 1).await, Some(b"ours".to_vec()));
}

#[tokio::test]
async fn a_server_that_sends_more_than_it_was_asked_for_is_not_listened_to() {
    // A length; none, where the client library takes that for an endless one, and then replies that are short.
    let (text, lines) = (vec![b'\n'; 1 << 20], b"+OK\r\n".repeat(200_000));
    for (announced, part) in [("$2000000000\r\n", &text), ("!-1\r\n", &lines), ("=-1\r\n", &lines)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let part = part.clone();
        let sending = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            assert!(client.read(&mut vec![0; 4096]).await.unwrap() > 0);
            client.write_all(b"%0\r\n+OK\r\n+OK\r\n").await.unwrap();
            assert!(client.read(&mut vec![0; 4096]).await.unwrap() > 0);
            let mut sent = 0;
            client.write_all(announced.as_bytes()).await.unwrap();
            while sent < 2_000 && client.write_all(&part).await.is_ok() {
                sent += 1;
            }
            sent
        });

        let error = within_budget(layer_at(&url).get(&key(1))).await.unwrap_err();

        let LayerError::Redis { source, .. } = &error else { panic!("{announced}: {error:?}") };
        assert!(source.to_string().contains("larger than anything"), "{announced}: {source}");
        // As much as the system takes off the server's hands without anybody listening.
        assert!(sending.await.unwrap() < 64, "{announced}");
    }
}

#[tokio::test]
async fn an_epoch_that_may_not_be_read_is_not_replaced() {
    let server = RedisServer::start();
    let epoch = layer(&server).get(&key(1)).await.unwrap().epoch;
    server.tell(&["ACL", "SETUSER", "half", "on", ">pw", "~hc:shop.*", "%W~hc:!all:*", "+getrange", "+set"]);
    let half = layer_at(&server.url().replace("://", "://half:pw@"));

    half.get(&key(1)).await.unwrap_err();

    assert_eq!(layer(&server).get(&key(1)).await.unwrap().epoch, epoch);
}

#[tokio::test]
async fn a_record_over_one_mebibyte_is_refused_without_asking() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());

    let error = layer.put(&key(1), vec![7; 1024 * 1024 + 1], LIFE).await.unwrap_err();

    assert!(matches!(error, LayerError::TooLarge { bytes: 1_048_577, limit: 1_048_576, .. }), "{error:?}");
    assert_eq!(proxy.connections(), 0);
    layer.put(&key(1), vec![7; 1024 * 1024], LIFE).await.unwrap();
    assert_eq!(record(&layer, 1).await, Some(vec![7; 1024 * 1024]));
}

#[tokio::test]
async fn replies_reach_the_operation_they_belong_to_when_others_are_given_up() {
    let server = RedisServer::start();
    let layer = layer(&server);
    for number in 0..100 {
        layer.put(&key(number), number.to_string().into_bytes(), LIFE).await.unwrap();
    }
    for round in 0..50_u64 {
        let reads = (0..100).map(async |number| {
            // Every other read is given up somewhere on its way.
            let limit =
                if number % 2 == 0 { Duration::from_secs(5) } else { Duration::from_micros(round * 10) };
            (number, tokio::time::timeout(limit, layer.get(&key(number))).await)
        });
        for (number, outcome) in futures_util::future::join_all(reads).await {
            if let Ok(reading) = outcome {
                assert_eq!(reading.unwrap().record, Some(number.to_string().into_bytes()));
            }
        }
    }
}

#[tokio::test]
async fn after_close_every_operation_says_so() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    layer.flush().await.unwrap();

    layer.close().await.unwrap();
    layer.close().await.unwrap();

    assert!(matches!(layer.get(&key(1)).await, Err(LayerError::Closed { .. })));
    assert!(matches!(layer.put(&key(1), vec![], LIFE).await, Err(LayerError::Closed { .. })));
    assert!(matches!(layer.remove(&key(1), Duration::ZERO).await, Err(LayerError::Closed { .. })));
    assert!(matches!(layer.remove_all(SCOPE).await, Err(LayerError::Closed { .. })));
    assert!(matches!(layer.flush().await, Err(LayerError::Closed { .. })));
    tokio::task::yield_now().await;
    let others = || server.ask::<String>(&["CLIENT", "LIST", "TYPE", "normal"]).lines().count() - 1;
    let start = Instant::now();
    while others() > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "the connection stays open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
