//! `key = ".."` and `skip(..)`: every argument is spoken of once, by a name it has.

use super::{Input, Rule, error, repeated};
use crate::function::Function;

pub(super) const RULES: &[Rule] =
    &[empty, unknown_in_key, unknown_in_skip, skipped_twice, in_key_and_skip, in_neither];

fn empty(input: Input<'_>) -> Vec<syn::Error> {
    let empty = input.args.key.iter().filter(|template| template.pieces.is_empty());
    empty
        .map(|template| {
            error(template.span, "`key` is empty; write for example \"user:{id}\", or leave it out")
        })
        .collect()
}

fn unknown_in_key(input: Input<'_>) -> Vec<syn::Error> {
    let Some(template) = &input.args.key else { return Vec::new() };
    let places = template.places().filter(|place| input.function.argument(&place.argument).is_none());
    places.map(|place| no_such_argument("key", &place.argument, template.span, input.function)).collect()
}

fn unknown_in_skip(input: Input<'_>) -> Vec<syn::Error> {
    let names = input.args.skip.iter().filter(|name| !input.function.has_argument(name));
    names.map(|name| no_such_argument("skip", &name.to_string(), name.span(), input.function)).collect()
}

pub(super) fn no_such_argument(
    option: &str,
    name: &str,
    span: proc_macro2::Span,
    function: &Function,
) -> syn::Error {
    let known: Vec<String> =
        function.arguments.iter().map(|known| format!("`{}`", known.key_name())).collect();
    let known =
        if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    error(span, format!("`{name}` in `{option}` is no argument of `{}`; {known}", function.name()))
}

fn skipped_twice(input: Input<'_>) -> Vec<syn::Error> {
    repeated(&input.args.skip, ToString::to_string)
        .map(|name| error(name.span(), format!("`{name}` is skipped twice")))
        .collect()
}

fn in_key_and_skip(input: Input<'_>) -> Vec<syn::Error> {
    let Some(template) = &input.args.key else { return Vec::new() };
    let skipped =
        input.args.skip.iter().filter(|name| template.places().any(|place| **name == place.argument));
    skipped
        .map(|name| {
            error(name.span(), format!("`{name}` is part of `key` and skipped; it can only be one of them"))
        })
        .collect()
}

/// Leaving an argument out of the key by oversight would give one caller another's answer.
fn in_neither(input: Input<'_>) -> Vec<syn::Error> {
    let Some(template) = &input.args.key else { return Vec::new() };
    // A `skip` that could not be read has its own error.
    let arguments = input.function.arguments.iter().filter(|_| !input.args.is_malformed("skip"));
    arguments
        .filter(|argument| !template.places().any(|place| argument.is_named(&place.argument)))
        .filter(|argument| !input.args.skips(argument))
        .map(|argument| {
            let name = &argument.name;
            error(
                name.span(),
                format!(
                    "`{name}` is in neither `key` nor `skip`; answers that depend on it belong under different \
                     keys: add `{{{}}}` to `key`, or `skip({name})` if no answer depends on it",
                    argument.key_name()
                ),
            )
        })
        .collect()
}
