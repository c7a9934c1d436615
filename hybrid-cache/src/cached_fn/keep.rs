//! How an answer gets into memory and into a byte layer, with which dates and marks, and whether one that is found there
//! is believed. Not when, and in which order: that is in `cached_fn.rs`.

use std::sync::atomic::Ordering::Relaxed;

use super::{
    CachedFn,
    answer::{Answer, Asked, Landed, Origin, Stored, Target},
};
use crate::{
    clock::Timestamp,
    error::{LayerError, LayerKind},
    flight::Ticket,
    key::Key,
    outcome::Outcome,
    policy::{Freshness, Life, Policy},
    record::{self, Current, Dates, Marks, refusal::Refusal},
};

impl<R: Outcome> CachedFn<R> {
    pub(super) fn remember(
        &self,
        ticket: &Ticket<Landed<R>>,
        key: &Key,
        answer: &Answer<R::Value>,
        stored: Stored,
    ) {
        let Some(memory) = &self.memory else { return };
        let now = self.runtime.clock.now();
        let value = match self.dates(LayerKind::Memory, answer, now) {
            Some(dates) => Some((answer.value.clone(), dates)),
            None if stored == Stored::Wanted => return,
            None => None,
        };
        // Refused if the flight is doomed: then nothing is to be left behind.
        let _ = ticket.store(|| match value {
            Some((value, dates)) => memory.insert(key.lookup(), value, dates, now),
            None => memory.remove(key.lookup()),
        });
    }

    /// Copies an answer into the byte layers, one after the other, unless an invalidation forbids it meanwhile.
    pub(super) async fn copy(
        &self,
        ticket: &Ticket<Landed<R>>,
        key: &Key,
        answer: &Answer<R::Value>,
        asked: &Asked<'_, R::Value>,
        stored: Stored,
    ) {
        if stored != Stored::Wanted {
            // What these hold is older, and they would be read again once they answer.
            for layer in &asked.unknown {
                let _ = layer.remove(key, self.trace).await;
            }
        }
        if asked.without.is_empty() {
            return;
        }
        let encoded = match &answer.origin {
            Origin::Body(_) => self.records.encode(&answer.value),
            Origin::Copy(..) => None,
        };
        let payload = match &answer.origin {
            Origin::Body(_) => encoded.as_ref(),
            Origin::Copy(_, _, payload) => Some(payload),
        };
        // A fill keeps the generation that it found, so that copies elsewhere stay as good as they were.
        let inherited =
            asked.shared.and_then(|shared| shared.generation).filter(|_| stored != Stored::Replaced);
        let generation = match &answer.origin {
            Origin::Body(_) => inherited.unwrap_or_else(record::new_generation),
            Origin::Copy(_, generation, _) => *generation,
        };
        for Target { layer, epoch } in &asked.without {
            let now = self.runtime.clock.now();
            let Some(_copying) = ticket.begin_copy() else { return };
            let copied = match (payload, self.dates(layer.kind(), answer, now)) {
                (Some(payload), Some(dates)) => {
                    let private = !layer.kind().is_shared();
                    let shared_epoch = asked.shared.map(|shared| shared.epoch).filter(|_| private);
                    let marks = Marks { generation, epoch: *epoch, shared_epoch };
                    let record = self.records.seal(key, &marks, &dates, answer.load_time, payload);
                    let life = dates.kept_until.since(now);
                    // What follows an invalidation stays until every copy from before it has died of age.
                    let follows = !private && (inherited.is_some() || stored == Stored::Replaced);
                    layer.put(key, record, if follows { life.max(self.trace) } else { life }).await
                }
                _ if stored == Stored::Wanted => continue,
                _ => layer.remove(key, self.trace).await.map(drop),
            };
            if let Err(error) = copied {
                self.layer_failed(layer.kind(), &error);
                if stored != Stored::Wanted {
                    // Better nothing than the answer that this one replaces.
                    let _ = layer.remove(key, self.trace).await;
                }
            }
        }
    }

    /// What a record holds, if it is ours, of this key, and fresh.
    pub(super) fn trust(
        &self,
        layer: LayerKind,
        record: Vec<u8>,
        key: &Key,
        current: &Current,
    ) -> Option<Answer<R::Value>> {
        let opened = match self.records.open(record, key, current) {
            Ok(opened) => opened,
            Err(Refusal::Void) => return None,
            Err(refusal) => {
                self.counters.record_refused();
                tracing::debug!(function = %self.scope, %layer, %refusal, "a record was refused");
                return None;
            }
        };
        let now = self.runtime.clock.now();
        let dates = self.policy.found(layer, &opened.dates, self.is_none(&opened.value), now);
        (Policy::freshness(&dates, now) == Freshness::Fresh).then(|| Answer {
            value: opened.value,
            origin: Origin::Copy(dates, opened.generation, opened.payload),
            load_time: opened.load_time,
        })
    }

    pub(super) fn dates(&self, layer: LayerKind, answer: &Answer<R::Value>, now: Timestamp) -> Option<Dates> {
        match &answer.origin {
            Origin::Body(life) => self.policy.computed(layer, *life),
            Origin::Copy(dates, ..) => self.policy.copied(layer, dates, self.is_none(&answer.value), now),
        }
    }

    /// What memory holds and may be returned, without a trace of having looked.
    pub(super) fn remembered(&self, key: &str) -> Option<R::Value> {
        let now = self.runtime.clock.now();
        self.memory.as_ref()?.peek(key, |entry| {
            (Policy::freshness(&entry.dates, now) == Freshness::Fresh).then(|| entry.value.clone())
        })?
    }

    pub(super) fn is_none(&self, value: &R::Value) -> bool {
        self.is_none.is_some_and(|is_none| is_none(value))
    }

    pub(super) fn life_of(&self, value: &R::Value) -> Life {
        let computed_at = self.runtime.clock.now();
        Life { computed_at, none: self.is_none(value), draw: fastrand::f64() }
    }

    pub(super) fn layer_failed(&self, layer: LayerKind, error: &LayerError) {
        self.counters.layer_failed(layer);
        if matches!(error, LayerError::TooLarge { .. }) && !self.said_too_large.swap(true, Relaxed) {
            tracing::warn!(
                function = %self.scope,
                error = error as &dyn std::error::Error,
                "an answer is too large for a layer and is not kept there; this is said once for each function",
            );
        }
    }
}
