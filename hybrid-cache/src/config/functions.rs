//! What the environment says about single functions.
//!
//! `HYBRID_CACHE_FN_<NAME>_TTL`: `<NAME>` is the function's name in capitals, every character outside `A-Z0-9` as
//! `_`. What the variable sets is its *last* word, so `HYBRID_CACHE_FN_USER_TTL_TTL` is the time to live of `user_ttl`
//! and `HYBRID_CACHE_FN_USER_TTL` that of `user`. Names that differ only in such characters share their variables.

use std::{collections::BTreeMap, time::Duration};

use crate::error::LayerKind;

/// What one function's own variables say. They outrank its attribute and the builder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FunctionOverride {
    pub(crate) enabled: Option<bool>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) layers: Option<Vec<LayerKind>>,
}

/// The overrides of all functions, by the name as it stands in the variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FunctionOverrides(BTreeMap<String, FunctionOverride>);

impl FunctionOverrides {
    /// What the environment says about `function`; nothing, if it does not mention it.
    pub(crate) fn of(&self, function: &str) -> FunctionOverride {
        self.0.get(&name_in_variables(function)).cloned().unwrap_or_default()
    }
}

/// `catalog.product` → `CATALOG_PRODUCT`.
fn name_in_variables(function: &str) -> String {
    function
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}
