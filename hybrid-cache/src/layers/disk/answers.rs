//! Answers that come from another thread, in time or not at all.
//!
//! The budget is watched by a thread of the layer and not by the caller's runtime: callers may have none, or
//! one without timers, or one whose clock a test has stopped.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::sync::lock;
use crate::error::{LayerError, LayerKind};

/// What a read may take that has to wait until the store is open, where that is more than the budget of a read: opening
/// takes longer than reading, and missing what is there would cost more.
const OPENING: Duration = Duration::from_secs(1);

/// The place for one answer. The first one given counts.
#[derive(Debug)]
pub(super) struct Answer<T> {
    sender: Arc<Mutex<Option<Sender<T>>>>,
}

type Sender<T> = oneshot::Sender<Result<T, LayerError>>;

/// The caller's end.
pub(super) type Awaited<T> = oneshot::Receiver<Result<T, LayerError>>;

impl<T> Answer<T> {
    /// Returns whether someone was still waiting for it.
    pub(super) fn give(&self, result: Result<T, LayerError>) -> bool {
        lock(&self.sender).take().is_some_and(|sender| sender.send(result).is_ok())
    }
}

/// Something that can be late.
trait Due: Send {
    fn is_settled(&self) -> bool;
    fn time_out(&self, after: Duration) -> bool;
}

impl<T: Send> Due for Answer<T> {
    fn is_settled(&self) -> bool {
        lock(&self.sender).as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn time_out(&self, after: Duration) -> bool {
        self.give(Err(LayerError::Timeout { layer: LayerKind::Disk, after }))
    }
}

/// What one kind of request may take, and those under way in the order in which they fall due.
struct Line {
    budget: Duration,
    due: VecDeque<(Instant, Box<dyn Due>)>,
}

struct Timetable {
    first_reads: Line,
    reads: Line,
    writes: Line,
    /// Until when the thread sleeps; `None`: until it is woken.
    asleep_until: Option<Instant>,
    stopped: bool,
}

/// Gives [`LayerError::Timeout`] to whoever waits for longer than the budget.
pub(super) struct Watch {
    timetable: Mutex<Timetable>,
    changed: Condvar,
}

/// Which budget a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    /// A read that has to wait until the store is open.
    FirstRead,
    Read,
    Write,
}

