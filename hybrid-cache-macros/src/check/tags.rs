//! `tags("user:{id}", "users")`: any arguments, skipped ones included, since a tag says what an answer is about and
//! not which answer it is.

use super::{Input, Rule, error, key::no_such_argument, repeated};

pub(super) const RULES: &[Rule] = &[not_yet, empty, unknown_argument, twice];

/// Checked nevertheless, so that what is right now is right when they come.
fn not_yet(input: Input<'_>) -> Vec<syn::Error> {
    let word = input.args.word("tags").filter(|_| !input.args.is_malformed("tags"));
    word.into_iter().map(|word| {
        error(
            word.span(),
            "`tags` are not supported yet: nothing can be forgotten by tag in this version; leave them out, and name \
             what to forget with `#[invalidates(..)]`",
        )
    })
    .collect()
}

fn empty(input: Input<'_>) -> Vec<syn::Error> {
    let empty = input.args.tags.iter().filter(|tag| tag.pieces.is_empty());
    empty
        .map(|tag| error(tag.span, "this tag is empty; write for example \"users\" or \"user:{id}\""))
        .collect()
}

fn unknown_argument(input: Input<'_>) -> Vec<syn::Error> {
    let places = input.args.tags.iter().flat_map(|tag| tag.places().map(|place| (place, tag.span)));
    places
        .filter(|(place, _)| input.function.argument(&place.argument).is_none())
        .map(|(place, span)| no_such_argument("tags", &place.argument, span, input.function))
        .collect()
}

fn twice(input: Input<'_>) -> Vec<syn::Error> {
    let repeated = repeated(&input.args.tags, |tag| tag.pieces.clone());
    repeated.map(|tag| error(tag.span, "this tag is there twice")).collect()
}
