//! What follows from a load that failed: its error may be given out again, an old answer may take its place, and the source
//! is left alone for a while.

use std::sync::Arc;

use super::{
    CachedFn,
    answer::{Failed, Failure, Found, Landed, Load, Remembered, SharedError},
    given::{Given, Provenance},
    places::Places,
};
use crate::{
    clock::Timestamp,
    error::LayerKind,
    layers::memory::{EntryDates, Weight},
    outcome::Outcome,
    policy::Freshness,
    record::Dates,
    recursion,
    sync::Mutex,
};

impl<R: Outcome> CachedFn<R> {
    /// Remembers that a load failed, unless it was doomed: then nothing is to be left behind.
    pub(super) fn note_failure(&self, load: &Load<R>, failure: &Failure<R>) {
        let error = match failure {
            Failure::Abandoned => return,
            Failure::Error(error) if !self.policy.err_ttl.is_zero() => {
                self.abilities.clone_error.map(|clone| Arc::new(Mutex::new(clone(error))))
            }
            Failure::Error(_) | Failure::Panic(_) => None,
        };
        self.rest(load, error);
    }

    /// Leaves the source of `load` alone for a while, where there is an old answer to return.
    pub(super) fn rest(&self, load: &Load<R>, error: Option<SharedError<R>>) {
        let Some(failures) = &self.failures else { return };
        let now = self.now();
        let fresh_until = if error.is_some() { now.plus(self.policy.err_ttl) } else { now };
        let kept_until = fresh_until.max(now.plus(self.policy.pause()));
        let dates = Dates { computed_at: now, fresh_until, kept_until };
        let life = EntryDates { dates, due_from: fresh_until };
        // Refused if the flight is doomed. Older errors are dropped where no lock is held.
        let store = || failures.insert(load.key.lookup(), Failed { error }, Weight::ONE, &life);
        drop(load.ticket.store(store));
    }

    /// Until when the source of `key` is left alone; `None` if it is not.
    pub(super) fn rests_until(&self, key: &[u8]) -> Option<Timestamp> {
        let now = self.now();
        let until = self
            .failures
            .as_ref()?
            .peek(key, |failed| failed.dates().computed_at.plus(self.policy.pause()))?;
        (now < until).then_some(until)
    }

    pub(super) fn is_resting(&self, key: &[u8]) -> bool {
        self.rests_until(key).is_some()
    }

    /// Whether the source of `key` is left alone, so that memory's answer with these dates counts as fresh meanwhile.
    pub(super) fn lets_rest(&self, key: &[u8], old: &Dates) -> bool {
        let until = self.rests_until(key);
        if let (Some(until), Some(memory)) = (until, &self.memory) {
            let until = until.min(self.policy.returned_until(old));
            // Not beside an expiry, nor after one: then its dates are others.
            self.flights.exclusively(|| memory.quiet_if(key, old, until));
        }
        until.is_some()
    }

    /// The error that is given out again for `key`.
    pub(super) fn kept_error(&self, key: &[u8]) -> Option<Given<R>> {
        let now = self.now();
        let (error, dates) = self.failures.as_ref()?.peek(key, |failed| {
            let (dates, error) = (failed.dates(), failed.value.error.as_ref());
            error.filter(|_| now < dates.fresh_until).map(|error| (Arc::clone(error), dates))
        })??;
        let provenance = Provenance::found(LayerKind::Memory, dates);
        Some(Given { result: Err(self.another(&error)), provenance })
    }

    /// The old answer that takes the place of a load that failed, if one is allowed. An answer that was forgotten while the
    /// load ran is not.
    pub(super) fn last_resort(
        &self,
        load: &Load<R>,
        old: Option<Box<Found<R::Value>>>,
    ) -> Option<(R::Value, Provenance)> {
        if load.purpose.replaces() || load.ticket.is_doomed() {
            return None;
        }
        match self.remembered(load.key.lookup()) {
            Remembered::Good(value, dates)
            | Remembered::Due(value, dates)
            | Remembered::Stale(value, dates)
            | Remembered::LastResort(value, dates) => {
                return Some((value, Provenance::found(LayerKind::Memory, dates)));
            }
            Remembered::Nothing => {}
        }
        let old = old.filter(|old| self.policy.freshness(&old.dates, self.now()) != Freshness::Expired)?;
        self.remember(load, &old.answer);
        Some((old.answer.value, old.answer.provenance))
    }

    /// Whether an old copy with these dates is returned before a newer answer is computed.
    pub(super) fn goes_first(&self, dates: &Dates, resting: bool) -> bool {
        match self.policy.freshness(dates, self.now()) {
            Freshness::Fresh | Freshness::Stale => true,
            Freshness::LastResort => resting,
            Freshness::Expired => false,
        }
    }

    /// The places of those who load `key` for themselves, if there are such: who comes now is one of them. Not a call from
    /// inside of a load, which may have one of the places.
    pub(super) fn places_in_use(&self, key: &[u8]) -> Option<Arc<Places>> {
        self.own_loads.in_use(key).filter(|_| !recursion::is_inside(&self.scope))
    }

    /// Ends the flight of a load with its error, if that can be shared.
    pub(super) fn share(&self, load: &Load<R>, error: &R::Error) {
        match self.abilities.clone_error {
            Some(clone) => load.ticket.land(|| Landed::Error(Arc::new(Mutex::new(clone(error))))),
            None => self.leave_to_themselves(load),
        }
    }

    /// Ends the flight of a load without anything to share: who waits loads for itself, so many at a time.
    pub(super) fn leave_to_themselves(&self, load: &Load<R>) {
        // Made before it lands: who comes after that must find them.
        let places = self.own_loads.of(load.key.lookup());
        load.ticket.land(|| Landed::ErrorOfItsOwn(places));
    }
}
