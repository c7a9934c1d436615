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
    pub(crate) fn freshness(dates: &Dates, now: Timestamp) -> Freshness {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn policy(ttl: u64, none_ttl: u64, jitter: f64) -> Policy {
        Policy {
            ttl: PerLayer::same(SECOND * u32::try_from(ttl).unwrap()),
            none_ttl: SECOND * u32::try_from(none_ttl).unwrap(),
            jitter,
        }
    }

    fn dates(computed_at: u64, until: u64) -> Dates {
        Dates { computed_at: at(computed_at), fresh_until: at(until), kept_until: at(until) }
    }

    #[test]
    fn an_answer_is_fresh_up_to_its_ttl_and_not_a_moment_longer() {
        let life = Life { computed_at: at(100), none: false, draw: 0.0 };
        let policy = policy(10, 30, 0.5);
        let dates = policy.computed(LayerKind::Memory, life).unwrap();
        assert_eq!(Policy::freshness(&dates, Timestamp::from_millis(109_999)), Freshness::Fresh);
        assert_eq!(Policy::freshness(&dates, at(110)), Freshness::Expired);
    }

    #[test]
    fn a_none_lives_for_the_shorter_of_both_times_and_zero_keeps_none_of_it() {
        let life = Life { computed_at: at(100), none: true, draw: 0.0 };
        let fresh_until = |ttl, none_ttl| {
            policy(ttl, none_ttl, 0.0).computed(LayerKind::Redis, life).map(|dates| dates.fresh_until)
        };
        assert_eq!(fresh_until(10, 30), Some(at(110)));
        assert_eq!(fresh_until(60, 30), Some(at(130)));
        assert_eq!(fresh_until(60, 0), None);
    }

    #[test]
    fn a_record_from_a_clock_that_is_ahead_lives_no_longer_than_one_of_ours() {
        let found = policy(10, 30, 0.0).found(LayerKind::Redis, &dates(5_000, 5_010), false, at(100));
        assert_eq!(found, dates(100, 110));
    }

    #[test]
    fn a_ttl_that_was_shortened_holds_for_records_from_before() {
        let found = policy(10, 30, 0.0).found(LayerKind::Disk, &dates(90, 4_000), false, at(100));
        assert_eq!(found.fresh_until, at(110));
    }

    #[test]
    fn nothing_is_copied_of_what_has_no_life_left() {
        assert_eq!(policy(10, 30, 0.0).copied(LayerKind::Memory, &dates(50, 100), false, at(100)), None);
    }

    proptest! {
        #[test]
        fn no_sequence_of_copies_makes_an_answer_older_than_the_ttl_it_was_computed_with(
            ttls in prop::array::uniform3(1_u64..1_000),
            none_ttl in 0_u64..1_000,
            none: bool,
            jitter in 0.0..0.99_f64,
            draw in 0.0..1.0_f64,
            steps in prop::collection::vec((0_usize..3, 0_u64..500), 1..10),
        ) {
            let layers = [LayerKind::Memory, LayerKind::Redis, LayerKind::Disk];
            let mut policy = policy(1, none_ttl, jitter);
            for (layer, ttl) in layers.into_iter().zip(ttls) {
                policy.ttl.set(layer, SECOND * u32::try_from(ttl).unwrap());
            }
            let life = Life { computed_at: at(10_000), none, draw };
            let limit = |layer| if none { policy.ttl.get(layer).min(policy.none_ttl) } else { policy.ttl.get(layer) };
            let (mut layer, mut now) = (layers[steps[0].0], at(10_000));
            let Some(mut copy) = policy.computed(layer, life) else { return Ok(()) };
            let end = copy.fresh_until;
            prop_assert!(end <= now.plus(limit(layer)));
            for (next, wait) in steps {
                now = now.plus(SECOND * u32::try_from(wait).unwrap());
                let found = policy.found(layer, &copy, none, now);
                prop_assert!(found.fresh_until <= end);
                if Policy::freshness(&found, now) == Freshness::Expired { break }
                layer = layers[next];
                let Some(copied) = policy.copied(layer, &found, none, now) else { break };
                prop_assert!(copied.fresh_until <= end && copied.fresh_until <= now.plus(limit(layer)));
                prop_assert_eq!(copied.computed_at, life.computed_at);
                copy = copied;
            }
        }
    }
}
