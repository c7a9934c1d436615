//! What is generated allows nothing that a program might forbid for good: a lint that is forbidden cannot be allowed again, so
//! that would be an error in the program.

#![forbid(
    unsafe_code,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_used
)]

use std::sync::Arc;

/// An answer.
///
/// # Errors
///
/// Without an id.
#[hc::cached(crate = hc, layers = "mem", ttl = 60, err_ttl = 1, stale = 10)]
pub async fn found(id: u64, name: &str, lang: Option<u8>) -> Result<String, u8> {
    if id == 0 || lang.is_none() { Err(1) } else { Ok(name.to_owned()) }
}

/// Not async.
#[hc::cached(crate = hc, layers = "mem")]
pub fn doubled(id: u64) -> u64 {
    id.saturating_mul(2)
}

/// Not async, and fails.
///
/// # Errors
///
/// Without an id.
#[hc::cached(crate = hc, layers = "mem")]
pub fn halved(id: u64) -> Result<u64, u8> {
    id.checked_div(2).filter(|half| *half > 0).ok_or(1)
}

/// Whose types are as long as they may be.
#[hc::cached(crate = hc, layers = "mem")]
#[expect(clippy::type_complexity, reason = "what is allowed of a function is allowed of its companions")]
pub async fn counted(
    words: Vec<(Option<Vec<(u8, u8)>>, Result<Vec<(u8, u8)>, Vec<(u8, u8)>>, Option<Option<Vec<(u8, u8)>>>)>,
) -> usize {
    words.len()
}

/// Of any type.
#[hc::cached(crate = hc, layers = "mem", inline)]
pub async fn shown<T: ToString + serde::Serialize + 'static>(value: T) -> String {
    value.to_string()
}

/// With methods.
#[derive(Debug, Clone, Copy)]
pub struct Shop(pub u64);

impl Shop {
    /// A method.
    #[hc::cached(crate = hc, layers = "mem", key = "{self.0}:{id}")]
    pub async fn price(self: &Arc<Self>, id: u64) -> u64 {
        self.0.saturating_add(id)
    }
}

/// Changes an answer.
///
/// # Errors
///
/// Without an id.
#[hc::invalidates(crate = hc, found(id, name, None), all(doubled))]
pub async fn change(id: u64, name: &str) -> Result<(), u8> {
    if id == 0 || name.is_empty() { Err(1) } else { Ok(()) }
}

/// Computes an answer anew.
///
/// # Errors
///
/// Without an id.
#[hc::updates(crate = hc, doubled(id))]
pub fn double(id: u64) -> Result<u64, u8> {
    if id == 0 { Err(1) } else { Ok(id.saturating_mul(2)) }
}
