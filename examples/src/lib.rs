//! What the examples have in common: the cities, an expensive question about them, and how numbers are printed.
//!
//! Nothing in here knows about caching. The stories are `quickstart.rs` and `web_service/`, beside this folder.

pub mod atlas;
pub mod tour;
pub mod units;
