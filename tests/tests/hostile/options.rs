//! Options at the ends of what their types can hold: constants that mean "for ever", and hardly any time at all.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use futures_util::FutureExt;
use hybrid_cache::{
    DeadlineExceeded, cached, flush, shutdown,
    testing::{Store, World, advance},
};

use super::source::settle;

const FOREVER: Duration = Duration::MAX;
const NEARLY_FOREVER: Duration = Duration::MAX.saturating_sub(Duration::from_nanos(1));
const MOMENT: Duration = Duration::from_nanos(1);
const HALF_OF_IT: Duration = Duration::from_secs(u64::MAX / 2);

static FAILS: AtomicBool = AtomicBool::new(false);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure;

impl From<DeadlineExceeded> for Failure {
    fn from(_: DeadlineExceeded) -> Self {
        Self
    }
}

fn answer(id: u64) -> Result<Option<u64>, Failure> {
    if FAILS.load(SeqCst) { Err(Failure) } else { Ok((id > 0).then_some(id)) }
}

/// A life that says of itself how long it is.
fn forever(_: &Option<u64>) -> Duration {
    FOREVER
}

/// Does with a function all that its options have a say in; a panic is what fails.
macro_rules! everything_with {
    ($name:ident) => {
        // Of either kind: one is an answer, the other none.
        for id in 0..2 {
            let _ = $name(id).await;
            let _ = $name(id).await;
            let _ = $name::peek(id).await;
            let _ = $name::with_info(id).await.age();
            advance(Duration::from_secs(1));
            let _ = $name(id).await;
            let _ = $name::refresh(id).await;
            let _ = $name::expire(id).await;
            let _ = $name(id).await;
            settle().await;
            $name::put(id, Some(3)).await;
            flush().await;
            FAILS.store(true, SeqCst);
            advance(Duration::from_hours(24));
            let _ = futures_util::join!($name(id), $name(id), $name(id + 2));
            FAILS.store(false, SeqCst);
            let _ = $name::invalidate(id).await;
            let _ = $name::warm([id, id + 1]).concurrency(usize::MAX).await;
            settle().await;
        }
        let _ = $name::invalidate_all().await;
        let _ = $name::stats().to_string();
    };
}

macro_rules! functions {
    ($($option:literal: $name:ident($($attribute:tt)*)),* $(,)?) => {
        $(
            #[cached($($attribute)*)]
            async fn $name(id: u64) -> Result<Option<u64>, Failure> {
                answer(id)
            }
        )*

        /// What panicked, over all options.
        async fn panicked() -> Vec<&'static str> {
            let mut panicked = Vec::new();
            $(
                let (redis, disk) = (Store::new(), Store::new());
                for world in [World::new(), World::new().redis(&redis).disk(&disk)] {
                    let all = async { everything_with!($name); };
                    // Bounded, so that what hangs is told too.
                    let all = tokio::time::timeout(Duration::from_secs(20), world.enter(all));
                    if !matches!(AssertUnwindSafe(all).catch_unwind().await, Ok(Ok(()))) {
                        FAILS.store(false, SeqCst);
                        panicked.push($option);
                    }
                }
            )*
            panicked
        }
    };
}

