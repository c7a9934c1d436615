//! What a body sees of its caller's task, in a process that has its loads take something along.

use std::time::Duration;

use hybrid_cache::{
    bypass, cached,
    testing::{Store, World, advance, isolated},
};
use tokio::runtime::Builder;

use super::{own_process::alone, source::settle};

tokio::task_local! {
    static TENANT: &'static str;
    static TRACE: u64;
    static NOT_CARRIED: u64;
}

/// What there is in the task that asks.
fn seen() -> (Option<String>, Option<u64>) {
    assert!(NOT_CARRIED.try_get().is_err(), "nobody asked for this one");
    (TENANT.try_get().ok().map(str::to_owned), TRACE.try_get().ok())
}

#[cached(layers = "mem", ttl = 60, stale = 60, jitter = 0)]
async fn loaded(id: u64) -> (Option<String>, Option<u64>) {
    let _ = id;
    tokio::task::yield_now().await;
    seen()
}

#[cached(layers = "mem,redis,disk", ttl = 60, refresh_ahead = 0.5, jitter = 0)]
async fn ahead(id: u64) -> (Option<String>, Option<u64>) {
    let _ = id;
    seen()
}

#[cached(layers = "mem", ttl = 60)]
async fn outer(id: u64) -> (Option<String>, Option<u64>) {
    loaded(id).await
}

#[cached(layers = "mem", ttl = 60)]
fn blocking(id: u64) -> Option<u64> {
    let _ = id;
    TRACE.try_get().ok()
}

fn of(tenant: &str, trace: u64) -> (Option<String>, Option<u64>) {
    (Some(tenant.to_owned()), Some(trace))
}

async fn within<F: Future>(tenant: &'static str, trace: u64, future: F) -> F::Output {
    TENANT.scope(tenant, TRACE.scope(trace, future)).await
}

fn in_a_process_that_carries(test: impl Future<Output = ()>) {
    hybrid_cache::builder()
        .carry_local(&TENANT)
        .carry(|load| {
            let trace = TRACE.try_get();
            async move {
                match trace {
                    Ok(trace) => TRACE.scope(trace, load).await,
                    Err(_) => load.await,
                }
            }
        })
        .install()
        .unwrap();
    Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn every_kind_of_load_sees_what_the_task_had_that_caused_it() {
    alone(|| {
        in_a_process_that_carries(async {
            assert_eq!(within("anna", 1, loaded(1)).await, of("anna", 1));
            assert_eq!(within("bert", 2, loaded(1)).await, of("anna", 1), "the answer of one is that of all");
            assert_eq!(loaded(2).await, (None, None), "there is nothing to take along");
            assert_eq!(TENANT.scope("anna", loaded(3)).await, (Some("anna".to_owned()), None));
            assert_eq!(within("bert", 4, loaded::refresh(1)).await, of("bert", 4));
            assert_eq!(within("carl", 5, loaded::with_info(4)).await.into_value(), of("carl", 5));
            assert_eq!(within("carl", 6, outer(5)).await, of("carl", 6), "through another load");
            within("dora", 7, loaded::warm([6, 7])).await;
            assert_eq!((loaded(6).await, loaded(7).await), (of("dora", 7), of("dora", 7)));
            assert_eq!(within("dora", 8, bypass(loaded(1))).await, of("dora", 8));
            assert_eq!(within("dora", 9, async { blocking(1) }).await, Some(9));
            NOT_CARRIED.scope(1, loaded(8)).await;
        });
    });
}

#[test]
fn a_refresh_behind_a_callers_back_sees_what_that_caller_had() {
    alone(|| {
        in_a_process_that_carries(async {
            let (redis, disk) = (Store::new(), Store::new());
            World::new()
                .redis(&redis)
                .disk(&disk)
                .enter(async {
                    assert_eq!(within("anna", 1, ahead(1)).await, of("anna", 1));
                    advance(Duration::from_secs(31));
                    assert_eq!(within("bert", 2, ahead(1)).await, of("anna", 1), "it is due");
                    hybrid_cache::flush().await;
                    settle().await;
                    assert_eq!(ahead(1).await, of("bert", 2));
                })
                .await;
            isolated(async {
                assert_eq!(within("anna", 1, loaded(1)).await, of("anna", 1));
                advance(Duration::from_secs(61));
                assert_eq!(within("carl", 3, loaded(1)).await, of("anna", 1), "it is stale");
                settle().await;
                assert_eq!(loaded(1).await, of("carl", 3));
            })
            .await;
        });
    });
}
