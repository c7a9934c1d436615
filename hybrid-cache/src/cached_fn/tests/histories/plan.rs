//! What chance decides for a whole history: the function, its options, who does how much.

use std::time::Duration;

use fastrand::Rng;

use super::super::world::{ALL, BYTES, MEMORY, TTL};
use crate::{definition::Definition, error::LayerKind};

const MEMORY_AND_REDIS: &[LayerKind] = &[LayerKind::Memory, LayerKind::Redis];
const MEMORY_AND_DISK: &[LayerKind] = &[LayerKind::Memory, LayerKind::Disk];

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Whether nothing happens between two steps of which neither awaits anything.
    pub(super) on_one_thread: bool,
    pub(super) layers: &'static [LayerKind],
    pub(super) stale: Duration,
    pub(super) stale_if_error: Duration,
    pub(super) err_ttl: Duration,
    pub(super) refresh_ahead: Ahead,
    /// Whether those who wait for a load get the same error as its leader.
    pub(super) errors_are_shared: bool,
    pub(super) keys: usize,
    pub(super) tasks: u64,
    pub(super) steps: usize,
    /// What happens more often than the rest, as a throw of the die: what takes many of a kind to go wrong would else be
    /// rare.
    pub(super) favourite: u32,
    /// What may happen besides calls.
    pub(super) kind: Kind,
    /// Whether removals that a Redis which is down is asked for wait until it is back.
    pub(super) redis_queues: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    Off,
    Half,
    ByChance,
}

/// How much happens in a history: the less, the more can be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but calls.
    Calls,
    /// Everything but trouble: no layer goes down, no entry is evicted, time stands still.
    Quiet,
    Everything,
}

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut maybe = |seconds: u64| if rng.bool() { Duration::from_secs(seconds) } else { Duration::ZERO };
        let (stale, stale_if_error, err_ttl) = (maybe(30), maybe(150), maybe(20));
        Self {
            seed,
            on_one_thread: false,
            layers: [MEMORY, ALL, ALL, BYTES, BYTES, MEMORY_AND_REDIS, MEMORY_AND_DISK][rng.usize(..7)],
            stale,
            stale_if_error,
            err_ttl,
            refresh_ahead: [Ahead::Off, Ahead::Off, Ahead::Half, Ahead::ByChance][rng.usize(..4)],
            errors_are_shared: !err_ttl.is_zero() || rng.bool(),
            keys: rng.usize(1..=3),
            tasks: rng.u64(2..=6),
            steps: rng.usize(2..=10),
            favourite: rng.u32(..100),
            kind: if rng.u8(..3) == 0 { Kind::Quiet } else { Kind::Everything },
            redis_queues: rng.bool(),
        }
    }

    /// Many calls of one key at the same time, and nothing else. With memory: without, a caller that goes away while its
    /// answer is being stored takes the answer along.
    pub(super) fn of_calls_alone(seed: u64) -> Self {
        let (stale, stale_if_error, err_ttl) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let (refresh_ahead, keys, tasks, steps) = (Ahead::Off, 1, 8, 3);
        Self {
            stale,
            stale_if_error,
            err_ttl,
            refresh_ahead,
            keys,
            tasks,
            steps,
            kind: Kind::Calls,
            layers: [MEMORY, ALL][Rng::with_seed(seed).usize(..2)],
            ..Self::of(seed)
        }
    }

    pub(super) fn definition(&self) -> Definition {
        let definition = Definition::named("f")
            .layers(self.layers)
            .ttl(TTL)
            .stale(self.stale)
            .stale_if_error(self.stale_if_error)
            .err_ttl(self.err_ttl);
        match self.refresh_ahead {
            Ahead::Off => definition,
            Ahead::Half => definition.refresh_ahead(0.5),
            Ahead::ByChance => definition.refresh_ahead_by_chance(),
        }
    }

    /// For how long after its life an answer may be returned at all.
    pub(super) fn grace(&self) -> Duration {
        self.stale.max(self.stale_if_error)
    }

    /// How long after a failure the source is left alone.
    pub(super) fn pause() -> Duration {
        TTL / 10
    }
}
