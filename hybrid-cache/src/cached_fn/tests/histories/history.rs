//! What happened, on a logical clock. Every answer has a number of its own, so that it is known where it came from.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::super::world::World;
use crate::clock::Timestamp;

/// A moment of the logical clock: there are no two events at the same one.
pub(super) type Tick = u64;

/// When something began and ended, on both clocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) began: Tick,
    pub(super) began_at: Timestamp,
    /// `None`: it did not get to its end.
    pub(super) ended: Option<Tick>,
    pub(super) ended_at: Timestamp,
}

/// A value, or a failure, and where it came from. What functions return is its number.
#[derive(Debug, Clone)]
pub(super) struct Birth {
    pub(super) key: usize,
    pub(super) span: Span,
    pub(super) how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// A body that did not end: it was dropped, or it runs.
    Unfinished,
    Answer,
    Error,
    Panic,
    /// The caller brought it.
    Put,
}

/// Somebody asked for an answer.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) key: usize,
    pub(super) span: Span,
    pub(super) by: By,
    pub(super) got: Got,
    /// The run of its own body, if that began.
    pub(super) own_run: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A call whose body runs in a task of its own.
    Call,
    /// A call whose body runs within it.
    InlineCall,
    /// A look that loads nothing.
    Peek,
    /// A look at one place after everything has come to rest.
    Inspection(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    /// Not there, for a look; for a call, that it has not ended, or was cancelled.
    Nothing,
    Answer(u64),
    Error(u64),
    Panic,
}

/// Somebody did something after which older answers are not to be seen.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) what: What,
    /// `None`: all keys.
    pub(super) key: Option<usize>,
    pub(super) span: Span,
    /// Whether a layer could not do its part, and said so.
    pub(super) incomplete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Invalidate,
    Put,
    Expire,
    Refresh,
    /// What was flying may have been retired. Promises nothing.
    Tidy,
    /// A layer was down. Promises nothing.
    Outage,
}

/// Everything that happened.
#[derive(Default)]
pub(super) struct Events {
    pub(super) births: Vec<Birth>,
    pub(super) readings: Vec<Reading>,
    pub(super) changes: Vec<Change>,
}

pub(super) struct History {
    pub(super) world: World,
    tick: AtomicU64,
    events: Mutex<Events>,
}

impl History {
    pub(super) fn of(world: World) -> Self {
        Self { world, tick: AtomicU64::new(0), events: Mutex::default() }
    }

    pub(super) fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap()
    }

    pub(super) fn birth(&self, key: usize, how: How) -> u64 {
        let span = self.begin();
        push(&mut self.events().births, Birth { key, span, how })
    }

    pub(super) fn birth_ended(&self, birth: u64, how: How) {
        let span = self.end();
        let birth = &mut self.events().births[index(birth)];
        birth.how = how;
        span(&mut birth.span);
    }

    pub(super) fn reading(&self, key: usize, by: By) -> u64 {
        let span = self.begin();
        push(&mut self.events().readings, Reading { key, span, by, got: Got::Nothing, own_run: None })
    }

    pub(super) fn own_run(&self, reading: u64, run: u64) {
        self.events().readings[index(reading)].own_run = Some(run);
    }

    pub(super) fn reading_ended(&self, reading: u64, got: Got) {
        let span = self.end();
        let reading = &mut self.events().readings[index(reading)];
        reading.got = got;
        span(&mut reading.span);
    }

    pub(super) fn change(&self, what: What, key: Option<usize>) -> u64 {
        let span = self.begin();
        push(&mut self.events().changes, Change { what, key, span, incomplete: false })
    }

    pub(super) fn change_ended(&self, change: u64, incomplete: bool) {
        let span = self.end();
        let change = &mut self.events().changes[index(change)];
        change.incomplete = incomplete;
        span(&mut change.span);
    }

    fn begin(&self) -> Span {
        let now = self.world.now();
        Span { began: self.tick.fetch_add(1, SeqCst), began_at: now, ended: None, ended_at: now }
    }

    /// The end of something: taken now, and noted later.
    fn end(&self) -> impl FnOnce(&mut Span) + use<> {
        let (now, tick) = (self.world.now(), self.tick.fetch_add(1, SeqCst));
        move |span| {
            span.ended = Some(tick);
            span.ended_at = now;
        }
    }
}

fn push<T>(list: &mut Vec<T>, new: T) -> u64 {
    list.push(new);
    list.len() as u64 - 1
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

impl Events {
    pub(super) fn birth_of(&self, number: u64) -> &Birth {
        &self.births[index(number)]
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = |moment: Timestamp| moment.as_millis() / 1_000;
        write!(f, "{}..", self.began)?;
        self.ended.iter().try_for_each(|ended| write!(f, "{ended}"))?;
        write!(f, " ({}s..{}s)", second(self.began_at), second(self.ended_at))
    }
}

impl fmt::Debug for Events {
    /// In the order in which it began, one event per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let births = self.births.iter().enumerate().map(|(n, birth)| {
            let Birth { key, span, how } = birth;
            (span.began, format!("{span:?} key {key}: answer {n}: {how:?}"))
        });
        let readings = self.readings.iter().map(|Reading { key, span, by, got, own_run }| {
            (span.began, format!("{span:?} key {key}: {by:?} got {got:?}, own run {own_run:?}"))
        });
        let changes = self.changes.iter().map(|Change { what, key, span, incomplete }| {
            (
                span.began,
                format!("{span:?} key {key:?}: {what:?}{}", if *incomplete { ", incomplete" } else { "" }),
            )
        });
        let mut lines: Vec<_> = births.chain(readings).chain(changes).collect();
        lines.sort_unstable();
        lines.iter().try_for_each(|(_, line)| writeln!(f, "  {line}"))
    }
}
