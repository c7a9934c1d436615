//! What calls, loads and layers tell each other. Plain data; the order in which it is told is elsewhere.

use std::{any::Any, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    error::LayerKind,
    flight::Ticket,
    key::Key,
    layers::{Layer, Terms},
    outcome::Outcome,
    policy::Life,
    record::{Dates, Shared, codec::Payload},
    runtime::work::UnderWay,
    sync::Mutex,
};

use super::{
    given::{Given, Provenance},
    keep::Quiet,
    places::{Place, Places},
};

/// What a call is to do that memory could not answer at once.
pub(super) enum Turn<R: Outcome> {
    /// Return this.
    Answered(Given<R>),
    /// Run the body, and nothing else.
    Bare,
    /// Load. The place bounds how many of those whose common load failed do so at the same time.
    Load(Ticket<Landed<R>>, Option<Place>),
    /// Load, whatever is stored.
    Refresh(Ticket<Landed<R>>),
    /// Return this, and have a newer one loaded behind the caller's back.
    Renew(Given<R>, Renewal<R>),
}

/// The right to load a newer answer behind a caller's back.
pub(super) struct Renewal<R: Outcome> {
    pub(super) ticket: Ticket<Landed<R>>,
    pub(super) room: UnderWay,
    /// Of the answer in hand.
    pub(super) old: Dates,
}

/// One load on its way.
pub(super) struct Load<R: Outcome> {
    pub(super) ticket: Ticket<Landed<R>>,
    pub(super) key: Key,
    pub(super) purpose: Purpose,
    pub(super) caller: Caller<R>,
    /// Whether it is part of another load of the same function, which has its place among `max_loads` already.
    pub(super) nested: bool,
    /// Among those who load for themselves; it goes with the load, whose caller may go away.
    pub(super) _place: Option<Place>,
    pub(super) _under_way: Option<UnderWay>,
}

impl<R: Outcome> Load<R> {
    /// Gives an answer to everybody who waits for it.
    pub(super) fn give(&mut self, value: R::Value, provenance: Provenance) {
        let mut caller = std::mem::replace(&mut self.caller, Caller::nobody());
        self.give_to(&mut caller, value, provenance);
    }

    /// The same, with the caller apart.
    pub(super) fn give_to(&self, caller: &mut Caller<R>, value: R::Value, provenance: Provenance) {
        self.ticket.land(|| Landed::Value(value.clone(), provenance));
        caller.give(Ok(Given { result: Ok(value), provenance }));
    }
}

/// What a load is for, and so what it does about answers that are stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To answer a call, with a stored answer if there is one.
    Call,
    /// To replace the answer with these dates behind a caller's back, with a stored one if that is newer.
    Renew(Dates),
    /// To compute a newer answer than any that is stored.
    Refresh,
    /// To put another one in their place, and make every other process's copies worthless.
    Put,
}

impl Purpose {
    /// Whether stored answers are outdated, so that none may stay where the new one cannot be stored.
    pub(super) const fn replaces(self) -> bool {
        matches!(self, Self::Refresh | Self::Put)
    }

    /// How its answer is stored in a layer that was asked at the moment `seen`. What is put is newer than everything that
    /// anybody forgot; what was computed may be from before.
    pub(super) const fn terms(self, seen: u64) -> Terms {
        let unless_forgotten_since = if matches!(self, Self::Put) { None } else { Some(seen) };
        Terms { replaces: self.replaces(), unless_forgotten_since }
    }
}

/// How a load ended, for its caller: the answer, or the panic to go on with.
pub(super) type Loaded<R> = Result<Given<R>, Box<dyn Any + Send>>;

/// The caller whose call started a load: it may have gone away, or have been answered already.
pub(super) struct Caller<R: Outcome> {
    answer: Option<oneshot::Sender<Loaded<R>>>,
}

impl<R: Outcome> Caller<R> {
    /// A caller, and what it waits for.
    pub(super) fn waiting() -> (Self, oneshot::Receiver<Loaded<R>>) {
        let (answer, from_load) = oneshot::channel();
        (Self { answer: Some(answer) }, from_load)
    }

    /// Nobody waits.
    pub(super) const fn nobody() -> Self {
        Self { answer: None }
    }

    pub(super) fn give(&mut self, loaded: Loaded<R>) {
        if let Some(answer) = self.answer.take() {
            // It may have gone away.
            let _ = answer.send(loaded);
        }
    }

