//! What goes wrong in other caches when calls, loads, failures and invalidations meet at the wrong moment, as programs
//! against the public API. Each runs for every set of layers, in worlds of their own, with stores that stand in for Redis
//! and disk; `tests/hostile` and `tests/processes` do the like with real ones.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a helper that cannot do its part ends its test"
)]

mod invalidation;
mod runtimes;
mod source;
mod vanishing;
