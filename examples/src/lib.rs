//! What the examples have in common: the cities, an expensive question about them, and how a story is told.
//!
//! Nothing in here calls the cache. The stories are `quickstart.rs` and `web_service/`, beside this folder.

pub mod atlas;
pub mod ledger;
pub mod stage;
pub mod tour;
pub mod units;
