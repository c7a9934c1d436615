//! Looking through all rows: how much of the store is alive, until when, and from which age on it would fit.

use super::{
    engine::{Engine, Fault, Scanned, guarded},
    row::{Row, is_row},
};
use crate::clock::Timestamp;

/// Up to so many rows the answers are exact; from more, a uniform sample is drawn.
const SAMPLE: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Survey {
    after: Option<Vec<u8>>,
    sample: Vec<Seen>,
    rows: u64,
    live: u64,
}

/// What is remembered of one live row.
#[derive(Debug, Clone, Copy)]
struct Seen {
    age: u64,
    expires: Timestamp,
    bytes: u64,
}

/// The outcome of a whole survey.
#[derive(Debug)]
pub(super) struct Findings {
    sample: Vec<Seen>,
    /// Bytes of the rows that have not expired.
    pub(super) live: u64,
}

impl Survey {
    /// Looks at about `bytes` more. `Some` when everything was seen.
    pub(super) fn step(
        &mut self,
        engine: &dyn Engine,
        bytes: usize,
        now: Timestamp,
    ) -> Result<Option<Findings>, Fault> {
        let mut damaged = false;
        let after = self.after.take();
        let scanned = guarded(|| {
            engine.scan(after.as_deref(), bytes, &mut |key, value| {
                damaged |= is_row(key) && !self.see(key, value, now);
            })
        })?;
        if damaged {
            return Err(Fault::damaged("a row is not what was written"));
        }
        match scanned {
            Scanned::UpTo(key) => {
                self.after = Some(key);
                Ok(None)
            }
            Scanned::Everything => {
                let Self { sample, live, .. } = std::mem::take(self);
                Ok(Some(Findings { sample, live }))
            }
        }
    }

    /// Whether it is a sound row.
    fn see(&mut self, key: &[u8], value: &[u8], now: Timestamp) -> bool {
        let Some(row) = Row::decode(key, value) else { return false };
        let bytes = (key.len() + value.len()) as u64;
        if row.expires <= now {
            return true;
        }
        self.live += bytes;
        self.rows += 1;
        let seen = Seen { age: row.age, expires: row.expires, bytes };
        if self.sample.len() < SAMPLE {
            self.sample.push(seen);
        } else if let Ok(place) = usize::try_from(fastrand::u64(..self.rows))
            && let Some(place) = self.sample.get_mut(place)
        {
            *place = seen;
        }
        true
    }
}

impl Findings {
    /// The age from which on the live rows take at most `keep` bytes.
    pub(super) fn youngest(&mut self, keep: u64) -> u64 {
        if self.live <= keep {
            return 0;
        }
        let sampled: u64 = self.sample.iter().map(|seen| seen.bytes).sum();
        let share = u128::from(keep) * u128::from(sampled) / u128::from(self.live.max(1));
        self.sample.sort_unstable_by_key(|seen| std::cmp::Reverse(seen.age));
        let mut kept = 0;
        let first_out = self.sample.iter().find(|seen| {
            kept += u128::from(seen.bytes);
            kept > share
        });
        first_out.map_or(0, |seen| seen.age.saturating_add(1))
    }

    /// When, at the latest, at most `bytes` are still alive if nothing is written.
    pub(super) fn shrunk_to(&mut self, bytes: u64) -> Timestamp {
        let sampled: u64 = self.sample.iter().map(|seen| seen.bytes).sum();
        let share = u128::from(bytes) * u128::from(sampled) / u128::from(self.live.max(1));
        self.sample.sort_unstable_by_key(|seen| std::cmp::Reverse(seen.expires));
        let mut alive = 0;
        let last = self.sample.iter().find(|seen| {
            alive += u128::from(seen.bytes);
            alive > share
        });
        last.map_or(Timestamp::from_millis(0), |seen| seen.expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(rows: impl Iterator<Item = (u64, u64)>) -> Findings {
        let sample: Vec<_> = rows
            .map(|(age, expires)| Seen { age, expires: Timestamp::from_millis(expires), bytes: 10 })
            .collect();
        let live = sample.len() as u64 * 10;
        Findings { sample, live }
    }

    #[test]
    fn the_youngest_rows_that_fit_are_kept() {
        assert_eq!(findings((1..=10).map(|age| (age, 0))).youngest(30), 8);
    }

    #[test]
    fn everything_is_kept_if_it_fits() {
        assert_eq!(findings((1..=10).map(|age| (age, 0))).youngest(100), 0);
    }

    #[test]
    fn the_moment_when_enough_has_expired_is_known() {
        let mut findings = findings((1..=10).map(|n| (0, n * 1000)));

        assert_eq!(findings.shrunk_to(50), Timestamp::from_millis(5000));
    }
}
