//! What the most demanding user does to cached functions, against the public API alone: real stores under racing
//! readers, storms of calls that go away, bodies that need each other in circles, runtimes that come and go, worlds
//! by the thousand.
//!
//! What needs the whole process, its clock, its settings or its memory, runs in a process of its own
//! ([`own_process`]), so all tests run in parallel.

mod life_cycle;
mod own_process;
mod real_layers;
mod reentry;
mod runtimes;
mod source;
mod storms;
mod worlds;
