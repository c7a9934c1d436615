//! Keeps the store within its bound: notices that it is too large, finds out why, has it rewritten.
//!
//! The bound is on what the files take on the disk, at every moment. A rewrite needs room for the old store and
//! the new one, so it begins at a little over half of the bound and keeps what fits into three tenths: expired rows
//! go first, then the oldest. A store that is mostly waste (overwritten, removed, expired rows) is rewritten, too.

use std::time::{Duration, Instant};

use super::{
    engine::{Change, Dirt, Fault},
    exchange::random,
    ledger::Entry,
    rewrite::{PRESSURES, Rewrite, Step},
    slot::{self, Slot},
    store::{Store, Volume},
    survey::{Findings, Survey},
};
use crate::clock::Timestamp;

/// Engines take a few MB for an empty store; a smaller bound could not be kept.
pub(super) const SMALLEST_BOUND: u64 = 16 << 20;
/// More than any disk has; parts of it are multiplied below.
const LARGEST_BOUND: u64 = 1 << 60;
const LARGEST_RECORD: u64 = 8 << 20;
const LARGEST_BATCH: u64 = 4 << 20;
const LARGEST_SYNC: u64 = 16 << 20;
const LARGEST_CACHE: u64 = 64 << 20;
/// Waste below this is not worth a rewrite.
const WASTE_FLOOR: u64 = 64 << 20;
const MEASURE_EVERY: Duration = Duration::from_secs(2);
const SURVEY_EVERY: Duration = Duration::from_mins(10);
/// Scanned at a time: short enough for a removal to wait for.
const LARGEST_PIECE: u64 = 4 << 20;
/// So much more is scanned than written meanwhile: the store grows while it is being rewritten.
const PACE: usize = 8;

/// The numbers that follow from `max_bytes`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) bound: u64,
    /// The largest record taken.
    pub(super) record: usize,
    /// Memory that an engine may use.
    pub(super) cache: usize,
    /// From this size on the store is rewritten.
    full: u64,
    /// The size wanted after a rewrite.
    keep: u64,
    waste_floor: u64,
    /// Bytes of dirty pages after which they are brought to the disk: engines reuse no space before.
    pub(super) sync_after: u64,
    /// Bytes of puts in one transaction.
    pub(super) batch: usize,
    /// The same while a rewrite has to keep up.
    pub(super) small_batch: usize,
    piece: usize,
}

impl Limits {
    pub(super) fn new(max_bytes: u64) -> Self {
        let bound = max_bytes.clamp(SMALLEST_BOUND, LARGEST_BOUND);
        let at_most = |bytes: u64| usize::try_from(bytes.min(bound / 64)).unwrap_or(usize::MAX);
        Self {
            bound,
            record: usize::try_from(LARGEST_RECORD.min(bound / 16)).unwrap_or(usize::MAX),
            cache: usize::try_from(LARGEST_CACHE.min(bound / 8)).unwrap_or(usize::MAX),
            full: bound / 20 * 11,
            keep: bound / 10 * 3,
            sync_after: LARGEST_SYNC.min(bound / 64),
            batch: at_most(LARGEST_BATCH),
            small_batch: at_most(LARGEST_PIECE) / PACE,
            piece: at_most(LARGEST_PIECE),
            waste_floor: WASTE_FLOOR.min(bound / 4),
        }
    }
}

enum Work {
    Survey(Survey),
    Rewrite(Rewrite),
}

pub(super) struct Tidy {
    limits: Limits,
    work: Option<Work>,
    physical: u64,
    measured_at: Instant,
    written: u64,
    /// The size after the last survey or rewrite; growth is what makes another one worth while.
    settled: u64,
    /// The size after the last rewrite, or after one that could not be made.
    rewritten: u64,
    next_survey: Timestamp,
    /// How many tenths of the rows' own size the files of a fresh store take. Learned from the last one.
    overhead: u64,
    /// Replaced stores whose last reader may not be done.
    retired: Vec<Volume>,
}

/// What a step of tidying did.
pub(super) enum Outcome {
    Idle,
    Busy,
    /// The store is another one now; this is the one before, which may still be read from.
    Switched(Volume),
}

impl Tidy {
    pub(super) fn new(limits: Limits, now: Timestamp) -> Self {
        Self {
            limits,
            work: None,
            physical: 0,
            measured_at: Instant::now(),
            written: limits.bound,
            settled: 0,
            rewritten: 0,
            next_survey: now.plus(SURVEY_EVERY),
            overhead: 20,
            retired: Vec::new(),
        }
    }

    /// Some changes were made in the current store.
    pub(super) fn wrote(&mut self, changes: &[Change], dirt: Dirt) {
        self.written += dirt.pages;
        if let Some(Work::Rewrite(rewrite)) = &mut self.work
            && let Err(fault) = rewrite.mirror(changes)
        {
            self.give_up(&fault);
        }
    }

