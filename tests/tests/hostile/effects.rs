//! `#[invalidates]` on a function that is not async, in front of a real Redis: when it returns, the answer is gone
//! from there, whatever runtime its thread belongs to.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::{Duration, Instant},
};

use hybrid_cache::{Key, cached, flush, invalidates, updates};
use tokio::{
    runtime::Builder,
    task::{LocalSet, spawn_blocking, yield_now},
};

use super::own_process::{redis_port, with_stores};

#[cached(layers = "redis")]
async fn answer(id: u64) -> u64 {
    id
}

#[invalidates(answer(id = id))]
fn change(id: u64) -> Result<(), String> {
    Ok(())
}

#[updates(answer(id))]
fn put(id: u64) -> Result<u64, String> {
    Ok(id + 1)
}

/// Asks Redis itself, in a way of its own.
fn is_in_redis(key: &Key) -> bool {
    let mut redis = TcpStream::connect(("127.0.0.1", redis_port())).unwrap();
    redis.write_all(format!("EXISTS {key}\r\n").as_bytes()).unwrap();
    let mut reply = [0; 4];
    redis.read_exact(&mut reply).unwrap();
    assert!(matches!(&reply, b":0\r\n" | b":1\r\n"), "{reply:?}");
    reply == *b":1\r\n"
}

async fn store(id: u64) {
    answer(id).await;
    flush().await;
    assert!(is_in_redis(&answer::key(id)));
}

async fn store_and_change(id: u64) {
    store(id).await;
    change(id).unwrap();
    assert!(!is_in_redis(&answer::key(id)));
    put(id).unwrap();
    assert_eq!(answer(id).await, id + 1);
}

#[test]
fn a_plain_function_has_redis_forget_before_it_returns_wherever_it_is_called() {
    with_stores(|| {
        let single = Builder::new_current_thread().enable_all().build().unwrap();
        let multi = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        single.block_on(store_and_change(1));
        single.block_on(LocalSet::new().run_until(store_and_change(2)));
        multi.block_on(store_and_change(3));
        multi.block_on(async { tokio::spawn(store_and_change(4)).await.unwrap() });
        multi.block_on(LocalSet::new().run_until(store_and_change(5)));
        multi.block_on(async {
            store(6).await;
            spawn_blocking(|| change(6).unwrap()).await.unwrap();
        });
        assert!(!is_in_redis(&answer::key(6)));
        single.block_on(store(7));
        change(7).unwrap();
        assert!(!is_in_redis(&answer::key(7)));
    });
}

static VERSION: AtomicU64 = AtomicU64::new(0);

#[cached(layers = "mem,redis")]
async fn copied(id: u64) -> u64 {
    let _ = id;
    VERSION.load(SeqCst)
}

#[invalidates(copied(id))]
fn change_copied(id: u64) -> Result<u64, String> {
    Ok(VERSION.fetch_add(1, SeqCst) + 1)
}

/// A copy that has been begun cannot go on while its thread waits for what forgets it.
#[test]
fn a_copy_that_the_waiting_thread_would_have_to_make_is_neither_waited_for_nor_believed() {
    const SOON: Duration = Duration::from_secs(5);

    with_stores(|| {
        let single = Builder::new_current_thread().enable_all().build().unwrap();
        single.block_on(async {
            let start = Instant::now();
            for id in 0..100 {
                copied(id).await;
                for _ in 0..id % 5 {
                    yield_now().await;
                }
                let version = change_copied(id).unwrap();
                assert_eq!(copied(id).await, version, "{id}");
                flush().await;
                assert_eq!(copied::peek(id).await, Some(version), "{id}");
            }
            assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        });
    });
}
