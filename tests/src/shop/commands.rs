//! What the shop can be told to do.

use std::{collections::BTreeSet, fmt::Display, time::Duration};

use hybrid_cache::{Forgotten, Invalidated, LayerKind, Stats};
use tokio::task::JoinSet;

use crate::{
    builds::{extended, first, reordered, retyped, second_version},
    catalog::{Quote, brief, document, drawing, found, letter, plain, quote, twin},
    source,
    traffic::Traffic,
};

/// The commands, and what earlier ones left running.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    calls: JoinSet<String>,
    traffic: Traffic,
}

/// Declares what can be done with each function: `call quote 7`, `peek quote 7`, …
macro_rules! functions {
    ($($name:literal => $($path:ident)::+),* $(,)?) => {
        async fn with_function(verb: &str, function: &str, id: u64) -> String {
            match (verb, function) {
                $(
                    ("call", $name) => show($($path)::+(id).await),
                    ("peek", $name) => show($($path)::+::peek(id).await),
                    ("refresh", $name) => show($($path)::+::refresh(id).await),
                    ("uncached", $name) => show($($path)::+::uncached(id).await),
                    ("invalidate", $name) => forgotten(&$($path)::+::invalidate(id).await),
                    ("invalidate_all", $name) => forgotten(&$($path)::+::invalidate_all().await),
                    ("key", $name) => $($path)::+::key(id).to_string(),
                    ("stats", $name) => stats(&$($path)::+::stats()),
                )*
                _ => format!("unknown: {verb} {function}"),
            }
        }
    };
}

functions! {
    "quote" => quote,
    "brief" => brief,
    "plain" => plain,
    "twin" => twin,
    "drawing" => drawing,
    "letter" => letter,
    "document" => document,
    "found" => found,
    "first_reading" => first::reading,
    "reordered_reading" => reordered::reading,
    "retyped_reading" => retyped::reading,
    "extended_reading" => extended::reading,
    "second_reading" => second_version::reading,
}

impl Commands {
    /// Does what `line` says and tells what came of it.
    pub(crate) async fn obey(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        if self.act(verb, &words).await {
            return "done".to_owned();
        }
        match (verb, words.as_slice()) {
            ("bodies", _) => source::bodies().to_string(),
            ("report", _) => hybrid_cache::report().to_string(),
            ("debug", _) => debug(),
            ("install", _) => show(hybrid_cache::builder().install().map(|()| "installed")),
            ("total", _) => stats(&hybrid_cache::stats()),
            ("shutdown" | "quit", _) => {
                let shutdown = hybrid_cache::shutdown(Duration::from_secs(10)).await;
                format!("dropped={} open={:?}", shutdown.copies_dropped(), shutdown.layers_not_closed())
            }
            ("answers", _) => self.answers().await,
            ("made", _) => self.traffic.made().to_string(),
            ("traffic_report", _) => self.traffic.end().await.to_string(),
            (verb, [function, ..]) => with_function(verb, function, number(&words, 1)).await,
            _ => format!("unknown: {line}"),
        }
    }

    /// Commands that are done when they are done. `false`: it is none of them.
    async fn act(&mut self, verb: &str, words: &[&str]) -> bool {
        let number = |place| number(words, place);
        match (verb, words) {
            ("price", _) => source::set_price(number(0)),
            ("gate", [state]) => source::set_gate(*state == "open"),
            ("advance", _) => hybrid_cache::testing::advance(Duration::from_secs(number(0))),
            ("flush", _) => hybrid_cache::flush().await,
            ("put", ["brief", ..]) => brief::put(number(1), Quote::new(number(1), number(2))).await,
            ("put", _) => quote::put(number(1), Quote::new(number(1), number(2))).await,
            ("abandon", _) => self.calls.abort_all(),
            ("many", [_, function, _]) => self.begin(number(0), function, number(2)),
            ("traffic", _) => self.traffic.start(number(0), number(1), number(2)),
            _ => return false,
        }
        true
    }

    /// Starts the same call in `tasks` tasks.
    fn begin(&mut self, tasks: u64, function: &str, id: u64) {
        for _ in 0..tasks {
            let function = function.to_owned();
            self.calls.spawn(async move { with_function("call", &function, id).await });
        }
    }

    /// Waits for what [`begin`](Self::begin) started; the number of answers, and the different ones.
    async fn answers(&mut self) -> String {
        let (mut number, mut different) = (0, BTreeSet::new());
        while let Some(answer) = self.calls.join_next().await {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) if error.is_cancelled() => continue,
                Err(_) => "panic".to_owned(),
            };
            number += 1;
            different.insert(answer);
        }
        format!("{number} x {}", different.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// What a curious author prints.
fn debug() -> String {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let builder = hybrid_cache::builder()
        .redis(variable("HYBRID_CACHE_REDIS_URL"))
        .redis_password(variable("HYBRID_CACHE_REDIS_PASSWORD"));
    format!("{builder:?} {builder:#?} {:?}", hybrid_cache::report())
}

fn number(words: &[&str], place: usize) -> u64 {
    words.get(place).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// An answer of any shape as text.
trait Shown {
    fn shown(self) -> String;
}

fn show(answer: impl Shown) -> String {
    answer.shown()
}

impl<T: Shown, E: Display> Shown for Result<T, E> {
    fn shown(self) -> String {
        self.map_or_else(|error| format!("error: {error}"), Shown::shown)
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(self) -> String {
        self.map_or_else(|| "none".to_owned(), Shown::shown)
    }
}

macro_rules! shown {
    ($($type:ty: |$value:ident| $text:expr),* $(,)?) => {
        $(impl Shown for $type {
            fn shown(self) -> String {
                let $value = self;
                $text
            }
        })*
    };
}

shown! {
    u64: |number| number.to_string(),
    &str: |text| text.to_owned(),
    // Not the text itself: it may be megabytes.
    String: |text| format!("{} bytes", text.len()),
    serde_json::Value: |value| value.to_string(),
    Quote: |quote| quote.to_string(),
    crate::catalog::Drawing: |drawing| drawing.to_string(),
    first::Reading: |reading| format!("{reading:?}"),
    reordered::Reading: |reading| format!("{reading:?}"),
    retyped::Reading: |reading| format!("{reading:?}"),
    extended::Reading: |reading| format!("{reading:?}"),
}

fn forgotten(invalidated: &Invalidated) -> String {
    let layer = |layer| match invalidated.in_layer(layer) {
        Forgotten::Done => "done".to_owned(),
        Forgotten::Queued => "queued".to_owned(),
        Forgotten::NotInUse => "not-in-use".to_owned(),
        Forgotten::Failed(error) => format!("failed({error}; {error:?})"),
        _ => "other".to_owned(),
    };
    let (memory, redis, disk) = (layer(LayerKind::Memory), layer(LayerKind::Redis), layer(LayerKind::Disk));
    format!("memory={memory} redis={redis} disk={disk}")
}

fn stats(stats: &Stats) -> String {
    format!(
        "loads={} errors={} memory={} redis={} disk={} misses={} coalesced={} refused={} redis_failures={} \
         disk_failures={} dropped={}",
        stats.loads(),
        stats.load_errors(),
        stats.memory_hits(),
        stats.redis_hits(),
        stats.disk_hits(),
        stats.misses(),
        stats.coalesced(),
        stats.refused_records(),
        stats.redis_failures(),
        stats.disk_failures(),
        stats.dropped_copies(),
    )
}
