//! `key = ".."` and `skip(..)`: every argument is spoken of once, by a name it has.

use super::{Input, Rule, error, repeated};
use crate::function::{Function, key_name};

pub(super) const RULES: &[Rule] =
    &[empty, unknown_in_key, unknown_in_skip, skipped_twice, in_key_and_skip, in_neither, self_unspoken_of];

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
    let known = |name: &str| {
        input.function.argument(name).is_some() || (name == "self" && input.function.receiver.is_some())
    };
    let places = template.places().filter(|place| !known(&place.argument));
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
    let known: Vec<String> = function.bindings().map(|known| format!("`{}`", key_name(known))).collect();
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
    let bindings = input.function.bindings().filter(|_| !input.args.is_malformed("skip"));
    // A name in the key that no argument has is likely to be meant for the one that is missing.
    let mistyped = !unknown_in_key(input).is_empty();
    let bindings = bindings.filter(|_| !mistyped);
    bindings
        .filter(|binding| !template.places().any(|place| place.argument == key_name(binding)))
        .filter(|binding| !input.args.skips(binding))
        .map(|name| {
            error(
                name.span(),
                format!(
                    "`{name}` is in neither `key` nor `skip`; answers that depend on it belong under different \
                     keys: add `{{{}}}` to `key`, or `skip({name})` if no answer depends on it",
                    key_name(name)
                ),
            )
        })
        .collect()
}

/// Keying `self` without being told would keep answers that never hit; leaving it out, give one object another's answers.
fn self_unspoken_of(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    let skipped = args.skip.iter().any(|name| name == "self");
    let unreadable = args.is_malformed("skip") || args.is_malformed("key");
    let receiver = function.receiver.iter().filter(|_| !skipped && !args.keys_self() && !unreadable);
    receiver
        .map(|receiving| {
            let others = function.bindings().filter(|binding| !args.skips(binding));
            let places = ["{self.tenant}".to_owned()].into_iter();
            let template: Vec<String> =
                places.chain(others.map(|binding| format!("{{{}}}", key_name(binding)))).collect();
            let skip: Vec<String> =
                ["self".to_owned()].into_iter().chain(args.skip.iter().map(ToString::to_string)).collect();
            error(
                receiving.receiver.self_token.span,
                format!(
                    "do the answers depend on `self`? If they do, name what of it they depend on: \
                     `key = \"{}\"` with a field of yours; if they are the same for every `self`, write `skip({})`",
                    template.join(":"),
                    skip.join(", "),
                ),
            )
        })
        .collect()
}
