//! Answers on their way into slower layers: counted, bounded, waited for.

use tokio::sync::watch;

/// Copies into slower layers that are being made behind the callers' backs: counted, so that they can be bounded and
/// waited for.
#[derive(Debug)]
pub(crate) struct Copies {
    running: watch::Sender<usize>,
}

/// One answer on its way into slower layers, until dropped.
#[derive(Debug)]
pub(crate) struct CopyUnderWay {
    running: watch::Sender<usize>,
}

impl Copies {
    /// Each holds one encoded answer.
    const MOST: usize = 1_024;

    /// Announces the copies of one answer; `None` if too many are under way already.
    pub(crate) fn begin(&self) -> Option<CopyUnderWay> {
        let begun = self.running.send_if_modified(|running| {
            let room = *running < Self::MOST;
            *running += usize::from(room);
            room
        });
        begun.then(|| CopyUnderWay { running: self.running.clone() })
    }

    /// How many are under way.
    pub(super) fn count(&self) -> usize {
        *self.running.borrow()
    }

    /// Waits until none is under way.
    pub(super) async fn all_made(&self) {
        // An error would mean that no sender is left, and so no copy.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}

impl Default for Copies {
    fn default() -> Self {
        Self { running: watch::Sender::new(0) }
    }
}

impl Drop for CopyUnderWay {
    fn drop(&mut self) {
        self.running.send_modify(|running| *running -= 1);
    }
}
