//! The cached functions of the shop.

use std::fmt;

use hybrid_cache::cached;
use serde::{Deserialize, Serialize};

use crate::source::consult;

/// An answer that can be checked: its parts say the same thing twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quote {
    id: u64,
    price: u64,
    words: String,
}

impl Quote {
    pub(crate) fn new(id: u64, price: u64) -> Self {
        Self { id, price, words: format!("number {id} costs {price}") }
    }

    /// Whether this is an undamaged answer to a question about `id`.
    pub(crate) fn is_of(&self, id: u64) -> bool {
        *self == Self::new(id, self.price)
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_of(self.id) { write!(f, "{}", self.price) } else { write!(f, "garbage: {self:?}") }
    }
}

/// Cannot be cloned, so it cannot be shared.
#[derive(Debug)]
pub(crate) struct NoQuote;

impl fmt::Display for NoQuote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no quote")
    }
}

/// There is no quote for this one.
pub(crate) const UNKNOWN_ID: u64 = 404;

/// The body panics over this one while the price is 1.
pub(crate) const UNLUCKY_ID: u64 = 500;

/// In every layer.
#[cached(name = "shop.quote", layers = "mem,redis,disk", ttl = "1h", capacity = 100_000)]
pub(crate) async fn quote(id: u64) -> Result<Quote, NoQuote> {
    let price = consult().await;
    assert!(id != UNLUCKY_ID || price > 1, "this one is cursed");
    if id == UNKNOWN_ID { Err(NoQuote) } else { Ok(Quote::new(id, price)) }
}

/// Gone from memory long before it is gone elsewhere.
#[cached(name = "shop.brief", layers = "mem,redis,disk", ttl(mem = 1, redis = "1h", disk = "1h"))]
pub(crate) async fn brief(id: u64) -> Quote {
    Quote::new(id, consult().await)
}

/// Where the settings say.
#[cached(name = "shop.plain")]
pub(crate) async fn plain(id: u64) -> Quote {
    Quote::new(id, consult().await)
}

/// Its name differs from that of [`plain`] in a character that variables do not have.
#[cached(name = "shop-plain")]
pub(crate) async fn twin(id: u64) -> u64 {
    id + consult().await
}

/// A type that only memory can keep.
#[derive(Debug, Clone)]
pub(crate) struct Drawing(u64);

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the settings say, but for its type.
#[cached(name = "shop.drawing")]
pub(crate) async fn drawing(id: u64) -> Drawing {
    let _ = id;
    Drawing(consult().await)
}

/// A text of `length` bytes.
#[cached(name = "shop.letter", layers = "mem,redis")]
pub(crate) async fn letter(length: u64) -> String {
    consult().await;
    "a".repeat(usize::try_from(length).unwrap_or(usize::MAX))
}

/// A type that does not come back from bytes as it went in.
#[cached(name = "shop.document", layers = "mem,redis,disk")]
pub(crate) async fn document(id: u64) -> serde_json::Value {
    serde_json::json!({ "id": id, "price": consult().await })
}

/// Absent for odd numbers.
#[cached(name = "shop.found", layers = "mem,redis,disk", ttl = "1h", none_ttl = 10)]
pub(crate) async fn found(id: u64) -> Result<Option<u64>, NoQuote> {
    let price = consult().await;
    if id == UNKNOWN_ID {
        return Err(NoQuote);
    }
    Ok(id.is_multiple_of(2).then_some(price))
}
