//! When to leave a failing Redis alone.
//!
//! A state machine over instants that are passed in: no clock, no locks, no IO. It does not know what a failure
//! is; `redis.rs` tells it.

use std::time::{Duration, Instant};

/// So many failures in a row open the breaker.
const FAILURES_TO_OPEN: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Decides whether an operation may be tried.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Redis is asked. So many failures in a row up to now.
    Closed { failures: u32 },
    /// Redis is not asked before `until`.
    Open { until: Instant, rest: Duration, since: Instant },
    /// One operation is out to see whether Redis is back; the others rest.
    Probing { rest: Duration, since: Instant },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// The answer to [`Breaker::admit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Go ahead.
    Ask,
    /// Go ahead; everybody else waits for how this one ends, so it must be reported.
    Probe,
    /// Do not ask now.
    Rest,
}

/// What an outcome changed; worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Redis is left alone for this long.
    Opened { rest: Duration },
    /// The probe failed as well: left alone again.
    StaysOpen { rest: Duration },
    /// Redis is asked again; it was away for this long.
    Closed { away: Duration },
}

impl Breaker {
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Ask,
            State::Open { until, rest, since } if now >= until => {
                self.state = State::Probing { rest, since };
                Admission::Probe
            }
            State::Open { .. } | State::Probing { .. } => Admission::Rest,
        }
    }

    /// The server answered an operation that was let through as `admission`.
    pub(super) fn succeeded(&mut self, admission: Admission, now: Instant) -> Option<Change> {
        match (&self.state, admission) {
            (State::Probing { since, .. }, Admission::Probe) => {
                let away = now.saturating_duration_since(*since);
                self.state = State::default();
                Some(Change::Closed { away })
            }
            (State::Closed { .. }, _) => {
                self.state = State::default();
                None
            }
            // An operation from before the breaker opened proves nothing about now.
            _ => None,
        }
    }

    /// An operation that was let through as `admission` got no answer. `shorten` in `0.0..=1.0` moves the end of the
    /// rest forward by up to a quarter, so that processes that lost the same server do not all come back at once.
    pub(super) fn failed(&mut self, admission: Admission, now: Instant, shorten: f64) -> Option<Change> {
        match (&self.state, admission) {
            (State::Closed { failures }, _) if failures + 1 < FAILURES_TO_OPEN => {
                self.state = State::Closed { failures: failures + 1 };
                None
            }
            (State::Closed { .. }, _) => {
                let rest = self.open(now, now, FIRST_REST, shorten);
                Some(Change::Opened { rest })
            }
            (State::Probing { rest, since }, Admission::Probe) => {
                let (since, longer) = (*since, rest.saturating_mul(2).min(LONGEST_REST));
                let rest = self.open(now, since, longer, shorten);
                Some(Change::StaysOpen { rest })
            }
            // One of those that were under way when the breaker opened: already counted by what opened it.
            _ => None,
        }
    }

    /// The operation that was let through as `admission` was given up without an outcome.
    pub(super) fn abandoned(&mut self, admission: Admission, now: Instant) {
        if let (State::Probing { rest, since }, Admission::Probe) = (&self.state, admission) {
            // The next operation probes: a caller that went away must not keep Redis out for ever.
            self.state = State::Open { until: now, rest: *rest, since: *since };
        }
    }

    fn open(&mut self, now: Instant, since: Instant, rest: Duration, shorten: f64) -> Duration {
        let jittered = rest.mul_f64(1.0 - 0.25 * shorten.clamp(0.0, 1.0));
        self.state = State::Open { until: now + jittered, rest, since };
        jittered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: f64 = 0.0;
    const SHORT: f64 = 1.0;

    /// A breaker that has just opened, and when.
    fn opened() -> (Breaker, Instant) {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES_TO_OPEN {
            breaker.failed(Admission::Ask, now, FULL);
        }
        (breaker, now)
    }

    #[test]
    fn five_failures_in_a_row_open_it_for_a_second() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            assert_eq!(breaker.failed(Admission::Ask, now, FULL), None);
            assert_eq!(breaker.admit(now), Admission::Ask);
        }

        assert_eq!(breaker.failed(Admission::Ask, now, FULL), Some(Change::Opened { rest: FIRST_REST }));

        assert_eq!(breaker.admit(now), Admission::Rest);
        assert_eq!(breaker.admit(now + Duration::from_millis(999)), Admission::Rest);
        assert_eq!(breaker.admit(now + FIRST_REST), Admission::Probe);
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..20 {
            for _ in 0..4 {
                assert_eq!(breaker.failed(Admission::Ask, now, FULL), None);
            }
            assert_eq!(breaker.succeeded(Admission::Ask, now), None);
        }
        assert_eq!(breaker.admit(now), Admission::Ask);
    }

    #[test]
    fn only_one_operation_probes() {
        let (mut breaker, now) = opened();
        let later = now + FIRST_REST;
        assert_eq!(breaker.admit(later), Admission::Probe);
        assert_eq!(breaker.admit(later), Admission::Rest);
        assert_eq!(breaker.admit(later + LONGEST_REST), Admission::Rest);
    }

    #[test]
    fn a_probe_that_is_answered_closes_it() {
        let (mut breaker, now) = opened();
        let later = now + Duration::from_secs(3);
        let probe = breaker.admit(later);
        assert_eq!(breaker.succeeded(probe, later), Some(Change::Closed { away: Duration::from_secs(3) }));
        assert_eq!(breaker.admit(later), Admission::Ask);
        assert_eq!(breaker.failed(Admission::Ask, later, FULL), None, "the count starts at zero");
    }

    #[test]
    fn each_failed_probe_doubles_the_rest_up_to_thirty_seconds() {
        let (mut breaker, mut now) = opened();
        let mut rests = vec![];
        now += FIRST_REST;
        for _ in 0..7 {
            let probe = breaker.admit(now);
            assert_eq!(probe, Admission::Probe);
            let Some(Change::StaysOpen { rest }) = breaker.failed(probe, now, FULL) else { panic!("closed") };
            rests.push(rest.as_secs());
            now += rest;
        }
        assert_eq!(rests, [2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn jitter_shortens_by_at_most_a_quarter_and_does_not_accumulate() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            breaker.failed(Admission::Ask, now, SHORT);
        }
        let shortest = Duration::from_millis(750);
        assert_eq!(breaker.failed(Admission::Ask, now, SHORT), Some(Change::Opened { rest: shortest }));
        let probe = breaker.admit(now + shortest);
        assert_eq!(
            breaker.failed(probe, now + shortest, SHORT),
            Some(Change::StaysOpen { rest: Duration::from_millis(1500) })
        );
    }

    #[test]
    fn a_probe_whose_caller_went_away_is_followed_by_another() {
        let (mut breaker, now) = opened();
        let later = now + FIRST_REST;
        let probe = breaker.admit(later);
        breaker.abandoned(probe, later);
        assert_eq!(breaker.admit(later), Admission::Probe);
    }

    #[test]
    fn outcomes_of_operations_from_before_it_opened_change_nothing() {
        let (mut breaker, now) = opened();
        assert_eq!(breaker.failed(Admission::Ask, now, FULL), None);
        assert_eq!(breaker.succeeded(Admission::Ask, now), None);
        breaker.abandoned(Admission::Ask, now);
        assert_eq!(breaker.admit(now), Admission::Rest);
        assert_eq!(breaker.admit(now + FIRST_REST), Admission::Probe);
        assert_eq!(breaker.failed(Admission::Ask, now + FIRST_REST, FULL), None, "the probe is still out");
    }
}