impl Watch {
    pub(super) fn new(read: Duration, write: Duration) -> Self {
        let line = |budget| Line { budget, due: VecDeque::new() };
        Self {
            timetable: Mutex::new(Timetable {
                first_reads: line(read.max(OPENING)),
                reads: line(read),
                writes: line(write),
                asleep_until: None,
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// A place for an answer that has to be given within the budget.
    pub(super) fn expect<T: Send + 'static>(&self, budget: Budget) -> (Answer<T>, Awaited<T>) {
        let (sender, awaited) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let mut timetable = lock(&self.timetable);
        let line = match budget {
            Budget::FirstRead => &mut timetable.first_reads,
            Budget::Read => &mut timetable.reads,
            Budget::Write => &mut timetable.writes,
        };
        // Two out for one in: what has been answered does not pile up until it would have fallen due.
        for _ in 0..2 {
            line.due.pop_front_if(|(_, due)| due.is_settled());
        }
        // A budget that ends after the end of time never ends.
        if let Some(deadline) = Instant::now().checked_add(line.budget) {
            line.due.push_back((deadline, Box::new(Answer { sender: Arc::clone(&sender) })));
            if timetable.asleep_until.is_none_or(|until| deadline < until) {
                self.changed.notify_one();
            }
        }
        (Answer { sender }, awaited)
    }

    /// The body of the watching thread. `on_late` hears how many reads ran out of time.
    pub(super) fn run(&self, on_late: impl Fn(u32)) {
        let mut timetable = lock(&self.timetable);
        while !timetable.stopped {
            let now = Instant::now();
            let late_first_reads = timetable.first_reads.expired(now);
            let late_reads = timetable.reads.expired(now);
            let late_writes = timetable.writes.expired(now);
            if late_first_reads.is_empty() && late_reads.is_empty() && late_writes.is_empty() {
                let lines = [&timetable.first_reads, &timetable.reads, &timetable.writes];
                let next = lines.into_iter().filter_map(Line::next).min();
                timetable.asleep_until = next;
                timetable = match next {
                    Some(until) => {
                        let wait = until.saturating_duration_since(now);
                        self.changed.wait_timeout(timetable, wait).unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => self.changed.wait(timetable).unwrap_or_else(PoisonError::into_inner),
                };
                continue;
            }
            let (first, read, write) =
                (timetable.first_reads.budget, timetable.reads.budget, timetable.writes.budget);
            drop(timetable);
            let late_first = late_first_reads.iter().filter(|due| due.time_out(first)).count();
            let waited = late_first + late_reads.iter().filter(|due| due.time_out(read)).count();
            for due in late_writes {
                due.time_out(write);
            }
            on_late(u32::try_from(waited).unwrap_or(u32::MAX));
            timetable = lock(&self.timetable);
        }
    }

    pub(super) fn stop(&self) {
        lock(&self.timetable).stopped = true;
        self.changed.notify_all();
    }
}

impl Line {
    fn expired(&mut self, now: Instant) -> Vec<Box<dyn Due>> {
        let mut expired = Vec::new();
        while let Some((_, due)) = self.due.pop_front_if(|(at, due)| *at <= now || due.is_settled()) {
            if !due.is_settled() {
                expired.push(due);
            }
        }
        expired
    }

    fn next(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(read: Duration) -> Arc<Watch> {
        let watch = Arc::new(Watch::new(read, Duration::from_hours(1)));
        let thread = Arc::clone(&watch);
        std::thread::spawn(move || thread.run(|_| {}));
        watch
    }

    #[test]
    fn who_waits_for_too_long_is_told_so() {
        let watch = watched(Duration::from_millis(20));
        let (_never_given, written) = watch.expect::<()>(Budget::Write);
        let (_also_never, read) = watch.expect::<()>(Budget::Read);

        let asked = Instant::now();
        let answer = read.blocking_recv().unwrap();

        assert!(matches!(answer, Err(LayerError::Timeout { after, .. }) if after.as_millis() == 20));
        assert!(asked.elapsed() < Duration::from_secs(5));
        drop(written);
        watch.stop();
    }

    #[test]
    fn a_read_that_waits_for_the_store_to_open_has_a_second_or_its_own_budget_if_that_is_more() {
        for (read, first) in [(Duration::from_millis(50), OPENING), (2 * OPENING, 2 * OPENING)] {
            let watch = Watch::new(read, Duration::from_hours(1));
            assert_eq!(lock(&watch.timetable).first_reads.budget, first);
        }
    }

    #[test]
    fn a_budget_that_never_ends_leaves_nobody_on_a_list() {
        let watch = Watch::new(Duration::MAX, Duration::MAX);
        for budget in [Budget::FirstRead, Budget::Read, Budget::Write] {
            let (answer, awaited) = watch.expect(budget);
            assert!(answer.give(Ok(7)));
            assert!(matches!(awaited.blocking_recv(), Ok(Ok(7))));
        }
        assert!(lock(&watch.timetable).reads.due.is_empty());
    }

    #[test]
    fn the_first_answer_counts() {
        let watch = watched(Duration::from_millis(1));
        let (answer, awaited) = watch.expect(Budget::Read);
        assert!(answer.give(Ok(7)));
        std::thread::sleep(Duration::from_millis(5));
        assert!(!answer.give(Ok(8)));

        assert!(matches!(awaited.blocking_recv(), Ok(Ok(7))));
        watch.stop();
    }

    #[test]
    fn what_was_answered_does_not_pile_up() {
        let watch = Watch::new(Duration::from_hours(1), Duration::from_hours(1));
        for _ in 0..1000 {
            let (answer, awaited) = watch.expect(Budget::Read);
            answer.give(Ok(()));
            drop(awaited);
        }
        assert!(lock(&watch.timetable).reads.due.len() < 3);
    }
}
