//! What a load, its callers and the layers tell each other. Plain data; the order in which it is told is elsewhere.

use std::{
    any::Any,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::{
    error::LayerKind,
    layers::Layer,
    outcome::Outcome,
    policy::Life,
    record::{Dates, Shared, codec::Payload},
};

/// How a load ended, for its caller: the answer, or the panic to go on with.
pub(super) type Loaded<R> = Result<Result<<R as Outcome>::Value, <R as Outcome>::Error>, Box<dyn Any + Send>>;

/// How a load ended, for those who waited for it.
pub(super) enum Landed<R: Outcome> {
    Value(R::Value),
    /// The same error for all. In a mutex because an error need not be `Sync`, and waiters are on any thread.
    Error(Arc<Mutex<R::Error>>),
    /// An error that cannot be shared: everybody tries for themselves, so many at a time.
    ErrorOfItsOwn(Arc<Semaphore>),
}

/// How many of those who waited for a load that failed may load for themselves at the same time: the source is neither
/// stampeded nor asked in one long queue.
pub(super) const OWN_LOADS: usize = 8;

/// What a load does about answers that are stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// Takes them.
    Wanted,
    /// Computes a newer one.
    Outdated,
    /// Puts another one in their place, and makes every other process's copies worthless.
    Replaced,
}

/// An answer with what has to be known to store it.
pub(super) struct Answer<V> {
    pub(super) value: V,
    pub(super) origin: Origin,
    pub(super) load_time: Duration,
}

/// Where an answer came from, which decides how long its copies may live.
pub(super) enum Origin {
    /// The body, just now.
    Body(Life),
    /// A copy with these dates and of this generation, whose bytes need not be made again.
    Copy(Dates, u64, Payload),
}

/// A byte layer to copy into, and the function's epoch there from before the answer was computed.
pub(super) struct Target<'a> {
    pub(super) layer: &'a Arc<dyn Layer>,
    pub(super) epoch: u64,
}

/// What the byte layers said to a key.
pub(super) struct Asked<'a, V> {
    pub(super) found: Option<(LayerKind, Answer<V>)>,
    /// The layers that were asked before that, and answered.
    pub(super) without: Vec<Target<'a>>,
    /// The layers that did not answer: what they hold is not known.
    pub(super) unknown: Vec<&'a Arc<dyn Layer>>,
    /// What the shared layer said, if the function has one and it answered.
    pub(super) shared: Option<Shared>,
}

impl<R: Outcome> Clone for Landed<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Error(error) => Self::Error(Arc::clone(error)),
            Self::ErrorOfItsOwn(own_loads) => Self::ErrorOfItsOwn(Arc::clone(own_loads)),
        }
    }
}
