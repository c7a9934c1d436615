//! Work that goes on behind the callers' backs: counted, bounded, waited for.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::sync::Notify;

/// All work of one kind.
pub(crate) struct Work {
    running: Arc<Running>,
    most: usize,
}

#[derive(Default)]
struct Running {
    count: AtomicUsize,
    none_left: Notify,
}

/// One piece of work, until dropped.
pub(crate) struct UnderWay {
    running: Arc<Running>,
}

impl Work {
    /// At most `most` pieces at the same time.
    pub(super) fn at_most(most: usize) -> Self {
        Self { running: Arc::default(), most }
    }

    /// As many pieces as there are.
    pub(super) fn unbounded() -> Self {
        Self::at_most(usize::MAX)
    }

    /// Announces a piece of work; `None` if too many are under way already.
    pub(crate) fn begin(&self) -> Option<UnderWay> {
        let more = |count| (count < self.most).then_some(count + 1);
        self.running.count.fetch_update(SeqCst, SeqCst, more).ok()?;
        Some(UnderWay { running: Arc::clone(&self.running) })
    }

    /// Counts none of what is under way any more: it was a process's that this one is a fork of.
    pub(super) fn forget(&self) {
        self.running.count.store(0, SeqCst);
    }

    /// How many pieces are under way.
    pub(crate) fn count(&self) -> usize {
        self.running.count.load(SeqCst)
    }

    /// Waits until none is under way.
    pub(super) async fn all_done(&self) {
        loop {
            let mut none_left = std::pin::pin!(self.running.none_left.notified());
            // Before the count is looked at, so that the last piece cannot end unnoticed in between.
            none_left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let less = |count: usize| count.checked_sub(1);
        if self.running.count.fetch_update(SeqCst, SeqCst, less) == Ok(1) {
            self.running.none_left.notify_waiters();
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("running", &self.count()).field("most", &self.most).finish()
    }
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnderWay").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn work_is_bounded_and_its_end_is_noticed() {
        let work = Work::at_most(2);
        let (one, two) = (work.begin().unwrap(), work.begin().unwrap());
        assert!(work.begin().is_none());
        let mut done = Box::pin(work.all_done());
        assert_eq!(poll!(&mut done), Poll::Pending);
        drop(one);
        assert_eq!(poll!(&mut done), Poll::Pending);
        assert!(work.begin().is_some(), "there is room again");
        drop(two);
        assert_eq!(poll!(&mut done), Poll::Ready(()));
    }
}
