//! What is said to the log, once for each function.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use super::CachedFn;
use crate::{
    error::{LayerError, LayerKind},
    outcome::Outcome,
};

/// What has been said already.
#[derive(Debug, Default)]
pub(super) struct Said {
    too_large: AtomicBool,
    too_large_for_memory: AtomicBool,
    recursive: AtomicBool,
    no_key: AtomicBool,
    from_the_future: AtomicBool,
}

/// Said when the function comes into being, which is once.
pub(super) fn say_without_redis(scope: &str) {
    tracing::warn!(
        function = %scope,
        "redis is among the layers of this function and is left out, because the function is not async and redis needs \
         a tokio runtime; make it an `async fn`, or give it `layers = \"mem\"` or `\"mem,disk\"`",
    );
}

impl<R: Outcome> CachedFn<R> {
    pub(super) fn say_recursive(&self) {
        if !self.said.recursive.swap(true, Relaxed) {
            tracing::warn!(
                function = %self.scope,
                "a load of this function needs its own answer; the inner call runs the body without the cache",
            );
        }
    }

    pub(super) fn say_no_key(&self, reason: &str) {
        if !self.said.no_key.swap(true, Relaxed) {
            tracing::warn!(
                function = %self.scope,
                reason,
                "a call is not cached because its arguments have no key; this is said once for each function",
            );
        }
    }

    pub(super) fn say_from_the_future(&self, layer: LayerKind, ahead: Duration) {
        if !self.said.from_the_future.swap(true, Relaxed) {
            tracing::warn!(
                function = %self.scope,
                %layer,
                ?ahead,
                "an answer was computed in the future and is not used: the clock of this machine is behind, or that of the \
                 machine that computed it was ahead; set the clocks right; this is said once for each function",
            );
        }
    }

    pub(super) fn say_too_large_for_memory(&self) {
        if !self.said.too_large_for_memory.swap(true, Relaxed) {
            tracing::warn!(
                function = %self.scope,
                max_bytes = self.definition.max_bytes,
                mem_max_bytes = self.runtime.settings.mem_max_bytes,
                "an answer alone is larger than `max_bytes`, or than HYBRID_CACHE_MEM_MAX_BYTES, or its size cannot be told, \
                 and is not kept in memory; give it more, or say its size with `weigh`; this is said once for each function",
            );
        }
    }

    pub(super) fn layer_failed(&self, layer: LayerKind, error: &LayerError) {
        self.counters.layer_failed(layer);
        if matches!(error, LayerError::TooLarge { .. }) && !self.said.too_large.swap(true, Relaxed) {
            tracing::warn!(
                function = %self.scope,
                error = error as &dyn std::error::Error,
                "an answer is too large for a layer and is not kept there; this is said once for each function",
            );
        }
    }
}
