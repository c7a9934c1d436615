//! An expensive function, answered from memory, after a restart from disk, and on another machine from Redis.
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! Nothing needs to be installed. With a Redis server at hand, the story has one more chapter:
//!
//! ```text
//! HYBRID_CACHE_REDIS_URL=redis://localhost cargo run --example quickstart
//! ```
//!
//! What to read: `shortest_tour` and the chapters below it. Each chapter runs in a process of its own, which this program
//! starts from itself, because the layers below memory are about processes that end and processes that share.

use std::{
    env, io,
    process::ExitCode,
    time::{Duration, Instant},
};

use hybrid_cache::{Stats, cached};
use hybrid_cache_examples::{
    atlas,
    ledger::{Call, Ledger, Source, Summary},
    stage::{self, REDIS_URL, Stage},
    tour::{Tour, TourError, shortest_round_trip},
    units,
};

/// The shortest round trip through the largest cities of a country: half a second of work in a debug build.
#[cached(layers = "mem,redis,disk", ttl = 3600)]
async fn shortest_tour(country: &str, stops: usize) -> Result<Tour, TourError> {
    let country = country.to_owned();
    tokio::task::spawn_blocking(move || shortest_round_trip(&country, stops)).await?
}

type Question = (&'static str, usize);
type Failure = Box<dyn std::error::Error + Send + Sync>;

const ITALY: Question = ("Italy", 17);
const JAPAN: Question = ("Japan", 17);
const BRAZIL: Question = ("Brazil", 16);
const NIGERIA: Question = ("Nigeria", 16);
const QUESTIONS: [Question; 4] = [ITALY, JAPAN, BRAZIL, NIGERIA];

async fn first_run(teller: &mut Teller) -> Result<(), Failure> {
    heading("1. Asked for the first time: the function has to work");
    for question in QUESTIONS {
        teller.ask(question, Source::Function).await?;
    }

    heading("2. Asked again: the answers are in memory");
    for question in QUESTIONS {
        teller.ask(question, Source::Memory).await?;
    }

    remark("What stands there, and under which key:");
    if let Some(tour) = shortest_tour::peek("Italy", 17).await {
        println!("{}", route(&tour));
    }
    println!("   key: {}", shortest_tour::key("Italy", 17));
    Ok(())
}

async fn restart(teller: &mut Teller) -> Result<(), Failure> {
    heading("3. The program was restarted: memory is empty, the answers are on disk");
    for question in QUESTIONS {
        teller.ask(question, Source::Disk).await?;
    }

    heading("4. Italy and Japan are invalidated: memory and disk forget them");
    shortest_tour::invalidate("Italy", 17).await.strict()?;
    shortest_tour::invalidate("Japan", 17).await.strict()?;
    teller.ask(ITALY, Source::Function).await?;
    teller.ask(BRAZIL, Source::Memory).await
}

async fn second_restart(teller: &mut Teller) -> Result<(), Failure> {
    remark("After another restart: Japan is still forgotten, the new answer for Italy is on disk");
    teller.ask(JAPAN, Source::Function).await?;
    teller.ask(ITALY, Source::Disk).await?;

    remark("Refreshed: computed anew, whatever is cached");
    shortest_tour::refresh("Brazil", 16).await?;
    teller.ask(BRAZIL, Source::Memory).await?;
    println!("   this process: {}", shortest_tour::stats());
    Ok(())
}

async fn first_machine(teller: &mut Teller) -> Result<(), Failure> {
    heading("5. Machines, each with a disk of its own, share a Redis: the first one asks");
    shortest_tour::invalidate("Italy", 17).await; // an earlier run of this program may have left it
    teller.ask(ITALY, Source::Function).await
}

async fn second_machine(teller: &mut Teller) -> Result<(), Failure> {
    remark("The second machine has never computed it, and need not");
    teller.ask(ITALY, Source::Redis).await?;
    teller.ask(ITALY, Source::Memory).await?;
    shortest_tour::invalidate("Italy", 17).await.strict()?;
    Ok(())
}

async fn first_machine_again(teller: &mut Teller) -> Result<(), Failure> {
    remark("The second machine has invalidated it: the first one, restarted, does not trust its disk");
    teller.ask(ITALY, Source::Function).await
}

/// Asks questions, prints what they cost, and notes it for the summary.
struct Teller {
    ledger: Ledger,
    as_told: bool,
}

impl Teller {
    async fn ask(&mut self, question: Question, expected: Source) -> Result<(), Failure> {
        let (country, stops) = question;
        let before = shortest_tour::stats();
        let start = Instant::now();
        let tour = shortest_tour(country, stops).await?;
        let took = start.elapsed();
        let source = who_answered(&before, &shortest_tour::stats());

        let question = format!("{country}, {stops} cities");
        let length = format!("{} km", units::grouped(u128::from(tour.metres / 1000)));
        let took_text = units::duration(took);
        let note = if source == expected { "" } else { "   <- not as told" };
        let row = format!("   {question:<22}{length:>12}      {source:<14}{took_text}{note}");
        println!("{}", row.trim_end());
        self.as_told &= source == expected;
        self.ledger.note(&Call { question, source, took })?;
        Ok(())
    }
}

/// Which counter moved between two looks at the statistics.
fn who_answered(before: &Stats, after: &Stats) -> Source {
    if after.memory_hits() > before.memory_hits() {
        Source::Memory
    } else if after.redis_hits() > before.redis_hits() {
        Source::Redis
    } else if after.disk_hits() > before.disk_hits() {
        Source::Disk
    } else {
        Source::Function
    }
}

fn heading(text: &str) {
    println!("\n{text}\n");
    println!("   {:<22}{:>12}      {:<14}{:>8}", "question", "round trip", "answered by", "took");
}

fn remark(text: &str) {
    println!("\n   {text}");
}

/// The stops of a tour, in lines that fit a terminal.
fn route(tour: &Tour) -> String {
    let mut lines = vec![String::from("  ")];
    for stop in tour.stops.iter().chain(tour.stops.first()) {
        if lines.last().is_some_and(|line| line.chars().count() + stop.chars().count() > 88) {
            lines.push(String::from("    "));
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(stop);
            line.push_str(" >");
        }
    }
    lines.join("\n").trim_end_matches(" >").to_owned()
}

/// A process that was started for one chapter. Whether all went as told is its exit code.
#[tokio::main(flavor = "current_thread")]
async fn tell(chapter: &str, ledger: Ledger) -> Result<ExitCode, Failure> {
    let mut teller = Teller { ledger, as_told: true };
    match chapter {
        "first run" => first_run(&mut teller).await?,
        "restart" => restart(&mut teller).await?,
        "second restart" => second_restart(&mut teller).await?,
        "first machine" => first_machine(&mut teller).await?,
        "second machine" => second_machine(&mut teller).await?,
        "first machine again" => first_machine_again(&mut teller).await?,
        unknown => return Err(format!("there is no chapter {unknown:?}").into()),
    }
    // What was answered from memory may still be on its way to the disk.
    hybrid_cache::shutdown(Duration::from_secs(5)).await;
    Ok(if teller.as_told { ExitCode::SUCCESS } else { ExitCode::from(NOT_AS_TOLD) })
}

const NOT_AS_TOLD: u8 = 3;

/// The process that a person started: it calls nothing itself, but plays the chapters one after the other.
fn tell_all(stage: &Stage) -> Result<ExitCode, Failure> {
    stage.clear()?;
    println!("Which round trip through a country's largest cities is the shortest? The exact answer takes");
    println!("half a second to find, for any of {} countries: worth keeping.", atlas::countries().count());

    let mut as_told = true;
    let mut play = |chapter, disk, redis| match stage.play(chapter, disk, redis)?.code() {
        Some(0) => Ok(()),
        Some(code) if code == i32::from(NOT_AS_TOLD) => {
            as_told = false;
            Ok(())
        }
        _ => Err(Failure::from(format!("the chapter {chapter:?} broke off"))),
    };
    play("first run", "disk", None)?;
    play("restart", "disk", None)?;
    play("second restart", "disk", None)?;
    let redis = env::var_os(REDIS_URL).filter(|address| !address.is_empty());
    if let Some(address) = redis.as_deref() {
        play("first machine", "first machine", Some(address))?;
        play("second machine", "second machine", Some(address))?;
        play("first machine again", "first machine", Some(address))?;
    }

    println!("\nWhat it was worth\n\n{}", Summary::of(&Ledger::read(&stage.ledger())?));
    println!("\nTry next");
    if redis.is_none() {
        println!("   {REDIS_URL}=redis://localhost cargo run --example quickstart");
    }
    println!(
        "   cargo run --example outage                          a source in trouble, and what its callers see"
    );
    println!("   cargo run --example web_service --features web      a service over a database");
    println!("   examples/quickstart.rs                              this story's code");
    println!("\nCities: geonames.org, CC BY 4.0 (examples/data/README.md)");
    if !as_told {
        eprintln!("\nSome answers did not come from where the story says. Can the program write to");
        eprintln!("{}, and is Redis, if used, reachable?", stage.folder().display());
    }
    Ok(if as_told { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> ExitCode {
    // A cache never fails a call; what it has to complain about, it logs.
    tracing_subscriber::fmt().with_writer(io::stderr).without_time().with_target(false).init();
    match run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    let stage = Stage::of_this_program()?;
    match stage::chapter() {
        None => tell_all(&stage),
        Some(chapter) => tell(&chapter, Ledger::open(&stage.ledger())?),
    }
}
