//! The answer that is cached: about 200 bytes, as a row of a database might be.

use serde::{Deserialize, Serialize};

/// A user, with a name of 24 bytes and a text of 104.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Its number.
    pub id: u64,
    name: String,
    bio: String,
    score: f64,
    flags: u32,
}

impl User {
    /// The user of this number, who looks the same each time.
    #[must_use]
    pub fn of(id: u64) -> Self {
        Self {
            id,
            name: format!("user-{id:019}"),
            bio: format!("{id:0104}"),
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            score: id as f64 * 0.5,
            flags: 7,
        }
    }
}
