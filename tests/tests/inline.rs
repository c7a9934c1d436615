//! `#[cached(inline)]` on functions that could not be cached without it: they compile without warnings, and the second
//! call is answered without the body.

#![warn(missing_docs, unreachable_pub, dead_code, clippy::pedantic)]

use std::{
    borrow::Cow,
    cell::Cell,
    collections::VecDeque,
    future::pending,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use futures_util::{FutureExt, future::join};
use hybrid_cache::{DeadlineExceeded, cached};
use tokio::task::{LocalSet, spawn_local, yield_now};

/// A connection: cannot be cloned, lives in its caller.
struct Connection<'a> {
    questions: &'a AtomicU64,
}

impl Connection<'_> {
    async fn ask(&self, id: u64) -> u64 {
        yield_now().await;
        self.questions.fetch_add(1, Relaxed);
        id * 10
    }
}

#[cached(layers = "mem", inline, skip(connection))]
async fn asked(connection: &Connection<'_>, id: u64) -> u64 {
    connection.ask(id).await
}

#[tokio::test]
async fn an_argument_that_can_neither_be_cloned_nor_owned_is_lent_as_it_is() {
    let questions = AtomicU64::new(0);
    let connection = Connection { questions: &questions };

    for _ in 0..2 {
        assert_eq!(asked(&connection, 1).await, 10);
    }

    assert_eq!(questions.load(Relaxed), 1);
    assert_eq!(asked::peek(1).await, Some(10));
    assert_eq!(asked::refresh(&connection, 1).await, 10);
    assert_eq!(asked::uncached(&connection, 1).await, 10);
    assert_eq!(questions.load(Relaxed), 3);
}

#[tokio::test]
async fn calls_of_one_key_at_the_same_time_run_one_body() {
    let questions = AtomicU64::new(0);
    let (one, other) = (Connection { questions: &questions }, Connection { questions: &questions });

    assert_eq!(join(asked(&one, 2), asked(&other, 2)).await, (20, 20));

    assert_eq!(questions.load(Relaxed), 1);
}

#[tokio::test]
async fn when_its_caller_goes_away_one_of_those_who_wait_loads() {
    const CALLERS: u64 = 300;

    #[cached(layers = "mem", inline, skip(starts, last))]
    async fn handed_on(starts: &AtomicU64, last: &u64) -> u64 {
        if starts.fetch_add(1, Relaxed) + 1 < *last {
            pending::<()>().await;
        }
        *last
    }

    let (starts, last) = (AtomicU64::new(0), CALLERS);
    let mut callers: VecDeque<_> = (0..CALLERS).map(|_| Box::pin(handed_on(&starts, &last))).collect();
    for caller in &mut callers {
        assert!(caller.now_or_never().is_none());
    }
    assert_eq!(starts.load(Relaxed), 1);

    for started in 2..CALLERS {
        callers.pop_front();
        // A task that never yields is not given everything that is ready.
        yield_now().await;
        assert!(callers[0].as_mut().now_or_never().is_none());
        assert_eq!(starts.load(Relaxed), started);
    }
    callers.pop_front();
    assert_eq!(callers.pop_front().unwrap().await, CALLERS);
    assert_eq!(starts.load(Relaxed), CALLERS);
}

#[tokio::test]
async fn arguments_with_borrows_inside_and_lifetimes_of_the_function_are_taken_by_value() {
    struct Taken<'a>(&'a str);

    #[cached(layers = "mem", inline, key = "{tags}:{at}:{taken.0}:{one}:{other}")]
    async fn joined<'a, 'b: 'a>(
        tags: &[&str],
        at: Cow<'_, str>,
        taken: Taken<'a>,
        one: &'a str,
        other: &'b str,
    ) -> String {
        let either: &'a str = if one.is_empty() { other } else { one };
        yield_now().await;
        format!("{tags:?} {at} {} {either}", taken.0)
    }

    let text = "borrowed".to_owned();
    let first = joined(&["a", "b"], Cow::Borrowed(&text), Taken(&text), "", &text).await;

    assert_eq!(first, "[\"a\", \"b\"] borrowed borrowed borrowed");
    assert_eq!(joined(&["a", "b"], "borrowed".into(), Taken("borrowed"), "", "borrowed").await, first);
    assert_eq!(joined::stats().loads(), 1);
    let again = joined::refresh(&["a", "b"], Cow::Borrowed(&text), Taken(&text), "", &text).await;
    assert_eq!(again, first);
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_runs_in_a_local_set() {
    #[cached(layers = "mem", inline, skip(calls))]
    async fn counted(calls: Rc<Cell<u64>>, id: u64) -> u64 {
        let shared = Rc::new(id);
        yield_now().await;
        calls.set(calls.get() + 1);
        *shared
    }

    let calls = Rc::new(Cell::new(0));
    let local = LocalSet::new();
    let answers = local.run_until(async {
        let tasks: Vec<_> = (0..8).map(|_| spawn_local(counted(Rc::clone(&calls), 3))).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    });

    assert_eq!(answers.await, [3; 8]);
    assert_eq!(calls.get(), 1);
}

#[tokio::test]
async fn a_call_whose_body_and_arguments_can_be_sent_can_be_sent() {
    static QUESTIONS: AtomicU64 = AtomicU64::new(0);

    let call = tokio::spawn(async { asked(&Connection { questions: &QUESTIONS }, 4).await });
    assert_eq!(call.await.unwrap(), 40);

    let refresh = tokio::spawn(async { asked::refresh(&Connection { questions: &QUESTIONS }, 4).await });
    assert_eq!(refresh.await.unwrap(), 40);
}

#[tokio::test]
async fn a_body_may_call_its_own_function() {
    #[cached(layers = "mem", inline)]
    async fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1).await + fibonacci(n - 2).await }
    }

    assert_eq!(tokio::spawn(fibonacci(20)).await.unwrap(), 6_765);
    assert_eq!(fibonacci::stats().loads(), 21);
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    Late,
    Refused,
}

impl From<DeadlineExceeded> for Failure {
    fn from(_: DeadlineExceeded) -> Self {
        Self::Late
    }
}

#[tokio::test]
async fn other_options_go_together_with_it() {
    const PAUSE: Duration = Duration::from_secs(2);

    #[cached(
        layers = "mem",
        inline,
        skip(calls),
        stale_if_error = "1h",
        err_ttl = PAUSE,
        wait = "5s",
        deadline = 10,
        max_loads = 4
    )]
    async fn refused(calls: &Cell<u64>, id: u64) -> Result<u64, Failure> {
        calls.set(calls.get() + 1);
        if id == 0 { Err(Failure::Refused) } else { Ok(id) }
    }

    let calls = Cell::new(0);
    assert_eq!(refused(&calls, 1).await, Ok(1));
    assert_eq!(refused(&calls, 0).await, Err(Failure::Refused));
    assert_eq!(calls.get(), 2);
}

#[tokio::test]
async fn a_companion_of_another_name_runs_the_body_too() {
    #[cached(layers = "mem", inline, companion = Lengths)]
    async fn length(words: &[&str]) -> usize {
        words.len()
    }

    assert_eq!(length(&["a"]).await, 1);
    assert_eq!(Lengths::refresh(&["a"]).await, 1);
    assert!(Lengths::expire(&["a"]).await.strict().is_ok());
    assert!(Lengths::invalidate(&["a"]).await.strict().is_ok());
    assert_eq!(Lengths::peek(&["a"]).await, None);
}
