//! Servers that tests start and stop themselves. Knows nothing of `hybrid-cache`, so that both the crate's own
//! tests and the black-box tests can use it.
mod redis_server;

pub use redis_server::{RedisServer, RedisServerBuilder};
