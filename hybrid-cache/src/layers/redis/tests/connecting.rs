//! Addresses, protocols and runtimes.

use tokio::runtime::Builder;

use super::*;

fn with_password(url: &str, password: &str) -> RedisLayer {
    let settings = RedisSettings { password: Some(Secret::new(password)), ..settings(url) };
    RedisLayer::new(&settings, "hc").unwrap()
}

/// Asserts that `layer` stores and finds; returns the address by which it knows the server.
async fn works(layer: &RedisLayer) {
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    assert_eq!(record(layer, 1).await, Some(b"one".to_vec()));
}

#[tokio::test]
async fn a_unix_socket_is_an_address() {
    let server = RedisServer::start();
    let path = server.socket().display().to_string();
    for url in [format!("unix:{path}"), format!("unix://{path}"), format!("redis+unix://{path}")] {
        works(&layer_at(&url)).await;
    }
    works(&layer_at(&format!("unix:{path}?db=3"))).await;
    server.tell(&["SELECT", "0"]);
    let keyspace: String = server.ask(&["INFO", "keyspace"]);
    assert!(keyspace.contains("db3:"), "{keyspace}");
}

#[tokio::test]
async fn the_database_of_the_address_is_used() {
    let server = RedisServer::start();
    works(&layer_at(&format!("{}/7", server.url()))).await;
    let keyspace: String = server.ask(&["INFO", "keyspace"]);
    assert!(keyspace.contains("db7:") && !keyspace.contains("db0:"), "{keyspace}");
}

#[tokio::test]
async fn a_database_the_server_does_not_have_is_an_error_not_another_database() {
    let server = RedisServer::start();
    let layer = layer_at(&format!("{}/99", server.url()));
    let error = layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap_err();
    assert!(matches!(error, LayerError::Redis { .. }), "{error:?}");
    assert_eq!(server.ask::<i64>(&["DBSIZE"]), 0);
}

#[tokio::test]
async fn a_password_beside_the_address_takes_the_place_of_one_inside() {
    let server = RedisServer::builder().password("s3cr:t/@").start();
    works(&with_password(&server.url(), "s3cr:t/@")).await;
    works(&with_password(&server.url().replace("://", "://default@"), "s3cr:t/@")).await;
    works(&with_password(&format!("unix:{}", server.socket().display()), "s3cr:t/@")).await;
    works(&with_password(&server.url().replace("://", "://:another@"), "s3cr:t/@")).await;
    works(&layer_at(&server.url().replace("://", "://:s3cr%3At%2F%40@"))).await;
}

#[tokio::test]
async fn a_server_that_does_not_know_hello_is_spoken_to_in_resp2() {
    let server = RedisServer::builder().options(["--rename-command", "HELLO", ""]).password("s3cret").start();
    works(&with_password(&server.url(), "s3cret")).await;
}

#[tokio::test]
async fn a_user_with_only_the_documented_rights_can_use_the_layer() {
    let server = RedisServer::start();
    server.tell(&["ACL", "SETUSER", "cache", "on", ">pw", "~hc:*", "+getrange", "+set", "+del", "+pexpire"]);
    let layer = layer_at(&server.url().replace("://", "://cache:pw@"));
    works(&layer).await;
    assert_eq!(layer.remove(&key(1), Duration::ZERO).await.unwrap(), Removal::Done);
    assert_eq!(layer.remove_all(SCOPE).await.unwrap(), Removal::Done);
    works(&layer).await;
}

#[test]
fn an_address_that_cannot_be_understood_is_reported_without_quoting_it() {
    for url in [
        "",
        "redis://",
        "http://s3cret",
        "redis://:s3cret@host:port",
        "redis://:s3cret@h/s3cret",
        "unix:",
        "unix:s3cret",
    ] {
        let error = RedisLayer::new(&settings(url), "hc").unwrap_err();
        let LayerError::Redis { operation, source } = &error else { panic!("{error:?}") };
        assert_eq!(*operation, "read its address");
        assert!(!format!("{error} {source} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn a_layer_is_made_without_a_runtime_and_without_a_server() {
    let start = Instant::now();
    let layer = layer_at("redis://192.0.2.1:6379");
    assert!(start.elapsed() < Duration::from_millis(50));
    assert_eq!(layer.kind(), LayerKind::Redis);
}

#[test]
fn runtimes_in_turn_each_get_a_connection_without_an_error() {
    let server = RedisServer::start();
    let layer = layer(&server);
    for _ in 0..20 {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(works(&layer));
    }
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(works(&layer));
}

#[test]
fn runtimes_side_by_side_keep_their_connections() {
    let server = RedisServer::start();
    let layer = layer(&server);
    let runtimes: Vec<_> =
        (0..4).map(|_| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()).collect();
    let before: u64 = connections_received(&server);
    for _ in 0..25 {
        for runtime in &runtimes {
            runtime.block_on(works(&layer));
        }
    }
    // One each, and the question itself.
    assert_eq!(connections_received(&server) - before, 5);
}

fn connections_received(server: &RedisServer) -> u64 {
    let stats: String = server.ask(&["INFO", "stats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn outside_a_runtime_every_operation_is_an_error_and_a_removal_is_queued() {
    let server = RedisServer::start();
    let layer = layer(&server);
    for _ in 0..10 {
        let error = layer.get(&key(1)).now_or_never().unwrap().unwrap_err();
        assert!(matches!(error, LayerError::Redis { .. }), "{error:?}");
    }
    assert_eq!(layer.remove(&key(1), Duration::ZERO).now_or_never().unwrap().unwrap(), Removal::Queued);
    // It does not speak against the server.
    Builder::new_current_thread().enable_all().build().unwrap().block_on(works(&layer));
}

#[test]
fn a_runtime_without_timers_or_io_has_redis_like_any_other() {
    let server = RedisServer::start();
    for bare in [Builder::new_current_thread().build(), Builder::new_multi_thread().worker_threads(1).build()]
    {
        let layer = layer(&server);
        bare.unwrap().block_on(works(&layer));
        Builder::new_current_thread().enable_all().build().unwrap().block_on(works(&layer));
    }
}

#[tokio::test]
async fn a_server_restarted_while_nobody_asked_costs_no_error() {
    let mut server = RedisServer::start();
    let layer = layer(&server);
    works(&layer).await;
    server.restart();
    works(&layer).await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced_without_an_error() {
    let server = RedisServer::start();
    let layer = layer(&server);
    works(&layer).await;
    for _ in 0..10 {
        server.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        // No pause: the loss is noticed by the operation itself.
        works(&layer).await;
    }
}

#[tokio::test]
async fn a_hundred_operations_at_once_share_one_connection() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), Duration::ZERO).await;
    let layer = layer_at(&proxy.url());
    let puts = (0..100).map(async |number| layer.put(&key(number), b"one".to_vec(), LIFE).await);
    for outcome in futures_util::future::join_all(puts).await {
        outcome.unwrap();
    }
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_server_that_is_further_away_than_one_budget_is_reached_in_the_end() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port(), BUDGET * 2).await;
    let layer = layer_at(&proxy.url());

    let error = within_budget(layer.get(&key(1))).await.unwrap_err();

    assert!(matches!(error, LayerError::Timeout { .. }), "{error:?}");
    until_answered(async || layer.get(&key(1)).await).await;
    assert_eq!(proxy.connections(), 1);
}
