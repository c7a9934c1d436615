//! Other attributes on the same function.

use syn::spanned::Spanned as _;

use super::{Input, Rule, error};
use crate::function::is_cached;

pub(super) const RULES: &[Rule] = &[changes_something, cached_twice];

/// What is emitted after this error leaves the other one out.
fn cached_twice(input: Input<'_>) -> Vec<syn::Error> {
    let others = input.function.attrs.iter().filter(|attribute| is_cached(attribute));
    others
        .map(|other| {
            error(
                other.path().span(),
                "this function has two attributes `#[cached]`, and the outer one would keep what the inner one answers; put \
                 all options into one",
            )
        })
        .collect()
}

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
