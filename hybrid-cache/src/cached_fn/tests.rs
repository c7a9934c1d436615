//! The order of events, with stores and a clock that the tests hold in their hands.

mod ages;
mod gate;
mod histories;
mod invalidation;
mod layering;
mod lifecycle;
mod proof;
mod sharing;
mod store;
mod world;
