//! How old an answer may be, told without layers, records and flights: by when it was computed, and what the options say.

use std::time::Duration;

use super::super::world::{ALL, BYTES, MEMORY};
use crate::{clock::Timestamp, definition::Definition, error::LayerKind, policy::PerLayer};

/// The options of a function that have to do with age. Zero: off.
#[derive(Debug, Clone)]
pub(super) struct Ages {
    pub(super) layers: &'static [LayerKind],
    pub(super) ttl: PerLayer<Duration>,
    pub(super) none_ttl: Duration,
    pub(super) err_ttl: Duration,
    pub(super) jitter: f64,
    pub(super) stale: Duration,
    pub(super) stale_if_error: Duration,
    /// The part of its life after which an answer is refreshed; one: off; more: by chance.
    pub(super) refresh_ahead: f64,
    pub(super) ttl_by: bool,
    pub(super) cache_if: bool,
}

impl Ages {
    pub(super) fn definition(&self) -> Definition {
        let definition = Definition::named("f")
            .layers(self.layers)
            .layer_ttl(LayerKind::Memory, self.ttl.memory)
            .layer_ttl(LayerKind::Redis, self.ttl.redis)
            .layer_ttl(LayerKind::Disk, self.ttl.disk)
            .none_ttl(self.none_ttl)
            .err_ttl(self.err_ttl)
            .jitter(self.jitter)
            .stale(self.stale)
            .stale_if_error(self.stale_if_error);
        match self.refresh_ahead {
            ahead if ahead < 1.0 => definition.refresh_ahead(ahead),
            ahead if ahead > 1.0 => definition.refresh_ahead_by_chance(),
            _ => definition,
        }
    }

    fn grace(&self) -> Duration {
        self.stale.max(self.stale_if_error)
    }

    fn pause(&self) -> Duration {
        (self.ttl.memory.min(self.ttl.redis).min(self.ttl.disk) / 10).min(Duration::from_secs(30))
    }
}

/// What a body returns: its number, and what it wants to be taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value(pub(super) u64);

impl Value {
    pub(super) const fn new(number: u64, character: Character) -> Self {
        let Character { none, refused, life } = character;
        Self(number << 16 | (none as u64) << 9 | (refused as u64) << 8 | life as u64)
    }

    const fn number(self) -> u64 {
        self.0 >> 16
    }

    pub(super) const fn is_none(self) -> bool {
        self.0 >> 9 & 1 == 1
    }

    pub(super) const fn is_refused(self) -> bool {
        self.0 >> 8 & 1 == 1
    }