functions! {
    "ttl for ever": f01(layers = "mem,redis,disk", ttl = FOREVER, jitter = 0),
    "ttl for ever, jitter": f02(layers = "mem,redis,disk", ttl = FOREVER, jitter = 0.999_999_999_999),
    "ttl nearly for ever": f03(layers = "mem,redis,disk", ttl = NEARLY_FOREVER, jitter = 0),
    "ttl of half of it": f04(layers = "mem,redis,disk", ttl = HALF_OF_IT, jitter = 0),
    "ttl of a moment": f05(layers = "mem,redis,disk", ttl = MOMENT, stale = MOMENT),
    "ttl in memory": f06(layers = "mem,redis,disk", ttl(mem = FOREVER, redis = MOMENT, disk = 60), jitter = 0),
    "ttl in Redis": f07(layers = "mem,redis,disk", ttl(mem = MOMENT, redis = FOREVER, disk = FOREVER), jitter = 0),
    "Redis and disk alone": f08(layers = "redis,disk", ttl = FOREVER, jitter = 0, stale = FOREVER),
    "ttl_by": f09(layers = "mem,redis,disk", ttl = FOREVER, ttl_by = forever, none_ttl = FOREVER, jitter = 0),
    "none_ttl": f10(layers = "mem,redis,disk", ttl = FOREVER, none_ttl = FOREVER, jitter = 0),
    "none_ttl of a moment": f11(layers = "mem,redis,disk", none_ttl = MOMENT),
    "err_ttl": f12(layers = "mem,redis,disk", ttl = 1, err_ttl = FOREVER, jitter = 0),
    "err_ttl of a moment": f13(layers = "mem,redis,disk", ttl = 1, err_ttl = MOMENT),
    "stale": f14(layers = "mem,redis,disk", ttl = 1, stale = FOREVER),
    "stale beyond for ever": f15(layers = "mem,redis,disk", ttl = FOREVER, stale = FOREVER, stale_if_error = FOREVER),
    "stale_if_error": f16(layers = "mem,redis,disk", ttl = 1, stale_if_error = FOREVER),
    "stale_if_error of a moment": f17(layers = "mem,redis,disk", ttl = 1, stale_if_error = MOMENT),
    "wait": f18(layers = "mem,redis,disk", wait = FOREVER, max_loads = 1),
    "wait of a moment": f19(layers = "mem,redis,disk", wait = MOMENT, max_loads = 1),
    "deadline": f20(layers = "mem,redis,disk", deadline = FOREVER, wait = FOREVER),
    "deadline of a moment": f21(layers = "mem,redis,disk", deadline = MOMENT, stale_if_error = FOREVER),
    "refresh_ahead": f22(layers = "mem,redis,disk", ttl = FOREVER, refresh_ahead = 0.999_999_999_999_999_9, jitter = 0),
    "refresh_ahead at once": f23(layers = "mem,redis,disk", ttl = FOREVER, refresh_ahead = 0.000_000_000_1, jitter = 0),
    "refresh_ahead by chance": f24(layers = "mem,redis,disk", ttl = FOREVER, refresh_ahead = "xfetch", jitter = 0),
    "capacity": f25(layers = "mem,redis,disk", capacity = 18_446_744_073_709_551_615, stale_if_error = FOREVER),
    "capacity of one": f26(layers = "mem,redis,disk", capacity = 1, err_ttl = FOREVER),
    "max_bytes": f27(layers = "mem,redis,disk", max_bytes = 18_446_744_073_709_551_615),
    "max_bytes of one": f28(layers = "mem,redis,disk", max_bytes = 1),
    "max_loads": f29(layers = "mem,redis,disk", max_loads = 4_294_967_295),
    "version": f30(layers = "mem,redis,disk", version = 4_294_967_295),
    "inline": f31(layers = "mem,redis,disk", inline, ttl = FOREVER, jitter = 0, wait = FOREVER, deadline = FOREVER),
}

#[tokio::test]
async fn no_option_is_so_long_so_short_or_so_large_that_a_call_panics() {
    assert_eq!(panicked().await, Vec::<&str>::new());
}

#[test]
fn a_function_that_blocks_may_live_for_ever_too() {
    #[cached(layers = "mem,disk", ttl = FOREVER, jitter = 0, err_ttl = FOREVER, wait = FOREVER, stale_if_error = FOREVER)]
    fn blocking(id: u64) -> Result<u64, Failure> {
        if id == 0 { Err(Failure) } else { Ok(id) }
    }

    assert_eq!((blocking(1), blocking(1), blocking::peek(1)), (Ok(1), Ok(1), Some(1)));
    assert_eq!(blocking::refresh(1), Ok(1));
    assert!(blocking::invalidate(1).is_done());
}

#[tokio::test]
async fn time_that_is_moved_beyond_its_end_stands_still_there() {
    #[cached(layers = "mem,redis,disk", ttl = 60)]
    async fn square(n: u64) -> u64 {
        n * n
    }

    let (redis, disk) = (Store::new(), Store::new());
    World::new()
        .redis(&redis)
        .disk(&disk)
        .enter(async {
            assert_eq!(square(2).await, 4);
            advance(FOREVER);
            assert_eq!((square::peek(2).await, square(2).await), (None, 4), "it has expired");
            advance(FOREVER);
            assert_eq!(square(2).await, 4);
            flush().await;
            assert!(shutdown(FOREVER).await.is_complete());
        })
        .await;
}
