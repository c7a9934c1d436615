//! How long an answer is good, as pure functions of dates: no IO, no clock, no layer.

use std::time::Duration;

use crate::{clock::Timestamp, error::LayerKind, record::Dates};

/// What the options of one cached function say about the life of its answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Policy {
    /// How long a copy is fresh, per layer.
    pub(crate) ttl: PerLayer<Duration>,
    /// An upper bound for answers that are `None`; zero: they are not kept.
    pub(crate) none_ttl: Duration,
    /// The largest part of its life that an entry may lose, 0.0 to 1.0.
    pub(crate) jitter: f64,
}

/// One value for each layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PerLayer<T> {
    pub(crate) memory: T,
    pub(crate) redis: T,
    pub(crate) disk: T,
}

impl<T: Copy> PerLayer<T> {
    pub(crate) const fn same(value: T) -> Self {
        Self { memory: value, redis: value, disk: value }
    }

    pub(crate) const fn get(&self, layer: LayerKind) -> T {
        match layer {
            LayerKind::Memory => self.memory,
            LayerKind::Redis => self.redis,
            LayerKind::Disk => self.disk,
        }
    }

    pub(crate) const fn set(&mut self, layer: LayerKind, value: T) {
        match layer {
            LayerKind::Memory => self.memory = value,
            LayerKind::Redis => self.redis = value,
            LayerKind::Disk => self.disk = value,
        }
    }
}

/// What may be done with a copy at a given moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It may be returned.
    Fresh,
    /// It may not.
    Expired,
}

/// One answer's life before it is divided among the layers. The random part is drawn once per answer, so
/// that all its copies agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Life {
    pub(crate) computed_at: Timestamp,
    /// Whether the answer is `None`.
    pub(crate) none: bool,
    /// 0.0 to 1.0: how much of the jitter this answer got.
    pub(crate) draw: f64,
}

impl Policy {
    /// Whether a copy with these dates may be returned at `now`.
    pub(crate) fn freshness(&self, dates: &Dates, now: Timestamp) -> Freshness {
        if now < dates.fresh_until { Freshness::Fresh } else { Freshness::Expired }
    }

    /// The dates of a newly computed answer in `layer`; `None` if it is not to be kept there at all.
    pub(crate) fn computed(&self, layer: LayerKind, life: Life) -> Option<Dates> {
        let ttl = self.ttl_of(layer, life.none);
        let ttl = ttl.mul_f64(1.0 - (self.jitter * life.draw).clamp(0.0, 1.0));
        let fresh_until = life.computed_at.plus(ttl);
        (fresh_until > life.computed_at).then_some(Dates {
            computed_at: life.computed_at,
            fresh_until,
            kept_until: fresh_until,
        })
    }

    /// The dates that a copy found in `layer` has for us, whatever wrote it.
    ///
    /// A writer whose clock is ahead must not lengthen a life, so a date in the future counts as now; and a `ttl`
    /// that has been shortened since the record was written holds for old records too.
    pub(crate) fn found(&self, layer: LayerKind, dates: &Dates, none: bool, now: Timestamp) -> Dates {
        let computed_at = dates.computed_at.min(now);
        // A copy's own life counts from when it was copied, which is not recorded: the most it can have left is a
        // whole `ttl` from now.
        let fresh_until = dates.fresh_until.min(now.plus(self.ttl_of(layer, none)));
        Dates { computed_at, fresh_until, kept_until: dates.kept_until.min(fresh_until) }
    }

    /// The dates of a copy made at `now` into `layer` of a copy that has `source` for its dates: never longer than the
    /// source's. `None` if nothing of its life is left.
    pub(crate) fn copied(
        &self,
        layer: LayerKind,
        source: &Dates,
        none: bool,
        now: Timestamp,
    ) -> Option<Dates> {
        let fresh_until = source.fresh_until.min(now.plus(self.ttl_of(layer, none)));
        (fresh_until > now).then_some(Dates {
            computed_at: source.computed_at,
            fresh_until,
            kept_until: source.kept_until.min(fresh_until),
        })
    }

    fn ttl_of(&self, layer: LayerKind, none: bool) -> Duration {
        let ttl = self.ttl.get(layer);
        if none { ttl.min(self.none_ttl) } else { ttl }
    }
}
