//! What the most demanding user does to cached functions, against the public API alone: real stores under racing
//! readers, storms of calls that go away, bodies that need each other in circles, runtimes that come and go, worlds
//! by the thousand.
//!
//! What needs the whole process, its clock, its settings or its memory, runs in a process of its own
//! ([`own_process`]), so all tests run in parallel.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    clippy::unchecked_time_subtraction,
    clippy::semicolon_if_nothing_returned,
    reason = "a helper that cannot do its part ends its test; the rest is what tests are like"
)]

mod effects;
mod life_cycle;
mod options;
mod own_process;
mod real_layers;
mod reentry;
mod runtimes;
mod source;
mod storms;
mod task_locals;
mod worlds;
