//! Every rule, one small function each. All broken rules are reported at once.

use proc_macro2::Span;
use syn::{ReturnType, spanned::Spanned as _};

use super::{
    Effect,
    args::{Args, spelled},
    changer::Changer,
    companion,
};
use crate::value;

type Rule = fn(&Args, &Changer) -> Vec<syn::Error>;

const RULES: &[Rule] = &[
    nothing_named,
    no_answer,
    constant,
    cached_too,
    named_and_positional,
    named_twice,
    answer_twice,
    whole_twice,
    put_in_all,
];

/// `malformed` are the entries that could not even be read; they are reported with the rest.
pub(super) fn all(malformed: Vec<syn::Error>, args: &Args, changer: &Changer) -> syn::Result<()> {
    let broken = RULES.iter().flat_map(|rule| rule(args, changer));
    value::combined(malformed.into_iter().chain(broken)).map_or(Ok(()), Err)
}

fn nothing_named(args: &Args, _: &Changer) -> Vec<syn::Error> {
    let (name, does) = match args.effect {
        Effect::Invalidates => ("invalidates", "forget"),
        Effect::Updates => ("updates", "put in"),
    };
    let message = format!("`#[{name}]` names nothing to {does}; write for example `#[{name}(product(id))]`");
    args.is_empty.then(|| syn::Error::new(Span::call_site(), message)).into_iter().collect()
}

/// The rest of the question, whether it is a `Result`, is the compiler's.
fn no_answer(args: &Args, changer: &Changer) -> Vec<syn::Error> {
    let ReturnType::Default = changer.sig.output else { return Vec::new() };
    let name = args.effect.name();
    vec![syn::Error::new(
        changer.sig.ident.span(),
        format!(
            "`#[{name}]` acts when the function succeeds, and one that returns nothing does not tell; \
             return a `Result`, or call the companion yourself: `product::invalidate(id).await`"
        ),
    )]
}

fn constant(args: &Args, changer: &Changer) -> Vec<syn::Error> {
    let word = changer.sig.constness.iter();
    word.map(|word| {
        let message = format!("a `const fn` changes nothing; remove `const` or `#[{}]`", args.effect.name());
        syn::Error::new(word.span, message)
    })
    .collect()
}

fn cached_too(args: &Args, changer: &Changer) -> Vec<syn::Error> {
    let last = |path: &syn::Path| path.segments.last().is_some_and(|last| last.ident == "cached");
    let cached = changer.attrs.iter().filter(|attribute| last(attribute.path()));
    cached
        .map(|attribute| {
            syn::Error::new(
                attribute.path().span(),
                format!(
                    "a function with `#[{name}]` changes something, and a call that `#[cached]` answers changes \
                     nothing; put the two on two functions",
                    name = args.effect.name()
                ),
            )
        })
        .collect()
}

fn named_and_positional(args: &Args, _: &Changer) -> Vec<syn::Error> {
    let mixed = args.answers.iter().filter_map(|answer| {
        // What a method is called on has no name.
        let receivers = usize::from(companion::is_method(&answer.of));
        let mut arguments = answer.arguments.iter().skip_while(|argument| argument.name.is_none());
        let odd =
            if answer.arguments.iter().take_while(|argument| argument.name.is_none()).count() > receivers {
                arguments.next()?
            } else {
                arguments.find(|argument| argument.name.is_none())?
            };
        Some((answer, odd))
    });
    mixed
        .map(|(answer, odd)| {
            let of = spelled(&answer.of);
            syn::Error::new(
                odd.name.as_ref().map_or_else(|| odd.value.span(), syn::Ident::span),
                format!(
                    "the arguments of `{of}` are either all named, `{of}(id = .., lang = ..)`, or all without names, \
                     `{of}(.., ..)`"
                ),
            )
        })
        .collect()
}

fn named_twice(args: &Args, _: &Changer) -> Vec<syn::Error> {
    let arguments = args.answers.iter().flat_map(|answer| {
        let names = answer.arguments.iter().filter_map(|argument| argument.name.as_ref());
        names
            .clone()
            .enumerate()
            .filter(move |(at, name)| names.clone().take(*at).any(|other| other == *name))
    });
    arguments.map(|(_, name)| syn::Error::new(name.span(), format!("`{name}` is given twice"))).collect()
}

fn answer_twice(args: &Args, _: &Changer) -> Vec<syn::Error> {
    let again = args
        .answers
        .iter()
        .enumerate()
        .filter(|(at, answer)| args.answers.iter().take(*at).any(|other| other == *answer));
    again
        .map(|(_, answer)| {
            syn::Error::new(
                answer.of.span(),
                format!("this answer of `{}` is named twice", spelled(&answer.of)),
            )
        })
        .collect()
}

fn whole_twice(args: &Args, _: &Changer) -> Vec<syn::Error> {
    let again = args
        .functions
        .iter()
        .enumerate()
        .filter(|(at, whole)| args.functions.iter().take(*at).any(|other| other.of == whole.of));
    again
        .map(|(_, whole)| {
            syn::Error::new(whole.of.span(), format!("`{}` is named twice", spelled(&whole.of)))
        })
        .collect()
}

fn put_in_all(args: &Args, _: &Changer) -> Vec<syn::Error> {
    let all = args.functions.iter().filter(|_| args.effect == Effect::Updates);
    all.map(|whole| {
        syn::Error::new(
            whole.word.span(),
            format!(
                "`#[updates]` puts in one answer; to forget all of `{of}` write `#[invalidates(all({of}))]` beside it",
                of = spelled(&whole.of)
            ),
        )
    })
    .collect()
}
