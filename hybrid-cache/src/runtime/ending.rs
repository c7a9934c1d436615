//! Waiting for what is being written, and an orderly end.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{RUNTIME, Runtime};
use crate::error::LayerKind;

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
    let Some(runtime) = RUNTIME.get() else { return };
    runtime.copies.all_made().await;
    for layer in runtime.opened_layers() {
        if let Err(error) = layer.flush().await {
            tracing::debug!(layer = %layer.kind(), error = &error as &dyn std::error::Error, "could not flush");
        }
    }
}

/// Ends the work of the cache before the process ends: waits for answers on their way into slower layers, closes the disk
/// store and the connections. Memory goes on answering; the other layers are skipped from now on.
///
/// Gives up waiting after `timeout` and tells what that cost.
///
/// ```
/// # use std::time::Duration;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let shutdown = hybrid_cache::shutdown(Duration::from_secs(5)).await;
/// assert_eq!(shutdown.copies_dropped(), 0);
/// # });
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime with timers (`enable_all`, `enable_time`).
pub async fn shutdown(timeout: Duration) -> Shutdown {
    let Some(runtime) = RUNTIME.get() else {
        return Shutdown { copies_dropped: 0, layers_not_closed: Vec::new() };
    };
    runtime.shut_down(timeout).await
}

/// What [`shutdown`] had to leave undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shutdown {
    copies_dropped: usize,
    layers_not_closed: Vec<LayerKind>,
}

impl Shutdown {
    /// Answers that had not reached a slower layer; they will be computed again.
    #[must_use]
    pub const fn copies_dropped(&self) -> usize {
        self.copies_dropped
    }

    /// Layers that could not be closed in time. What was being written to them may be lost.
    #[must_use]
    pub fn layers_not_closed(&self) -> &[LayerKind] {
        &self.layers_not_closed
    }
}

impl Runtime {
    async fn shut_down(&self, limit: Duration) -> Shutdown {
        let started = Instant::now();
        // Half of the time at most: the disk store needs some to close.
        let _ = timeout(limit / 2, self.copies.all_made()).await;
        let copies_dropped = self.copies.count();
        let mut layers_not_closed = Vec::new();
        for layer in self.opened_layers() {
            let left = limit.saturating_sub(started.elapsed());
            if !matches!(timeout(left, layer.close()).await, Ok(Ok(()))) {
                layers_not_closed.push(layer.kind());
            }
        }
        if copies_dropped > 0 || !layers_not_closed.is_empty() {
            tracing::warn!(
                copies_dropped,
                ?layers_not_closed,
                "the cache was shut down before all was written"
            );
        }
        Shutdown { copies_dropped, layers_not_closed }
    }
}
