//! How long an answer is good, as pure functions of dates: no IO, no clock, no layer.

use std::time::Duration;

use crate::{clock::Timestamp, definition::RefreshAhead, error::LayerKind, record::Dates};

/// What the options of one cached function say about the life of its answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Policy {
    /// How long a copy is fresh, per layer.
    pub(crate) ttl: PerLayer<Duration>,
    /// An upper bound for answers that are `None`; zero: they are not kept.
    pub(crate) none_ttl: Duration,
    /// How long an error is given out again; zero: not at all.
    pub(crate) err_ttl: Duration,
    /// The largest part of its life that an entry may lose, 0.0 to 1.0.
    pub(crate) jitter: f64,
    /// For how long after its life an answer is returned while a newer one is computed.
    pub(crate) stale: Duration,
    /// For how long after its life an answer is returned if no newer one can be computed.
    pub(crate) stale_if_error: Duration,
    pub(crate) refresh_ahead: RefreshAhead,
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
    /// It may be returned, while a newer one is computed behind the caller's back.
    Stale,
    /// It may be returned if no newer one can be computed.
    LastResort,
    /// It may not be returned.
    Expired,
}

/// One answer's life before it is divided among the layers. The random part is drawn once per answer, so
/// that all its copies agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Life {
    pub(crate) computed_at: Timestamp,
    /// The longest life that this very answer may have, because it is `None` or says so itself.
    pub(crate) limit: Duration,
    /// 0.0 to 1.0: how much of the jitter this answer got.
    pub(crate) draw: f64,
}

/// A failed refresh is not repeated for at most this long.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How far the clocks of machines that share a store may be apart. An answer from a clock that is further ahead than that
/// is not used: it would be granted a new life at every reading until our clock has caught up.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// How many load times before its end an answer may first be refreshed by chance. Beyond that the chance is below one in
/// a hundred million.
const LOAD_TIMES_AHEAD: u32 = 20;

impl Policy {
    /// What may be done with a copy that has these dates.
    #[inline]
    pub(crate) fn freshness(&self, dates: &Dates, now: Timestamp) -> Freshness {
        if now < dates.fresh_until {
            return Freshness::Fresh;
        }
        let past = now.since(dates.fresh_until);
        match now {
            _ if now >= dates.kept_until => Freshness::Expired,
            _ if past < self.stale => Freshness::Stale,
            _ if past < self.stale_if_error => Freshness::LastResort,
            _ => Freshness::Expired,
        }
    }

    /// Until when a copy may be returned while a newer one is computed.
    pub(crate) fn stale_until(&self, dates: &Dates) -> Timestamp {
        dates.fresh_until.plus(self.stale).min(dates.kept_until)
    }

    /// Until when a copy may be returned at all.
    pub(crate) fn returned_until(&self, dates: &Dates) -> Timestamp {
        dates.fresh_until.plus(self.grace()).min(dates.kept_until)
    }

    /// For how long after its life an answer is kept.
    pub(crate) fn grace(&self) -> Duration {
        self.stale.max(self.stale_if_error)
    }

    /// Whether a failed load makes a difference for later calls.
    pub(crate) fn remembers_failures(&self) -> bool {
        !self.grace().is_zero() || !self.err_ttl.is_zero()
    }

    /// How long after a failed load an old answer counts as fresh, so that a failing source is not asked by every call.
    pub(crate) fn pause(&self) -> Duration {
        let PerLayer { memory, redis, disk } = self.ttl;
        (memory.min(redis).min(disk) / 10).min(LONGEST_PAUSE)
    }

    /// The dates of a newly computed answer in `layer`; `None` if it is not to be kept there at all.
    pub(crate) fn computed(&self, layer: LayerKind, life: Life) -> Option<Dates> {
        let ttl = self.ttl_of(layer, life.limit);
        let ttl = part_of(ttl, 1.0 - self.jitter * life.draw);
        let fresh_until = life.computed_at.plus(ttl);
        (fresh_until > life.computed_at).then_some(Dates {
            computed_at: life.computed_at,
            fresh_until,
            kept_until: fresh_until.plus(self.grace()),
        })
    }

