//! Every option of an answer's life has its effect when it stands in the attribute. What exactly it does is tested where
//! it is done.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "`cache_if` and `ttl_by` give references")]

use std::{
    future::pending,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use futures_util::future::{join, join3};
use hybrid_cache::{
    DeadlineExceeded, cached,
    testing::{advance, isolated},
};
use tokio::{task::yield_now, time::timeout};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets the other tasks get as far as they can.
async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

/// What hangs fails.
const PATIENCE: Duration = seconds(20);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    Refused,
    Late,
}

impl From<DeadlineExceeded> for Failure {
    fn from(_: DeadlineExceeded) -> Self {
        Self::Late
    }
}

/// Counts its calls, and fails while it is told to.
struct Source {
    calls: AtomicU64,
    refuses: AtomicBool,
}

impl Source {
    const fn new() -> Self {
        Self { calls: AtomicU64::new(0), refuses: AtomicBool::new(false) }
    }

    fn ask(&self) -> Result<u64, Failure> {
        let call = self.calls.fetch_add(1, Relaxed);
        if self.refuses.load(Relaxed) { Err(Failure::Refused) } else { Ok(call) }
    }
}

#[tokio::test]
async fn stale_answers_are_returned_while_one_refresh_runs() {
    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", ttl = 10, jitter = 0, stale = "60s")]
    async fn stale() -> Result<u64, Failure> {
        SOURCE.ask()
    }

    isolated(async {
        assert_eq!(stale().await, Ok(0));
        advance(seconds(30));
        assert_eq!(stale().await, Ok(0));
        settle().await;
        assert_eq!(stale().await, Ok(1));

        advance(seconds(80));
        assert_eq!(stale().await, Ok(2), "no longer allowed");
    })
    .await;
}

#[tokio::test]
async fn an_expired_answer_is_stale_and_without_stale_forgotten() {
    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", ttl = 100, jitter = 0, stale = "60s")]
    async fn stale() -> Result<u64, Failure> {
        SOURCE.ask()
    }

    static OTHER: Source = Source::new();
    #[cached(layers = "mem", ttl = 100, jitter = 0)]
    async fn never_stale() -> Result<u64, Failure> {
        OTHER.ask()
    }

    isolated(async {
        assert_eq!(stale().await, Ok(0));
        assert!(stale::expire().await.strict().is_ok());
        assert_eq!(stale().await, Ok(0));
        settle().await;
        assert_eq!(stale().await, Ok(1));

        assert_eq!(never_stale().await, Ok(0));
        assert!(never_stale::expire().await.strict().is_ok());
        assert_eq!(never_stale().await, Ok(1));
    })
    .await;
}

#[tokio::test]
async fn stale_if_error_gives_the_old_answer_when_the_load_fails() {
    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", ttl = 10, jitter = 0, stale_if_error = "1h")]
    async fn saved() -> Result<u64, Failure> {
        SOURCE.ask()
    }

    isolated(async {
        assert_eq!(saved().await, Ok(0));
        SOURCE.refuses.store(true, Relaxed);
        advance(seconds(30));
        assert_eq!(saved().await, Ok(0));
        assert_eq!(saved::stats().loads(), 2);

        advance(seconds(3_600));
        assert_eq!(saved().await, Err(Failure::Refused), "no longer allowed");
    })
    .await;
}

#[tokio::test]
async fn stale_if_error_saves_inline_loads_too() {
    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", ttl = 10, jitter = 0, stale_if_error = "1h", inline, skip(source))]
    async fn saved(source: &Source) -> Result<u64, Failure> {
        source.ask()
    }

    isolated(async {
        assert_eq!(saved(&SOURCE).await, Ok(0));
        SOURCE.refuses.store(true, Relaxed);
        advance(seconds(30));
        assert_eq!(saved(&SOURCE).await, Ok(0));
        assert_eq!(saved::stats().loads(), 2);
    })
    .await;
}

#[tokio::test]
async fn refresh_ahead_renews_an_answer_before_its_end() {
    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", ttl = 100, jitter = 0, refresh_ahead = 0.5)]
    async fn ahead() -> Result<u64, Failure> {
        SOURCE.ask()
    }

    isolated(async {
        assert_eq!(ahead().await, Ok(0));
        advance(seconds(40));
        assert_eq!(ahead().await, Ok(0));
        settle().await;
        assert_eq!(ahead().await, Ok(0), "not yet half of its life");

        advance(seconds(20));
        assert_eq!(ahead().await, Ok(0));
        settle().await;
        assert_eq!(ahead().await, Ok(1));
    })
    .await;
}

