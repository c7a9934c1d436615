//! What the benches share: how candidates are measured side by side, and how the figures are shown.
//!
//! Each bench answers one question. It measures its candidates in turn, round by round in one process, so that whatever
//! slows the machine down for a while slows all of them; prints a table; and writes the same as JSON under `target/bench/`.

pub mod apart;
pub mod figures;
pub mod keys;
pub mod options;
pub mod plot;
pub mod report;
pub mod set_up;
pub mod user;