    /// The dates that a copy found in `layer` has for us, whatever wrote it; `None` if it was computed in the future, so
    /// that nobody can tell how old it is.
    ///
    /// A `ttl` that has been shortened since the record was written holds for old records too.
    pub(crate) fn found(
        &self,
        layer: LayerKind,
        dates: &Dates,
        limit: Duration,
        now: Timestamp,
    ) -> Option<Dates> {
        if dates.computed_at > now.plus(CLOCK_SKEW) {
            return None;
        }
        let computed_at = dates.computed_at.min(now);
        // A copy's own life counts from when it was copied, which is not recorded: the most it can have left is a whole
        // `ttl` from now, and it ends with the longest life that any copy of the answer has.
        let longest = self.longest_ttl().min(limit);
        let end = now.plus(self.ttl_of(layer, limit)).min(computed_at.plus(longest));
        let fresh_until = dates.fresh_until.min(end);
        let kept_until = dates.kept_until.min(fresh_until.plus(self.grace()));
        Some(Dates { computed_at, fresh_until, kept_until })
    }

    /// The dates of a copy made at `now` into `layer` of a copy that has `source` for its dates: never longer than the
    /// source's. `None` if nothing of its life is left.
    pub(crate) fn copied(
        &self,
        layer: LayerKind,
        source: &Dates,
        limit: Duration,
        now: Timestamp,
    ) -> Option<Dates> {
        let fresh_until = source.fresh_until.min(now.plus(self.ttl_of(layer, limit)));
        let kept_until = source.kept_until.min(fresh_until.plus(self.grace()));
        (kept_until > now).then_some(Dates { computed_at: source.computed_at, fresh_until, kept_until })
    }

    /// The dates of a copy that was expired by hand at `now`: its life is over, what comes after its life begins.
    pub(crate) fn expired(&self, dates: &Dates, now: Timestamp) -> Dates {
        let fresh_until = dates.fresh_until.min(now);
        let kept_until = dates.kept_until.min(fresh_until.plus(self.grace()));
        Dates { computed_at: dates.computed_at.min(fresh_until), fresh_until, kept_until }
    }

    /// From when on a copy whose life began at `from` may be due for a refresh; where nothing is refreshed ahead, when
    /// its life ends.
    pub(crate) fn due_from(&self, dates: &Dates, from: Timestamp, load_time: Duration) -> Timestamp {
        match self.refresh_ahead {
            RefreshAhead::Off => dates.fresh_until,
            RefreshAhead::Fraction(fraction) => from.plus(part_of(dates.fresh_until.since(from), fraction)),
            RefreshAhead::Probabilistic => {
                dates.fresh_until.minus(load_time.saturating_mul(LOAD_TIMES_AHEAD))
            }
        }
    }

    /// Whether a fresh copy is due for a refresh: whether a call that finds it has the next answer computed.
    ///
    /// By chance, this is what is known as `XFetch`: the call pretends that it is later than it is, by the load time and
    /// an exponentially distributed factor. `draw` is uniform in 0.0 to 1.0.
    pub(crate) fn is_due(&self, dates: &Dates, due_from: Timestamp, now: Timestamp, draw: f64) -> bool {
        match self.refresh_ahead {
            RefreshAhead::Off => false,
            RefreshAhead::Fraction(_) => now >= due_from,
            RefreshAhead::Probabilistic => {
                let load_time = dates.fresh_until.since(due_from) / LOAD_TIMES_AHEAD;
                let ahead = -draw.max(f64::MIN_POSITIVE).ln() * load_time.as_secs_f64();
                now.since(
                    dates.fresh_until.minus(Duration::try_from_secs_f64(ahead).unwrap_or(Duration::MAX)),
                ) > Duration::ZERO
            }
        }
    }

    /// Whether a fresh copy in a slower layer spares a refresh the body: the answer in hand has `old` for its dates.
    pub(crate) fn spares_load(
        &self,
        found: &Dates,
        old: &Dates,
        load_time: Duration,
        now: Timestamp,
    ) -> bool {
        let over = matches!(self.refresh_ahead, RefreshAhead::Fraction(_))
            && now >= self.due_from(found, found.computed_at, load_time);
        // One from before the answer in hand is there if its layer could not be reached since; its life may well be longer.
        let older = found.computed_at < old.computed_at;
        found.fresh_until > old.fresh_until && !older && !over
    }

    fn longest_ttl(&self) -> Duration {
        let PerLayer { memory, redis, disk } = self.ttl;
        memory.max(redis).max(disk)
    }

    fn ttl_of(&self, layer: LayerKind, limit: Duration) -> Duration {
        self.ttl.get(layer).min(limit)
    }
}

/// The part of `whole` that `part` says, 0.0 to 1.0; all of it where that is no number, or rounds to more than a `Duration`
/// can be: `Duration::MAX` stands for "for ever" in people's constants.
fn part_of(whole: Duration, part: f64) -> Duration {
    Duration::try_from_secs_f64(whole.as_secs_f64() * part.clamp(0.0, 1.0)).unwrap_or(whole)
}

#[cfg(test)]
mod tests;
