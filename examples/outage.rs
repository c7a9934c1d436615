//! A source of exchange rates slows down, fails and recovers, as seen by those who call a cached function.
//!
//! ```text
//! cargo run --example outage
//! ```
//!
//! Nothing needs to be installed. More than an hour passes in it, and it is over at once: it plays in a world of its
//! own, a `hybrid_cache::testing::World`, whose time it moves itself. That is also how to test such things.
//!
//! What to read: `rate`, and the chapters below it.

use std::{
    fmt,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use hybrid_cache::{DeadlineExceeded, Stats, cached, testing::World};
use tokio::task::{JoinSet, yield_now};

/// What a euro costs. Without the jitter that answers usually get, so that the story is always the same.
#[cached(layers = "mem", ttl = "60s", jitter = 0, stale = "30s", stale_if_error = "1h", deadline = "2s")]
async fn rate(currency: &str) -> Result<Rate, NoRate> {
    SOURCE.rate(currency).await
}

#[derive(Debug, Clone)]
struct Rate {
    dollars: f64,
    /// On the story's clock.
    computed_at: Duration,
}

/// `Clone`, so that all who wait for a load that fails are told by one load.
#[derive(Debug, Clone, thiserror::Error)]
enum NoRate {
    #[error("the source refused")]
    Refused,
    #[error(transparent)]
    Late(#[from] DeadlineExceeded),
}

const TTL: Duration = Duration::from_mins(1);
const STALE_IF_ERROR: Duration = Duration::from_hours(1);
const DEADLINE: Duration = Duration::from_secs(2);

async fn story(teller: &mut Teller) -> Result<(), Failure> {
    chapter("1. The source is well: it answers in 0.2 s");
    teller.call_at(0, Because::Computed).await?;
    teller.call_at(30, Because::Fresh).await?;
    teller.call_at(80, Because::Stale).await?;
    teller.call_at(85, Because::Fresh).await?;

    chapter("2. It slows down to 5 s, and the deadline is 2 s");
    SOURCE.becomes(Condition::Slow);
    teller.call_at(150, Because::Stale).await?;
    teller.call_at(155, Because::LeftAlone).await?;
    remark(
        "30 s after its life the answer is no longer stale, but a last resort. Three ask at once, for one load:",
    );
    teller.calls_at(175, 3, Because::LastResort).await?;
    teller.call_at(180, Because::LeftAlone).await?;

    chapter("3. It is down: it refuses after 0.1 s");
    SOURCE.becomes(Condition::Down);
    teller.call_at(600, Because::LastResort).await?;
    teller.call_at(603, Because::LeftAlone).await?;
    remark("An hour after its life the answer is too old even for that:");
    teller.call_at(3_900, Because::Refused).await?;

    chapter("4. It is well again");
    SOURCE.becomes(Condition::Well);
    teller.call_at(3_910, Because::Computed).await?;
    teller.call_at(3_915, Because::Fresh).await?;

    chapter("5. It is slow again, and the rate has changed. rate::expire: the old answer may still help out");
    SOURCE.becomes(Condition::Slow);
    rate::expire("EUR").await.strict()?;
    teller.call_at(3_920, Because::Stale).await?;
    remark("rate::invalidate: the old answer is not returned, whatever happens");
    rate::invalidate("EUR").await.strict()?;
    teller.call_at(3_930, Because::Late).await
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Why a call got what it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    Computed,
    Fresh,
    Stale,
    LeftAlone,
    LastResort,
    Refused,
    Late,
}

impl Because {
    /// As the statistics of the function and the answer's age tell.
    fn of(answer: &Result<Rate, NoRate>, asked_at: Duration, before: &Stats, after: &Stats) -> Self {
        match answer {
            Err(NoRate::Refused) => Self::Refused,
            Err(NoRate::Late(_)) => Self::Late,
            Ok(_) if after.refreshes() > before.refreshes() => Self::Stale,
            Ok(_) if after.load_errors() > before.load_errors() => Self::LastResort,
            Ok(_) if after.misses() > before.misses() => Self::Computed,
            Ok(rate) if asked_at.saturating_sub(rate.computed_at) < TTL => Self::Fresh,
            Ok(_) => Self::LeftAlone,
        }
    }

    /// How long it may take to be given this.
    const fn longest_wait(self) -> Duration {
        match self {
            Self::Fresh | Self::Stale | Self::LeftAlone => Duration::ZERO,
            Self::Computed | Self::LastResort | Self::Refused | Self::Late => DEADLINE,
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Computed => "there was nothing to give: the source was asked",
            Self::Fresh => "it is fresh",
            Self::Stale => "it is stale: given at once, and the source is asked meanwhile",
            Self::LeftAlone => "the source has just failed, and is left alone for 6 s",
            Self::LastResort => "the source failed: the old answer has to do",
            Self::Refused => "the source refused, and there is no answer that may be given",
            Self::Late => "the source missed the deadline, and there is no such answer",
        })
    }
}

/// Lets callers call, and tells what each of them got.
struct Teller {
    world: World,
    as_told: bool,
    errors: usize,
    longest_wait: Duration,
}

impl Teller {
    async fn call_at(&mut self, second: u64, expected: Because) -> Result<(), Failure> {
        self.calls_at(second, 1, expected).await
    }

    async fn calls_at(&mut self, second: u64, callers: usize, expected: Because) -> Result<(), Failure> {
        CLOCK.moves_to(&self.world, Duration::from_secs(second));
        let (asked_at, before, asked_before) = (CLOCK.now(), rate::stats(), SOURCE.asked());
        let mut calls = JoinSet::new();
        for _ in 0..callers {
            let world = self.world.clone();
            calls.spawn(async move {
                // A task that is spawned is outside of the world unless it enters it.
                let answer = world.enter(rate("EUR")).await;
                (answer, CLOCK.now().saturating_sub(asked_at))
            });
        }
        let mut answers = Vec::new();
        while let Some(answer) = calls.join_next().await {
            answers.push(answer?);
        }
        let after = rate::stats();
        settle().await; // what goes on behind the callers' backs
        let asked = SOURCE.asked() - asked_before;

        for (answer, waited_for) in &answers {
            let because = Because::of(answer, asked_at, &before, &after);
            let age = answer.as_ref().map(|rate| asked_at.saturating_sub(rate.computed_at)).ok();
            let as_told = because == expected
                && *waited_for <= because.longest_wait()
                && age.is_none_or(|age| age < TTL + STALE_IF_ERROR);
            let got =
                answer.as_ref().map_or_else(|_| "an error".into(), |rate| format!("${:.4}", rate.dollars));
            let age = age.map(|age| format!("{} s", age.as_secs())).unwrap_or_default();
            let waited = format!("{:.1} s", waited_for.as_secs_f64());
            let note = if as_told { "" } else { "   <- not as told" };
            println!(
                "   {:>7}   {got:<9}{age:>7}   {waited:>6}   {asked:>5}   {because}{note}",
                clock_face(asked_at)
            );
            self.as_told &= as_told;
            self.errors += usize::from(answer.is_err());
            self.longest_wait = self.longest_wait.max(*waited_for);
        }
        Ok(())
    }
}

/// Lets the other tasks get as far as they can.
async fn settle() {
    for _ in 0..200 {
        yield_now().await;
    }
}

fn chapter(text: &str) {
    println!("\n{text}\n");
    println!("   {:>7}   {:<9}{:>7}   {:>6}   {:>5}   because", "time", "got", "age", "waited", "asked");
}

fn remark(text: &str) {
    println!("\n   {text}\n");
}

fn clock_face(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The story's time.
static CLOCK: StoryClock = StoryClock { millis: AtomicU64::new(0) };

struct StoryClock {
    millis: AtomicU64,
}

impl StoryClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.millis.load(SeqCst))
    }

    fn moves_to(&self, world: &World, moment: Duration) {
        let passed = moment.saturating_sub(self.now());
        world.advance(passed);
        self.note(passed);
    }

    /// Takes as long as a remote call would.
    async fn passes(&self, time: Duration) {
        const STEP: Duration = Duration::from_millis(100);
        let end = self.now() + time;
        while self.now() < end {
            yield_now().await; // so that a deadline is noticed
            hybrid_cache::testing::advance(STEP);
            self.note(STEP);
        }
    }

    fn note(&self, passed: Duration) {
        self.millis.fetch_add(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX), SeqCst);
    }
}

