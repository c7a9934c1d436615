//! The order of events, with stores and a clock that the tests hold in their hands.

mod invalidation;
mod layering;
mod lifecycle;
mod proof;
mod sharing;
mod world;