    /// Waits until nobody waits for an answer.
    pub(super) async fn gone(&mut self) {
        if let Some(answer) = &mut self.answer {
            answer.closed().await;
        }
    }
}

/// How a load ended, for those who waited for it.
pub(super) enum Landed<R: Outcome> {
    Value(R::Value, Provenance),
    /// The same error for all.
    Error(SharedError<R>),
    /// An error that cannot be shared: everybody tries for themselves, so many at a time.
    ErrorOfItsOwn(Arc<Places>),
}

/// In a mutex because an error need not be `Sync`, and those who get a clone are on any thread.
pub(super) type SharedError<R> = Arc<Mutex<<R as Outcome>::Error>>;

/// How many of those who waited for a load that failed may load for themselves at the same time: the source is neither
/// stampeded nor asked in one long queue.
pub(super) const OWN_LOADS: usize = 8;

/// Why a load has no answer.
pub(super) enum Failure<R: Outcome> {
    /// The function's own error.
    Error(R::Error),
    Panic(Box<dyn Any + Send>),
    /// Nobody waited for it any more and nothing of it could have been stored, so it was dropped.
    Abandoned,
}

/// A load of a key failed, not long ago.
pub(super) struct Failed<R: Outcome> {
    /// With this, if errors are kept.
    pub(super) error: Option<SharedError<R>>,
}

/// An answer with what has to be known to store it.
pub(super) struct Answer<V> {
    pub(super) value: V,
    pub(super) origin: Origin,
    pub(super) provenance: Provenance,
    pub(super) load_time: Duration,
    /// Whether `cache_if` refuses it.
    pub(super) refused: bool,
}

/// Where an answer came from, which decides how long its copies may live.
pub(super) enum Origin {
    /// The body, just now.
    Body(Life),
    /// A copy with these dates and of this generation, whose bytes need not be made again.
    Copy(Dates, u64, Payload),
}

/// What memory holds for a key.
pub(super) enum Remembered<V> {
    /// Something to return.
    Good(V, Dates),
    /// Something to return, which is due for a refresh.
    Due(V, Dates),
    /// Something past its life, to return while it is refreshed.
    Stale(V, Dates),
    /// Something past its life, to return if no newer one can be had.
    LastResort(V, Dates),
    Nothing,
}

/// An answer in a byte layer.
pub(super) struct Found<V> {
    pub(super) layer: LayerKind,
    pub(super) answer: Answer<V>,
    /// As they are for us.
    pub(super) dates: Dates,
}

/// What callers were given before a newer answer is computed.
pub(super) enum Offer<R: Outcome> {
    Nothing,
    /// An old answer; a newer one is to be computed behind their backs. To be held as long as that takes.
    Meanwhile(#[expect(dead_code, reason = "held")] UnderWay, #[expect(dead_code, reason = "held")] Quiet<R>),
    /// An old answer, and that is all for now.
    Final,
}

/// A byte layer to copy into.
pub(super) struct Target {
    pub(super) layer: Arc<dyn Layer>,
    /// The function's epoch there from before the answer was computed.
    pub(super) epoch: u64,
    /// When it was asked.
    pub(super) seen: u64,
    /// Whether it holds an older record.
    pub(super) held: bool,
}

/// What the byte layers said to a key. What they had is boxed: this is passed from hand to hand.
pub(super) struct Asked<V> {
    /// An answer that serves the purpose, and where it was.
    pub(super) found: Option<Box<Found<V>>>,
    /// One past its life that might still be returned.
    pub(super) old: Option<Box<Found<V>>>,
    /// The layers that were asked before `found`, and answered.
    pub(super) without: Vec<Target>,
    /// The layers that did not answer: what they hold is not known.
    pub(super) unknown: Vec<Arc<dyn Layer>>,
    /// What the shared layer said, if the function has one and it answered.
    pub(super) shared: Option<Shared>,
}

impl<V> Asked<V> {
    pub(super) const fn nobody() -> Self {
        Self { found: None, old: None, without: Vec::new(), unknown: Vec::new(), shared: None }
    }
}

impl<R: Outcome> Clone for Landed<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value, provenance) => Self::Value(value.clone(), *provenance),
            Self::Error(error) => Self::Error(Arc::clone(error)),
            Self::ErrorOfItsOwn(own_loads) => Self::ErrorOfItsOwn(Arc::clone(own_loads)),
        }
    }
}
