//! The dates of an answer.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// When an answer was computed and how long it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dates {
    pub(crate) computed_at: Timestamp,
    pub(crate) fresh_until: Timestamp,
    pub(crate) kept_until: Timestamp,
}

impl Dates {
    pub(crate) fn are_in_order(&self) -> bool {
        self.computed_at <= self.fresh_until && self.fresh_until <= self.kept_until
    }
}