    /// Does a little.
    pub(super) fn step(&mut self, store: &mut Store, slot: &Slot, now: Timestamp) -> Result<Outcome, Fault> {
        self.bury_retired();
        self.measure(store, slot)?;
        if matches!(self.work, Some(Work::Rewrite(_))) {
            self.written = self.limits.bound; // what is copied takes space, too
        }
        let piece = self.limits.piece;
        match self.work.take() {
            None if self.should_survey(now) => self.work = Some(Work::Survey(Survey::default())),
            None => return Ok(Outcome::Idle),
            Some(Work::Survey(mut survey)) => match survey.step(&*store.volume.engine, piece, now)? {
                None => self.work = Some(Work::Survey(survey)),
                Some(findings) => self.decide(findings, store, slot, now),
            },
            Some(Work::Rewrite(mut rewrite)) => {
                match rewrite.step(&store.volume, piece, self.pressure(), now) {
                    Ok(Step::More) if self.physical < self.limits.bound / 100 * 96 => {
                        self.work = Some(Work::Rewrite(rewrite));
                    }
                    // Also when there is no room for more: better some rows less than too large.
                    Ok(_) => return self.switch(rewrite, store, now),
                    Err(Fault::Refused(cause)) => {
                        rewrite.finish().delete();
                        self.give_up(&Fault::Refused(cause));
                    }
                    Err(damaged) => {
                        rewrite.finish().delete();
                        return Err(damaged);
                    }
                }
            }
        }
        Ok(Outcome::Busy)
    }

    fn should_survey(&self, now: Timestamp) -> bool {
        let grown = self.physical >= self.settled / 2 * 3;
        let full = self.physical >= self.limits.full.max(self.rewritten + self.limits.bound / 10);
        full || (self.physical >= self.limits.waste_floor && (grown || now >= self.next_survey))
    }

    /// How much has to be left out for a rewrite to end within the bound.
    fn pressure(&self) -> usize {
        match self.physical * 100 / self.limits.bound {
            ..80 => 0,
            80..85 => 1,
            85..90 => 2,
            90.. => PRESSURES - 1,
        }
    }

    fn decide(&mut self, mut findings: Findings, store: &Store, slot: &Slot, now: Timestamp) {
        let waste = self.physical / 5 * 2 > findings.live;
        if self.physical < self.limits.full && !waste {
            self.settled = self.physical;
            self.next_survey = findings.shrunk_to(self.physical / 5 * 2).max(now.plus(SURVEY_EVERY));
            return;
        }
        let keep = self.limits.keep * 10 / self.overhead;
        let keep_from = [keep, keep / 2, keep / 4, keep / 8].map(|keep| findings.youngest(keep));
        let entry = Entry {
            generation: store.volume.entry.generation + 1,
            identity: random(),
            ready: false,
            ..store.volume.entry
        };
        match Volume::create(slot, entry, self.limits.cache, store.volume.place) {
            Ok(fresh) => {
                self.work = Some(Work::Rewrite(Rewrite::into(fresh, keep_from, self.limits.sync_after)));
            }
            Err(fault) => self.give_up(&fault),
        }
    }

    fn switch(&mut self, rewrite: Rewrite, store: &mut Store, now: Timestamp) -> Result<Outcome, Fault> {
        let copied = rewrite.copied();
        let replaced = store.switch_to(rewrite.finish())?;
        self.settled = slot::measure(&store.volume.dir)?;
        self.rewritten = self.settled;
        if copied > self.limits.keep / 10 {
            self.overhead = (self.settled * 10 / copied).clamp(12, 40);
        }
        self.written = self.limits.bound; // so that the next step measures
        self.next_survey = now.plus(SURVEY_EVERY);
        Ok(Outcome::Switched(replaced))
    }

    /// Deletes the store that was replaced as soon as nobody reads it.
    pub(super) fn retire(&mut self, replaced: Volume) {
        self.retired.push(replaced);
        self.bury_retired();
    }

    /// Lets go of all files.
    pub(super) fn close(self) {
        let unfinished = self.work.and_then(|work| match work {
            Work::Rewrite(rewrite) => Some(rewrite.finish()),
            Work::Survey(_) => None,
        });
        self.retired.into_iter().chain(unfinished).for_each(Volume::delete);
    }

    /// A rewrite that cannot be finished is tried again later; the current store is as good as before.
    fn give_up(&mut self, fault: &Fault) {
        tracing::debug!(cause = %fault.cause(), "the disk cache could not be rewritten and is left as it is for now");
        if let Some(Work::Rewrite(rewrite)) = self.work.take() {
            rewrite.finish().delete();
        }
        self.settled = self.physical;
        self.rewritten = self.physical;
    }

    fn bury_retired(&mut self) {
        // Readers hold an engine for the length of one read.
        let (gone, in_use): (Vec<_>, _) = std::mem::take(&mut self.retired)
            .into_iter()
            .partition(|volume| std::sync::Arc::strong_count(&volume.engine) == 1);
        self.retired = in_use;
        gone.into_iter().for_each(Volume::delete);
    }

    fn measure(&mut self, store: &Store, slot: &Slot) -> Result<(), Fault> {
        if self.written < self.limits.bound / 64 && self.measured_at.elapsed() < MEASURE_EVERY {
            return Ok(());
        }
        self.written = 0;
        self.measured_at = Instant::now();
        if !slot.is_complete() {
            return Err(Fault::untrusted("its directory is gone"));
        }
        let stores = slot::stores(&slot.path)?;
        if slot::measure(&store.volume.dir).unwrap_or(0) == 0 {
            return Err(Fault::untrusted("its files are gone"));
        }
        self.physical = stores.iter().map(|store| slot::measure(store).unwrap_or(0)).sum();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_that_no_disk_has_overflows_nowhere() {
        for bytes in [0, 1, u64::MAX - 1, u64::MAX] {
            let limits = Limits::new(bytes);
            assert!(
                limits.keep.checked_mul(10).is_some()
                    && limits.bound.checked_add(limits.bound / 10).is_some()
            );
            assert!(limits.bound >= SMALLEST_BOUND && limits.record > 0 && limits.piece > 0);
        }
    }
}
