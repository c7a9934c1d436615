//! The order of events, with stores and a clock that the tests hold in their hands.

mod invalidation;
mod layering;
mod proof;
mod sharing;
mod world;
