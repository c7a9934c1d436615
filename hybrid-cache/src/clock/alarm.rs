//! Waiting for a moment of our own clock.
//!
//! Not tokio's timers: those panic in a runtime without them and outside of one, and they do not see the time that a test
//! moved. Whoever moves the clock rings; so an alarm is as coarse as the clock.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    task::{Context, Poll, Waker},
};

use super::{Clock, Timestamp};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Who waits for a moment of one clock.
#[derive(Debug)]
pub(super) struct Alarms {
    /// By moment; the number tells those of one moment apart.
    waiting: Mutex<BTreeMap<(Timestamp, u64), Waker>>,
    next_id: AtomicU64,
    /// The earliest moment that somebody waits for, so that a tick without one costs a load.
    earliest: AtomicU64,
}

impl Alarms {
    pub(super) const fn new() -> Self {
        Self {
            waiting: Mutex::new(BTreeMap::new()),
            next_id: AtomicU64::new(0),
            earliest: AtomicU64::new(u64::MAX),
        }
    }

    /// Wakes those whose moment has come. To be called after the clock has moved.
    pub(super) fn ring(&self, now: Timestamp) {
        // Either this sees the moment that somebody has just announced, or they see, after announcing it, that the clock
        // shows it already: hence `SeqCst` here, there, and for the clock itself.
        if now.as_millis() < self.earliest.load(SeqCst) {
            return;
        }
        let due = {
            let mut waiting = self.lock();
            let later = waiting.split_off(&(now.plus_a_moment(), 0));
            let due = std::mem::replace(&mut *waiting, later);
            self.note_earliest(&waiting);
            due
        };
        // Not under the lock: a waker may run its task at once, and the task may wait again. One that panics must neither
        // keep the others asleep nor stop the clock.
        for waker in due.into_values() {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    fn wait(&self, moment: Timestamp, id: u64, waker: &Waker) {
        let mut waiting = self.lock();
        waiting.insert((moment, id), waker.clone());
        self.note_earliest(&waiting);
    }

    fn forget(&self, moment: Timestamp, id: u64) {
        let mut waiting = self.lock();
        waiting.remove(&(moment, id));
        self.note_earliest(&waiting);
    }

    /// Wakes nobody who waits now: in a fork, they are the other process's.
    pub(super) fn forget_all(&self) {
        // Not if it is locked, by a thread that is not here. And not dropped: that would reach into other runtimes.
        if let Ok(mut waiting) = self.waiting.try_lock() {
            std::mem::forget(std::mem::take(&mut *waiting));
            self.note_earliest(&waiting);
        }
    }

    fn note_earliest(&self, waiting: &BTreeMap<(Timestamp, u64), Waker>) {
        let earliest = waiting.first_key_value().map_or(u64::MAX, |((moment, _), _)| moment.as_millis());
        self.earliest.store(earliest, SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Timestamp, u64), Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ready as soon as its clock shows its moment.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    moment: Timestamp,
    /// Its number among those who wait, once it does.
    id: Option<u64>,
}

impl Alarm {
    pub(super) const fn new(clock: Clock, moment: Timestamp) -> Self {
        Self { clock, moment, id: None }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.moment {
            return Poll::Ready(());
        }
        let alarms = self.clock.alarms();
        let id = self.id.unwrap_or_else(|| alarms.next_id.fetch_add(1, SeqCst));
        alarms.wait(self.moment, id, context.waker());
        // The clock may have moved, and rung, between the look and the announcement.
        let poll = if self.clock.now() >= self.moment { Poll::Ready(()) } else { Poll::Pending };
        self.id = Some(id);
        poll
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.alarms().forget(self.moment, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::poll;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn an_alarm_rings_when_the_clock_is_moved_past_its_moment_and_not_before() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let mut alarm = Box::pin(clock.after(SECOND));
        assert_eq!(poll!(&mut alarm), Poll::Pending);
        let waiting = tokio::spawn(alarm);
        clock.advance(Duration::from_millis(999));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(Duration::from_millis(1));
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_left_of_an_alarm_that_is_dropped() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let mut alarm = Box::pin(clock.after(SECOND));
        assert_eq!(poll!(&mut alarm), Poll::Pending);
        drop(alarm);
        assert!(clock.alarms().lock().is_empty());
        assert_eq!(clock.alarms().earliest.load(SeqCst), u64::MAX);
    }

    #[tokio::test]
    async fn an_alarm_of_the_process_rings_by_itself() {
        Clock::Process.after(Duration::from_millis(20)).await;
    }

    #[test]
    fn no_alarm_is_missed_while_the_clock_is_moved_by_another_thread() {
        for _ in 0..500 {
            let clock = Clock::manual(Timestamp::from_millis(0));
            let alarm = clock.after(SECOND);
            std::thread::scope(|scope| {
                scope.spawn(move || clock.advance(SECOND));
                // A wake-up that is lost would leave this waiting for ever.
                tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(alarm);
            });
        }
    }
}
