//! The password is never shown, and the log says each change once.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use tracing_subscriber::fmt::MakeWriter;

use super::*;

const PASSWORD: &str = "correct-horse";

/// Everything that is logged on this thread while it is alive.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        // With a single subscriber in the process, `tracing` asks only the thread that comes to a line first whether
        // anybody listens, and remembers a no for all threads. A second one makes it ask all of them.
        static SECOND: OnceLock<tracing::Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| tracing::Dispatch::new(tracing_subscriber::registry()));
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines_with(&self, words: &str) -> usize {
        self.text().lines().filter(|line| line.contains(words)).count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// An error and all its causes, in both forms.
fn whole(error: &LayerError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(|error| format!("{error} {error:?}")).collect::<Vec<_>>().join(" ")
}

/// Asks a server that will not have us until the breaker opens; returns all that was to be seen.
async fn seen_while_refused(layer: &RedisLayer, log: &Log) -> String {
    let mut text = format!("{layer:?} {:#?}", layer.client);
    for _ in 0..6 {
        text += &whole(&layer.get(&key(1)).await.unwrap_err());
    }
    assert_eq!(log.lines_with("not asked for a moment"), 1, "{}", log.text());
    text + &log.text()
}

#[tokio::test]
async fn a_wrong_password_is_reported_without_it() {
    let server = RedisServer::builder().password("another").start();
    for layer in [
        layer_at(&server.url().replace("://", &format!("://:{PASSWORD}@"))),
        RedisLayer::new(
            &RedisSettings { password: Some(Secret::new(PASSWORD)), ..settings(&server.url()) },
            "hc",
        )
        .unwrap(),
    ] {
        let (log, _guard) = Log::start();
        let seen = seen_while_refused(&layer, &log).await;
        assert!(!seen.contains(PASSWORD), "{seen}");
        assert!(seen.contains("WRONGPASS"), "{seen}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_password_in_its_error_does_not_make_us_repeat_it() {
    let url =
        lying(b"-ERR wrong arguments: '3' 'AUTH' 'default' 'correct-horse'\r\n-ERR\r\n-ERR\r\n", b"").await;
    let (log, _guard) = Log::start();
    let seen = seen_while_refused(&layer_at(&url.replace("://", &format!("://:{PASSWORD}@"))), &log).await;
    assert!(!seen.contains(PASSWORD) && seen.contains("wrong arguments"), "{seen}");
}

#[tokio::test]
async fn no_password_where_one_is_needed_is_an_outage_that_says_why() {
    let server = RedisServer::builder().password("another").start();
    let (log, _guard) = Log::start();
    let seen = seen_while_refused(&layer(&server), &log).await;
    assert!(seen.contains("NOAUTH"), "{seen}");
}

#[tokio::test]
async fn what_redis_refuses_is_said_once_and_so_is_its_end() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.get(&key(1)).await.unwrap();
    let (log, _guard) = Log::start();
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..20 {
        layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap_err();
        layer.get(&key(1)).await.unwrap();
    }
    assert_eq!(log.lines_with("Redis refuses"), 1, "{}", log.text());
    assert_eq!(log.lines_with("OOM command not allowed"), 1, "{}", log.text());
    assert!(log.text().contains("WARN") && log.text().contains("purpose=\"store\""), "{}", log.text());

    server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    for _ in 0..20 {
        layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    }
    assert_eq!(log.lines_with("Redis does again what it is asked"), 1, "{}", log.text());
    assert_eq!(log.lines_with("hybrid_cache"), 2, "{}", log.text());
}

#[tokio::test]
async fn a_user_who_may_only_read_and_a_replica_are_told_apart_in_the_log() {
    let server = RedisServer::start();
    layer(&server).get(&key(1)).await.unwrap();
    server.tell(&["ACL", "SETUSER", "reader", "on", &format!(">{PASSWORD}"), "~hc:*", "+getrange"]);
    let reader = layer_at(&server.url().replace("://", &format!("://reader:{PASSWORD}@")));
    let (log, guard) = Log::start();
    for _ in 0..3 {
        reader.get(&key(1)).await.unwrap();
        reader.put(&key(1), b"one".to_vec(), LIFE).await.unwrap_err();
    }
    assert_eq!(reader.remove(&key(2), Duration::ZERO).await.unwrap(), Removal::Queued);
    let seen = log.text();
    assert_eq!((log.lines_with("Redis refuses"), log.lines_with("NOPERM")), (2, 2), "{seen}");
    assert!(seen.contains("purpose=\"store\"") && seen.contains("purpose=\"forget\""), "{seen}");
    assert!(!seen.contains(PASSWORD), "{seen}");
    drop(guard);

    let (log, _guard) = Log::start();
    let writer = layer(&server);
    server.tell(&["REPLICAOF", "127.0.0.1", "1"]);
    for _ in 0..3 {
        writer.get(&key(1)).await.unwrap();
        writer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap_err();
    }
    assert_eq!((log.lines_with("Redis refuses"), log.lines_with("READONLY")), (1, 1), "{}", log.text());
}

#[tokio::test]
async fn the_log_has_one_line_when_redis_goes_and_one_when_it_comes_back() {
    let mut server = RedisServer::start();
    let layer = layer(&server);
    let (log, _guard) = Log::start();
    layer.get(&key(1)).await.unwrap();
    assert_eq!(log.lines_with("hybrid_cache"), 0, "{}", log.text());
    server.kill();
    for _ in 0..100 {
        layer.get(&key(1)).await.unwrap_err();
    }
    let lines = log.text();
    assert_eq!(log.lines_with("hybrid_cache"), 1, "{lines}");
    assert!(lines.contains("WARN") && lines.contains(&server.port().to_string()), "{lines}");
    assert!(lines.contains("Connection refused"), "{lines}");

    server.restart();
    until_answered(async || layer.get(&key(1)).await).await;

    assert_eq!(log.lines_with("Redis answers again"), 1, "{}", log.text());
}
