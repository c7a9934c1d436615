//! What the environment says about single functions.
//!
//! `HYBRID_CACHE_FN_<NAME>_TTL`: `<NAME>` is the function's name in capitals, every character outside `A-Z0-9` as
//! `_`. What the variable sets is its *last* word, so `HYBRID_CACHE_FN_USER_TTL_TTL` is the time to live of `user_ttl`
//! and `HYBRID_CACHE_FN_USER_TTL` that of `user`. Names that differ only in such characters share their variables.

use std::{collections::BTreeMap, time::Duration};

use super::{
    environment::{Variables, function_variable},
    error::Problem,
    setting::FunctionSetting,
    values::{LayerList, Span},
};
use crate::error::LayerKind;

/// What one function's own variables say. They outrank its attribute and the builder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FunctionOverride {
    pub(crate) enabled: Option<bool>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) layers: Option<Vec<LayerKind>>,
}

impl FunctionOverride {
    fn set(
        &mut self,
        setting: FunctionSetting,
        variable: &str,
        variables: &Variables,
    ) -> Result<(), Problem> {
        match setting {
            FunctionSetting::Enabled => self.enabled = variables.read(variable).transpose()?,
            FunctionSetting::Ttl => self.ttl = variables.read(variable).transpose()?.map(|Span(ttl)| ttl),
            FunctionSetting::Layers => {
                self.layers = variables.read(variable).transpose()?.map(|LayerList(layers)| layers);
            }
        }
        Ok(())
    }
}

/// The overrides of all functions, by the name as it stands in the variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FunctionOverrides(BTreeMap<String, FunctionOverride>);

impl FunctionOverrides {
    /// Takes the functions' variables from the environment. Whether there is a function of that name cannot be known
    /// here: functions announce themselves when they are first called.
    pub(super) fn read(variables: &Variables) -> (Self, Vec<Problem>) {
        let (mut functions, mut problems) = (Self::default(), Vec::new());
        for variable in variables.names() {
            let Some((function, setting)) = function_variable(variable) else { continue };
            let function = functions.0.entry(function.to_owned()).or_default();
            if let Err(problem) = function.set(setting, variable, variables) {
                problems.push(problem);
            }
        }
        (functions, problems)
    }

    /// By the name as it stands in the variables.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &FunctionOverride)> {
        self.0.iter().map(|(name, function)| (name.as_str(), function))
    }

    /// What the environment says about `function`; nothing, if it does not mention it.
    pub(crate) fn of(&self, function: &str) -> FunctionOverride {
        self.0.get(&name_in_variables(function)).cloned().unwrap_or_default()
    }
}

/// `catalog.product` → `CATALOG_PRODUCT`.
pub(crate) fn name_in_variables(function: &str) -> String {
    function.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
