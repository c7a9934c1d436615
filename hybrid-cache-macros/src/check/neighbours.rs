//! Other attributes on the same function.

use super::{Input, Rule, error};

pub(super) const RULES: &[Rule] = &[changes_something];

/// Above this one, such an attribute has seen it and said so itself.
fn changes_something(input: Input<'_>) -> Vec<syn::Error> {
    let attributes = input.function.attrs.iter().filter_map(|attribute| attribute.path().segments.last());
    attributes
        .map(|last| &last.ident)
        .filter(|name| *name == "invalidates" || *name == "updates")
        .map(|name| {
            error(
                name.span(),
                format!(
                    "a function with `#[{name}]` changes something, and a call that `#[cached]` answers changes \
                     nothing; put the two on two functions"
                ),
            )
        })
        .collect()
}
