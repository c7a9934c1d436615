//! Every rule, one small function each. All broken rules are reported at once.
//!
//! To add a rule: a function in the file it belongs to, a line in that file's list, and an ui test.

mod key;
mod layers;
mod options;
mod signature;

use proc_macro2::Span;

use crate::{args::Args, function::Function, layer::Features, value};

/// One use of the attribute.
#[derive(Debug, Clone, Copy)]
struct Input<'a> {
    args: &'a Args,
    function: &'a Function,
    features: Features,
}

/// The errors of those who break it.
type Rule = fn(Input<'_>) -> Vec<syn::Error>;

/// `malformed` are the options that could not even be read; they are reported with the rest.
pub(crate) fn all(malformed: Vec<syn::Error>, args: &Args, function: &Function) -> syn::Result<()> {
    let input = Input { args, function, features: Features::OF_THIS_BUILD };
    value::combined(malformed.into_iter().chain(broken(input))).map_or(Ok(()), Err)
}

fn broken(input: Input<'_>) -> impl Iterator<Item = syn::Error> {
    [signature::RULES, layers::RULES, options::RULES, key::RULES]
        .into_iter()
        .flatten()
        .flat_map(move |rule| rule(input))
}

fn error(span: Span, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new(span, message)
}

/// The items that an earlier item is equal to.
fn repeated<'a, T, K: PartialEq>(items: &'a [T], key: impl Fn(&T) -> K + 'a) -> impl Iterator<Item = &'a T> {
    items.iter().enumerate().filter_map(move |(at, item)| {
        let mut earlier = items.iter().take(at);
        earlier.any(|other| key(other) == key(item)).then_some(item)
    })
}
