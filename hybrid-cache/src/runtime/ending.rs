//! Waiting for what is being written, and an orderly end.

use std::{
    fmt,
    pin::pin,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use super::{Chore, Runtime, in_use};
use crate::{clock::within, error::LayerKind, fork};

/// Waits until every answer that was on its way into a slower layer has arrived there, and is as safe there as the layer
/// makes it.
///
/// A layer that cannot be reached is not waited for beyond its time budget.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// hybrid_cache::flush().await;
/// # });
/// ```
pub async fn flush() {
    fork::look();
    let Some(runtime) = in_use() else { return };
    runtime.copies.all_done().await;
    for layer in runtime.opened_layers() {
        if let Err(error) = layer.flush().await {
            tracing::debug!(layer = %layer.kind(), error = &error as &dyn std::error::Error, "could not flush");
        }
    }
}

/// Ends the work of the cache before the process ends: starts no more refreshes behind callers' backs, waits for loads
/// and for answers on their way into slower layers, then closes the disk store and the connections. Memory goes on
/// answering, and bodies go on running for who calls; the other layers are skipped from now on.
///
/// Waits for loads and answers for half of `timeout` at most, then drops the loads that nobody waits for; layers get what
/// is left of `timeout` to close. Returns what that cost, and logs a warning if it cost anything.
///
/// ```
/// # use std::time::Duration;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let shutdown = hybrid_cache::shutdown(Duration::from_secs(5)).await;
/// assert!(shutdown.is_complete(), "{shutdown}");
/// # });
/// ```
pub async fn shutdown(timeout: Duration) -> Shutdown {
    fork::look();
    match in_use() {
        Some(runtime) => runtime.shut_down(timeout).await,
        None => Shutdown::default(),
    }
}

/// What [`shutdown`] had to leave undone. Its `Display` is one line for a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shutdown {
    loads_dropped: usize,
    copies_dropped: usize,
    removals_lost: usize,
    layers_not_closed: Vec<LayerKind>,
}

impl Shutdown {
    /// Whether nothing was left undone.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.loads_dropped == 0
            && self.copies_dropped == 0
            && self.removals_lost == 0
            && self.layers_not_closed.is_empty()
    }

    /// Loads that were still running and that nobody waited for: refreshes behind a caller's back, and loads whose callers
    /// have gone away.
    #[must_use]
    pub const fn loads_dropped(&self) -> usize {
        self.loads_dropped
    }

    /// Answers that had not reached a slower layer; they will be computed again.
    #[must_use]
    pub const fn copies_dropped(&self) -> usize {
        self.copies_dropped
    }

    /// Removals that a layer could not make, nor write down for whoever opens it next: what they were to forget may be
    /// answered again after a restart. The invalidations that asked for them were [`Forgotten::Failed`] or
    /// [`Forgotten::Queued`].
    ///
    /// [`Forgotten::Failed`]: crate::Forgotten::Failed
    /// [`Forgotten::Queued`]: crate::Forgotten::Queued
    #[must_use]
    pub const fn removals_lost(&self) -> usize {
        self.removals_lost
    }

    /// Layers that could not be closed in time. What was being written to them may be lost.
    #[must_use]
    pub fn layers_not_closed(&self) -> &[LayerKind] {
        &self.layers_not_closed
    }
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            return f.write_str("nothing was left undone");
        }
        write!(f, "{} loads and {} copies dropped", self.loads_dropped, self.copies_dropped)?;
        if self.removals_lost > 0 {
            write!(f, "; {} removals lost", self.removals_lost)?;
        }
        for (n, layer) in self.layers_not_closed.iter().enumerate() {
            write!(f, "{}{layer}", if n == 0 { "; not closed in time: " } else { ", " })?;
        }
        Ok(())
    }
}

/// How long dropped loads get to notice it.
const TO_NOTICE: Duration = Duration::from_millis(100);

impl Runtime {
    pub(crate) async fn shut_down(&self, limit: Duration) -> Shutdown {
        let started = Instant::now();
        self.closing.store(true, Relaxed);
        // Half of the time at most: the disk store needs some to close.
        let all_done = pin!(async {
            self.loads.all_done().await;
            self.copies.all_done().await;
        });
        let _ = within(limit / 2, all_done).await;
        let abandoned = self.abandoned.load(Relaxed);
        self.every_function(Chore::End);
        let _ = within(TO_NOTICE.min(limit / 4), pin!(self.loads.all_done())).await;
        let loads_dropped = self.abandoned.load(Relaxed).saturating_sub(abandoned);
        let copies_dropped = self.copies.count();
        let mut layers_not_closed = Vec::new();
        let mut removals_lost = 0;
        for layer in self.opened_layers() {
            let left = limit.saturating_sub(started.elapsed());
            if !matches!(within(left, pin!(layer.close())).await, Some(Ok(()))) {
                layers_not_closed.push(layer.kind());
            }
            // Closing is the last that is tried.
            removals_lost += layer.removals_owed();
        }
        let shutdown = Shutdown { loads_dropped, copies_dropped, removals_lost, layers_not_closed };
        if !shutdown.is_complete() {
            tracing::warn!(%shutdown, "the cache was shut down before all was done");
        }
        shutdown
    }
}