    pub(super) const fn life(self) -> Duration {
        Duration::from_secs(self.0 & 0xff)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Character {
    pub(super) none: bool,
    /// By `cache_if`.
    pub(super) refused: bool,
    /// In seconds, by `ttl_by`.
    pub(super) life: u8,
}

/// A run of the body.
#[derive(Debug)]
struct Run {
    process: u32,
    /// How many times the answer had been expired when it began.
    generation: u32,
    /// The byte layers that could be asked when it began.
    reachable: Vec<LayerKind>,
    /// For how long after its life its process keeps an answer.
    grace: Duration,
    ended: Option<End>,
}

#[derive(Debug, Clone, Copy)]
struct End {
    at: Timestamp,
    failed: bool,
    /// Until when its answer can be fresh anywhere.
    fresh_until: Timestamp,
    /// Until when it can be anywhere.
    kept_until: Timestamp,
}

/// What is known of everything that happened.
#[derive(Debug)]
pub(super) struct Model {
    ages: Ages,
    runs: Vec<Run>,
    process: u32,
    generation: u32,
    /// Until when the source may be left alone because of a failure.
    rests_until: Option<Timestamp>,
}

/// The moment at which a call began, to tell what happened since.
#[derive(Debug, Clone)]
pub(super) struct Since {
    ended: Vec<bool>,
    at_rest: bool,
}

impl Model {
    pub(super) const fn of(ages: Ages) -> Self {
        Self { ages, runs: Vec::new(), process: 0, generation: 0, rests_until: None }
    }

    pub(super) fn ages(&self) -> &Ages {
        &self.ages
    }

    /// A body begins. Returns its number.
    pub(super) fn begins(&mut self, process: u32, reachable: Vec<LayerKind>) -> u64 {
        let (generation, grace) = (self.generation, self.ages.grace());
        self.runs.push(Run { process, generation, reachable, grace, ended: None });
        self.runs.len() as u64 - 1
    }

    /// Of one key, in one process, and since the answer was last expired, not two bodies run at the same time.
    pub(super) fn two_run_at_once(&self) -> bool {
        let running: Vec<_> = self.runs.iter().filter(|run| run.ended.is_none()).collect();
        running.iter().enumerate().any(|(n, one)| {
            running[..n]
                .iter()
                .any(|other| (other.process, other.generation) == (one.process, one.generation))
        })
    }

    pub(super) fn ends(
        &mut self,
        number: u64,
        value: Option<Value>,
        now: Timestamp,
        reachable: &[LayerKind],
    ) {
        let ages = &self.ages;
        let run = &mut self.runs[usize::try_from(number).unwrap()];
        let limit = value.map_or(Duration::ZERO, |value| longest_life(ages, value));
        let stored = |layer: &&LayerKind| {
            **layer == LayerKind::Memory || reachable.contains(layer) && run.reachable.contains(layer)
        };
        // A copy lives as long as one of those that the body's load made, at the most.
        let ttl =
            ages.layers.iter().filter(stored).map(|layer| ages.ttl.get(*layer)).max().unwrap_or_default();
        let fresh_until = now.plus(ttl.min(limit));
        let kept_until = if fresh_until == now { now } else { fresh_until.plus(run.grace) };
        run.ended = Some(End { at: now, failed: value.is_none(), fresh_until, kept_until });
        let refused = value.is_some_and(|value| ages.cache_if && value.is_refused());
        if (value.is_none() || refused) && run.process == self.process {
            self.rests_until = self.rests_until.max(Some(now.plus(ages.pause())));
        }
    }

    /// The answer was expired; if not in every layer, it may be fresh still.
    pub(super) fn expired(&mut self, now: Timestamp, everywhere: bool) {
        self.generation += 1;
        self.rests_until = None;
        if !everywhere {
            return;
        }
        let kept_until = now.plus(self.ages.grace());
        for end in self.runs.iter_mut().filter_map(|run| run.ended.as_mut()) {
            end.fresh_until = end.fresh_until.min(now);
            end.kept_until = end.kept_until.min(kept_until);
        }
    }

    /// A new process with other options, as after a deployment.
    pub(super) fn restarted(&mut self, stale: Duration, stale_if_error: Duration) -> u32 {
        self.ages = Ages { stale, stale_if_error, ..self.ages.clone() };
        self.process += 1;
        self.rests_until = None;
        self.process
    }

    pub(super) fn since(&self) -> Since {
        let ended = self.runs.iter().map(|run| run.ended.is_some()).collect();
        Since { ended, at_rest: !self.is_running() }
    }

    fn is_running(&self) -> bool {
        self.runs.iter().any(|run| run.ended.is_none() && run.process == self.process)
    }

    /// Whether a layer may have a newer answer, which spares a refresh its body.
    fn has_newer(&self, than: &End, now: Timestamp) -> bool {
        self.runs
            .iter()
            .filter_map(|run| run.ended.as_ref())
            .any(|end| end.at >= than.at && now < end.fresh_until)
    }

    /// What is wrong with an answer that a call returned at `now`, and did not before `since`.
    pub(super) fn wrong_with(
        &self,
        answer: Result<Value, u64>,
        now: Timestamp,
        since: &Since,
    ) -> Option<&'static str> {
        let number = usize::try_from(answer.map_or_else(|failure| failure, Value::number)).unwrap();
        let end = self.runs[number].ended.expect("who returns has ended");
        if since.ended.get(number) != Some(&true) {
            return None;
        }
        let Ok(value) = answer else {
            let over = now >= end.at.plus(self.ages.err_ttl);
            return over.then_some("an error was given out again after its time");
        };
        if self.ages.cache_if && value.is_refused() {
            return Some("what was refused was stored");
        }
        if now < end.fresh_until {
            return None;
        }
        let past = now.since(end.fresh_until);
        let rests = self.rests_until.is_some_and(|until| now < until);
        let begun = self.runs.len() > since.ended.len();
        let failed = self
            .runs
            .iter()
            .zip(since.ended.iter().chain(std::iter::repeat(&false)))
            .any(|(run, before)| !before && run.ended.is_some_and(|end| end.failed));
        match past {
            _ if now >= end.kept_until => Some("it was returned after its time"),
            _ if past < self.ages.stale => {
                let renewed =
                    rests || begun || !since.at_rest || self.is_running() || self.has_newer(&end, now);
                (!renewed).then_some("it was stale, and nobody refreshes it")
            }
            _ if past < self.ages.stale_if_error => {
                (!rests && !failed).then_some("it was a last resort, and no load failed")
            }
            _ => Some("it was returned after the time that the options of today allow"),
        }
    }
}

/// The longest life that this very answer may have.
fn longest_life(ages: &Ages, value: Value) -> Duration {
    let none = if value.is_none() { ages.none_ttl } else { Duration::MAX };
    none.min(if ages.ttl_by { value.life() } else { Duration::MAX })
}

/// The sets of layers that functions have.
pub(super) const SETS_OF_LAYERS: [&[LayerKind]; 5] =
    [MEMORY, BYTES, ALL, &[LayerKind::Memory, LayerKind::Redis], &[LayerKind::Memory, LayerKind::Disk]];
