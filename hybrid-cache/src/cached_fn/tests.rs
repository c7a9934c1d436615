//! The order of events, with stores and a clock that the tests hold in their hands.

mod ages;
mod blocking;
mod gate;
mod histories;
mod hit_path;
mod info;
mod invalidation;
mod invalidation_of_many;
mod layering;
mod lifecycle;
mod modes;
mod one_bound;
mod proof;
mod sharing;
mod sizes;
mod store;
mod trouble;
mod warming;
mod world;