#[tokio::test]
async fn refresh_ahead_by_chance_renews_an_answer_that_is_slow_to_compute_before_its_end() {
    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", ttl = 100, jitter = 0, refresh_ahead = "xfetch")]
    async fn ahead() -> Result<u64, Failure> {
        advance(seconds(5));
        SOURCE.ask()
    }

    isolated(async {
        assert_eq!(ahead().await, Ok(0));
        advance(seconds(99));
        // Each of them has a chance of four in five.
        for _ in 0..20 {
            ahead().await.unwrap();
        }
        settle().await;
        assert_eq!(SOURCE.calls.load(Relaxed), 2);
    })
    .await;
}

#[tokio::test]
async fn err_ttl_keeps_an_error_for_as_long_as_it_says() {
    static SOURCE: Source = Source::new();
    const PAUSE: Duration = seconds(2);
    #[cached(layers = "mem", err_ttl = PAUSE)]
    async fn refused() -> Result<u64, Failure> {
        SOURCE.ask()
    }

    isolated(async {
        SOURCE.refuses.store(true, Relaxed);
        assert_eq!(refused().await, Err(Failure::Refused));
        assert_eq!(refused().await, Err(Failure::Refused));
        assert_eq!(SOURCE.calls.load(Relaxed), 1);

        advance(seconds(3));
        assert_eq!(refused().await, Err(Failure::Refused));
        assert_eq!(SOURCE.calls.load(Relaxed), 2);
    })
    .await;
}

#[tokio::test]
async fn cache_if_keeps_only_what_it_accepts() {
    fn is_even(answer: &u64) -> bool {
        answer.is_multiple_of(2)
    }

    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", cache_if = is_even)]
    async fn even() -> Result<u64, Failure> {
        SOURCE.ask().map(|call| call + 1)
    }

    isolated(async {
        assert_eq!(even().await, Ok(1));
        assert_eq!(even().await, Ok(2));
        assert_eq!(even().await, Ok(2));
    })
    .await;
}

#[tokio::test]
async fn ttl_by_shortens_the_life_of_an_answer() {
    fn life(answer: &u64) -> Duration {
        seconds(10 + answer)
    }

    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", ttl = 100, jitter = 0, ttl_by = life)]
    async fn short_lived() -> Result<u64, Failure> {
        SOURCE.ask()
    }

    isolated(async {
        assert_eq!(short_lived().await, Ok(0));
        advance(seconds(9));
        assert_eq!(short_lived().await, Ok(0));
        advance(seconds(2));
        assert_eq!(short_lived().await, Ok(1));
    })
    .await;
}

#[tokio::test]
async fn deadline_ends_a_load_that_takes_too_long() {
    #[cached(layers = "mem", deadline = "10s")]
    async fn hung() -> Result<u64, Failure> {
        pending().await
    }

    isolated(async {
        let passing = async {
            settle().await;
            advance(seconds(11));
        };
        assert_eq!(timeout(PATIENCE, join(hung(), passing)).await.unwrap().0, Err(Failure::Late));
    })
    .await;
}

#[tokio::test]
async fn wait_lets_another_call_load_when_a_load_takes_too_long() {
    static SOURCE: Source = Source::new();
    #[cached(layers = "mem", wait = "5s")]
    async fn hung_once() -> Result<u64, Failure> {
        match SOURCE.ask()? {
            0 => pending().await,
            call => Ok(call),
        }
    }

    isolated(async {
        let passing = async {
            settle().await;
            assert_eq!(SOURCE.calls.load(Relaxed), 1);
            advance(seconds(6));
        };
        let second = async {
            yield_now().await;
            hung_once().await
        };
        let (first, second) = (hung_once(), timeout(PATIENCE, join(second, passing)));
        tokio::select! {
            answer = first => unreachable!("{answer:?}"),
            answers = second => assert_eq!(answers.unwrap().0, Ok(1)),
        }
    })
    .await;
}

#[tokio::test]
async fn max_loads_bounds_how_many_bodies_run_at_once() {
    static RUNNING: AtomicU64 = AtomicU64::new(0);
    static MOST: AtomicU64 = AtomicU64::new(0);
    #[cached(layers = "mem", max_loads = 2)]
    async fn counted(id: u64) -> u64 {
        MOST.fetch_max(RUNNING.fetch_add(1, Relaxed) + 1, Relaxed);
        settle().await;
        RUNNING.fetch_sub(1, Relaxed);
        id
    }

    isolated(async {
        let (one, two, three) = join3(counted(1), counted(2), join(counted(3), counted(4))).await;
        assert_eq!((one, two, three), (1, 2, (3, 4)));
        assert_eq!(MOST.load(Relaxed), 2);
    })
    .await;
}