/// Stands for a service somewhere else.
static SOURCE: Source = Source { condition: Mutex::new(Condition::Well), asked: AtomicU64::new(0) };

struct Source {
    condition: Mutex<Condition>,
    asked: AtomicU64,
}

#[derive(Clone, Copy)]
enum Condition {
    Well,
    Slow,
    Down,
}

impl Source {
    async fn rate(&self, _currency: &str) -> Result<Rate, NoRate> {
        let nth = self.asked.fetch_add(1, SeqCst);
        let condition = *self.condition.lock().unwrap_or_else(PoisonError::into_inner);
        CLOCK
            .passes(Duration::from_millis(match condition {
                Condition::Well => 200,
                Condition::Slow => 5_000,
                Condition::Down => 100,
            }))
            .await;
        match condition {
            Condition::Well | Condition::Slow => {
                let moved = f64::from(u32::try_from(nth).unwrap_or_default()) / 10_000.0;
                Ok(Rate { dollars: 1.08 + moved, computed_at: CLOCK.now() })
            }
            Condition::Down => Err(NoRate::Refused),
        }
    }

    fn becomes(&self, condition: Condition) {
        *self.condition.lock().unwrap_or_else(PoisonError::into_inner) = condition;
    }

    fn asked(&self) -> u64 {
        self.asked.load(SeqCst)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Failure> {
    println!("What does a euro cost? A source far away is asked, and its answers are kept:");
    println!(
        "ttl = 60 s, stale = 30 s, stale_if_error = 1 h, deadline = 2 s. After a failure the source is left"
    );
    println!("alone for a tenth of ttl, 6 s.");

    let world = World::new();
    let mut teller = Teller { world: world.clone(), as_told: true, errors: 0, longest_wait: Duration::ZERO };
    world.enter(story(&mut teller)).await?;

    println!("\nWhat it was worth\n");
    let stats = world.enter(async { rate::stats() }).await;
    println!(
        "   {} calls while the source failed {} times: {} of them got an error, and none waited longer than {:.1} s",
        stats.calls(),
        stats.load_errors(),
        teller.errors,
        teller.longest_wait.as_secs_f64(),
    );
    println!("   {} times the source was asked behind the callers' backs", stats.refreshes());
    println!("   rate::stats(): {stats}");
    println!("\nTry next");
    println!("   README.md, \"The life of an answer\"      the rules of this");
    println!("   examples/outage.rs                       this story's code");
    if !teller.as_told {
        eprintln!(
            "\nSome calls did not get what the story says. Do HYBRID_CACHE_ variables change what holds?"
        );
    }
    Ok(if teller.as_told { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
