//! What Redis refuses to do, said once when it begins and once when it ends.
//!
//! A server that answers is no server in trouble, so the breaker lets it be asked on; but one that is full, or whose user may
//! only read, keeps nothing, and somebody should hear of it. This file does not know what was asked, only what for.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// A refusal that comes and goes, as where some keys are another server's, is said this often at most.
const PAUSE: Duration = Duration::from_mins(1);

/// What something is asked of Redis for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Store,
    Forget,
}

/// Of one server.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    read: Refusal,
    store: Refusal,
    forget: Refusal,
}

#[derive(Debug, Default)]
struct Refusal {
    /// Whether it was said that it has begun, and not yet that it has ended.
    lasts: AtomicBool,
    said: Mutex<Option<Instant>>,
}

impl Refusals {
    /// Something was refused; whether that is news.
    pub(super) fn begin(&self, purpose: Purpose, now: Instant) -> bool {
        let refusal = self.of(purpose);
        if refusal.lasts.load(Relaxed) {
            return false;
        }
        let mut said = refusal.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_some_and(|said| now.saturating_duration_since(said) < PAUSE) {
            return false;
        }
        *said = Some(now);
        !refusal.lasts.swap(true, Relaxed)
    }

    /// Something was done; whether that is news.
    pub(super) fn end(&self, purpose: Purpose) -> bool {
        let lasts = &self.of(purpose).lasts;
        lasts.load(Relaxed) && lasts.swap(false, Relaxed)
    }

    const fn of(&self, purpose: Purpose) -> &Refusal {
        match purpose {
            Purpose::Read => &self.read,
            Purpose::Store => &self.store,
            Purpose::Forget => &self.forget,
        }
    }
}

impl Purpose {
    /// What is refused, for a log line.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Store => "store",
            Self::Forget => "forget",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_news_when_it_begins_and_when_it_ends() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        assert!(!refusals.end(Purpose::Store), "nothing was refused");
        assert!(refusals.begin(Purpose::Store, now));
        assert!((0..100).all(|_| !refusals.begin(Purpose::Store, now)));
        assert!(refusals.begin(Purpose::Forget, now), "another matter");
        assert!(refusals.end(Purpose::Store));
        assert!(!refusals.end(Purpose::Store));
    }

    #[test]
    fn a_refusal_that_comes_and_goes_is_said_once_a_minute() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        assert!(refusals.begin(Purpose::Read, now) && refusals.end(Purpose::Read));
        for second in 0..60 {
            assert!(!refusals.begin(Purpose::Read, now + Duration::from_secs(second)));
            assert!(!refusals.end(Purpose::Read));
        }
        assert!(refusals.begin(Purpose::Read, now + PAUSE));
        // It counts from when it was said, not from when it was noticed last.
        assert!(!refusals.begin(Purpose::Read, now + PAUSE * 3) && refusals.end(Purpose::Read));
        assert!(refusals.begin(Purpose::Read, now + PAUSE * 3));
    }
}
