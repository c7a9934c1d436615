//! An answer with what the cache knows about it: what `with_info` returns. Knows nothing of how it came about.

use std::time::Duration;

use crate::error::LayerKind;

/// What a cached function returned, and where that came from: the result of the companion `with_info`.
///
/// `T` is what the function itself returns, so with a `Result` also the answers that are errors.
///
/// ```
/// # use hybrid_cache::{cached, LayerKind};
/// #[cached(layers = "mem")]
/// async fn square(n: u64) -> u64 { n * n }
///
/// # fn show(answer: &hybrid_cache::Answer<u64>) -> String {
/// match answer.layer() {
///     None => format!("{} was computed just now", answer.value()),
///     Some(layer) => format!("{} is from {layer} and {:?} old", answer.value(), answer.age()),
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<T> {
    pub(crate) value: T,
    pub(crate) layer: Option<LayerKind>,
    pub(crate) age: Duration,
    pub(crate) stale: bool,
    pub(crate) waited: bool,
    pub(crate) failed: bool,
}

impl<T> Answer<T> {
    /// What the function returned.
    #[must_use]
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// What the function returned, without the rest.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }

    /// The layer that had the answer; [`LayerKind::Memory`] also for an error that was kept (`err_ttl`).
    ///
    /// `None`: no layer had it. The function's body computed it, in this call or in the load of another call that this one
    /// [waited](Self::waited) for.
    #[must_use]
    pub const fn layer(&self) -> Option<LayerKind> {
        self.layer
    }

    /// How long ago the answer was computed, wherever and in whichever process that was, in whole milliseconds. Zero if that
    /// was for this call, or for the one that it waited for.
    ///
    /// An answer that was stored with `put` counts as computed then.
    #[must_use]
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// Whether the answer's life is over, so that it was only returned because of `stale` or `stale_if_error`.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether the answer is that of a load which another call had started before; such calls are also
    /// [counted](crate::Stats::coalesced).
    #[must_use]
    pub const fn waited(&self) -> bool {
        self.waited
    }
}
