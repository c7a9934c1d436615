//! Part of the order of events: what a refresh, a `put` and an expiry by hand do once they know what they want to store.
//!
//! ```text
//! replace     its turn ─► loads doomed ─► redis ─► disk ─► memory ─► loads as before
//!                ├ something newer is wanted: what is stored is removed instead
//!                └ it does not come, as whoever has it is not getting on: the same
//! ```
//!
//! After one of them returned, no layer holds an older answer. Why that is so stands in [`flight`](crate::flight).

use std::{sync::Arc, time::Duration};

use futures_core::future::BoxFuture;

use super::{
    CachedFn,
    answer::{Asked, Caller, Landed, Purpose},
    keep::Copies,
    patience, task,
};
use crate::{
    error::LayerKind,
    flight::{Replacement, Ticket, Verdict},
    invalidated::Invalidated,
    key::{Key, text::KeyText},
    layers::Removal,
    outcome::{Outcome, ReturnedValue},
    record::Dates,
};

impl<R: Outcome> CachedFn<R> {
    /// Stores an answer that the caller already has, in every layer, and forgets the one before it.
    pub fn put(self: &Arc<Self>, key: KeyText, value: ReturnedValue<R>) -> BoxFuture<'static, ()> {
        let (this, value) = (Arc::clone(self), R::keep(value));
        task::to_the_end(async move { this.here().putting(key, value).await })
    }

    pub(super) async fn putting(self: Arc<Self>, key: KeyText, value: R::Value) {
        if !self.enabled || !key.is_usable() {
            return;
        }
        let ticket = self.flights.put(key.lookup(), self.now());
        let load = self.new_load(ticket, self.key(&key), Purpose::Put, Caller::nobody());
        let answer = self.computed(value, Duration::ZERO);
        // The layers are asked when it is its turn.
        Copies::of(&self, load, answer, Asked::nobody()).make().await;
    }

    /// Puts an answer in the place of every older one, in every layer.
    pub(super) async fn replace(&self, copies: &mut Copies<R>) {
        // Before its turn: encoding is code of the value's type.
        let payload = self.payload(&copies.answer);
        let Some(replacement) = patience::turn(&copies.load.ticket).await else {
            // It may be this thread that keeps whoever has the turn from getting on. That one stores nothing any more.
            self.forget_key(&copies.load.key).await;
            return;
        };
        let doom = replacement.doom();
        if replacement.verdict() == Verdict::Nothing {
            // Nor is anything to be waited for: where that takes too long, all answers of the function are forgotten.
            return;
        }
        self.outlive_copies(doom).await;
        if replacement.verdict() == Verdict::Store {
            replacement.stores();
            if copies.load.purpose == Purpose::Put {
                copies.asked = self.ask_layers(&copies.load.key, Purpose::Put).await;
            }
            let replaced = self.copy(copies, payload.as_ref()).await;
            self.remember(&copies.load, &copies.answer);
            if replaced && replacement.verdict() == Verdict::Store {
                doom.cleared();
            }
        }
        // Not `else`: an invalidation that began meanwhile wants it gone again.
        if replacement.verdict() == Verdict::Remove {
            self.forget_everywhere(doom, &copies.load.key).await;
        }
    }

    /// Ends the life of one answer in every layer: from now on it may only be returned as what comes after its life.
    /// Where nothing comes after it, this is an invalidation. Goes on to the end even if its caller goes away.
    pub fn expire(self: &Arc<Self>, key: KeyText) -> BoxFuture<'static, Invalidated> {
        let this = Arc::clone(self);
        task::to_the_end(async move { this.here().expiring(key).await })
    }

    pub(super) async fn expiring(self: Arc<Self>, key: KeyText) -> Invalidated {
        if self.policy.grace().is_zero() {
            return self.forget_one(key).await;
        }
        let key = self.key(&key);
        let ticket = self.flights.expire(key.lookup(), self.now());
        let Some(replacement) = patience::turn(&ticket).await else { return self.forget_key(&key).await };
        if replacement.verdict() == Verdict::Nothing {
            return self.forgotten();
        }
        self.outlive_copies(replacement.doom()).await;
        match replacement.verdict() {
            Verdict::Store => {
                replacement.stores();
                self.redate_everywhere(&replacement, &ticket, &key).await
            }
            Verdict::Remove | Verdict::Nothing => self.forget_everywhere(replacement.doom(), &key).await,
        }
    }

    async fn redate_everywhere(
        &self,
        replacement: &Replacement<Landed<R>>,
        ticket: &Ticket<Landed<R>>,
        key: &Key,
    ) -> Invalidated {
        let doom = replacement.doom();
        // In the order of an invalidation, for the same reasons.
        let mut invalidated = self.expire_in_layers(key, ticket).await;
        let now = self.now();
        let redate = |dates: &Dates| self.policy.expired(dates, now);
        self.forget(doom, |memory| memory.redate(key.lookup(), redate), |failed| failed.remove(key.lookup()));
        self.memory.iter().for_each(|_| invalidated.set(LayerKind::Memory, Ok(Removal::Done)));
        invalidated
    }
}
