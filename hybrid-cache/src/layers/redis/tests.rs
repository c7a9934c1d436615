//! The layer against real servers.

mod answers;
mod connecting;
mod outages;
mod proxy;
mod reads;
mod removals;
mod secrets;
#[cfg(feature = "redis-tls")]
mod tls;

use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use hybrid_cache_test_support::RedisServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::proxy::Proxy;
use super::*;
use crate::config::Secret;

const BUDGET: Duration = Duration::from_millis(250);
/// What scheduling on a busy machine may add to a budget.
const SLACK: Duration = Duration::from_millis(500);
const LIFE: Duration = Duration::from_mins(1);
const SCOPE: &str = "hc:shop.product";

fn settings(url: &str) -> RedisSettings {
    RedisSettings { url: Secret::new(url), password: None, timeout: BUDGET }
}

fn layer_at(url: &str) -> RedisLayer {
    RedisLayer::new(&settings(url), "hc").unwrap()
}

fn layer(server: &RedisServer) -> RedisLayer {
    layer_at(&server.url())
}

fn key(number: u32) -> Key {
    Key::of(SCOPE, &format!("id={number}"))
}

/// What is stored under a key, by way of the layer.
async fn record(layer: &RedisLayer, number: u32) -> Option<Vec<u8>> {
    layer.get(&key(number)).await.unwrap().record
}

/// Asks until there is an answer, as calls of a busy service would.
async fn until_answered<T>(mut ask: impl AsyncFnMut() -> Result<T, LayerError>) -> (T, Duration) {
    let start = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return (answer, start.elapsed()),
            Err(error) => {
                // On a busy machine attempts fail too, and each doubles the rest, up to half a minute.
                assert!(start.elapsed() < Duration::from_mins(2), "Redis is not used again: {error}");
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs one operation and asserts that it ends within the budget.
async fn within_budget<T>(operation: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let outcome = operation.await;
    assert!(start.elapsed() < BUDGET + SLACK, "took {:?}", start.elapsed());
    outcome
}

/// A server that greets like Redis and answers every request with `bytes`.
async fn lying(greeting: &'static [u8], bytes: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 1 << 16];
                let mut reply = greeting;
                while client.read(&mut request).await.is_ok_and(|count| count > 0) {
                    if client.write_all(reply).await.is_err() {
                        return;
                    }
                    reply = bytes;
                }
            });
        }
    });
    url
}
