//! How the value of an option is written: `= value` or `(entry, entry)`.
//!
//! Every function takes the option's name and an example of it, for messages that say what to write.

use std::{fmt::Display, str::FromStr};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Path, Token,
    parse::{Parse, ParseStream},
    spanned::Spanned as _,
};

use crate::{args::Spanned, template::Template};

/// `= value`, whatever the value is.
pub(crate) fn any<T: Parse>(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<T> {
    let missing = |span| syn::Error::new(span, format!("`{option}` needs a value: `{option} = {example}`"));
    if !input.peek(Token![=]) || input.peek(Token![==]) {
        return Err(missing(option.span()));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing(equals.span()));
    }
    input.parse()
}

pub(crate) fn text(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    match literal(option, input, example, "a string")? {
        Lit::Str(text) => Ok(text),
        other => Err(wrong(option, other.span(), example, "a string")),
    }
}

pub(crate) fn number<T>(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Spanned<T>>
where
    T: FromStr,
    T::Err: Display,
{
    match literal(option, input, example, "a whole number")? {
        Lit::Int(number) => {
            let span = number.span();
            let value = number.base10_parse().map_err(|error| {
                syn::Error::new(span, format!("`{option}` cannot be `{number}`: {error}"))
            })?;
            Ok(Spanned { value, span })
        }
        other => Err(wrong(option, other.span(), example, "a whole number")),
    }
}

pub(crate) fn fraction(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Spanned<f64>> {
    let literal = literal(option, input, example, "a number")?;
    let span = literal.span();
    as_float(&literal)
        .map(|value| Spanned { value, span })
        .ok_or_else(|| wrong(option, span, example, "a number"))
}

fn as_float(literal: &Lit) -> Option<f64> {
    match literal {
        Lit::Float(float) => float.base10_parse().ok(),
        Lit::Int(integer) => integer.base10_parse().ok(),
        _ => None,
    }
}

pub(crate) fn path(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Path> {
    match any(option, input, example)? {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path),
        other => Err(wrong(option, other.span(), example, "a path, without quotes")),
    }
}

/// A path in the place of a value: of a function, associated ones included.
pub(crate) fn function(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<ExprPath> {
    match any(option, input, example)? {
        Expr::Path(path) => Ok(path),
        other => Err(wrong(option, other.span(), example, "the path of a function, without quotes")),
    }
}

/// No value: the name says it all.
pub(crate) fn nothing(option: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(true);
    }
    let mut value = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        value.extend([input.parse::<TokenTree>()?]);
    }
    let message = format!("`{option}` takes no value; write `{option}` alone, or leave it out");
    Err(syn::Error::new_spanned(value, message))
}

/// When a fresh answer is computed anew ahead of its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RefreshAhead {
    /// `0.8`: after this part of its life.
    Fraction(Spanned<f64>),
    /// `"xfetch"`: by chance, the more likely the nearer the end is.
    ByChance,
}

pub(crate) fn refresh_ahead(option: &Ident, input: ParseStream<'_>) -> syn::Result<RefreshAhead> {
    const FORMS: &str = "write `refresh_ahead = 0.8` (after this part of an answer's life) or \
                         `refresh_ahead = \"xfetch\"` (by chance, the more likely the nearer its end is)";
    let literal = literal(option, input, "0.8", "a number or \"xfetch\"")?;
    let span = literal.span();
    match &literal {
        Lit::Str(text) if text.value() == "xfetch" => Ok(RefreshAhead::ByChance),
        Lit::Str(text) => {
            Err(syn::Error::new(span, format!("`refresh_ahead` knows no \"{}\"; {FORMS}", text.value())))
        }
        _ => match as_float(&literal) {
            Some(value) => Ok(RefreshAhead::Fraction(Spanned { value, span })),
            None => Err(wrong(option, span, "0.8", "a number or \"xfetch\"")),
        },
    }
}

/// `(entry, entry)`, not empty.
pub(crate) fn list<T>(
    option: &Ident,
    input: ParseStream<'_>,
    example: &str,
    entry: impl FnMut(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<Vec<T>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(option.span(), format!("`{option}` takes a list: `{example}`")));
    }
    let inside;
    syn::parenthesized!(inside in input);
    if inside.is_empty() {
        let message = format!("`{option}` is empty; write `{example}` or leave it out");
        return Err(syn::Error::new(option.span(), message));
    }
    let (entries, errors) = each(&inside, entry);
    combined(errors).map_or(Ok(entries), Err)
}

/// `("user:{id}", "users")`, not empty.
pub(crate) fn templates(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Vec<Template>> {
    list(option, input, example, |input| {
        let wrong = |span| syn::Error::new(span, format!("`{option}` takes strings: `{example}`"));
        match input.parse::<Expr>()? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Template::parse(&text, option),
            other => Err(wrong(other.span())),
        }
    })
}

/// Entries between commas. One that cannot be read costs none of the others.
pub(crate) fn each<T>(
    input: ParseStream<'_>,
    mut entry: impl FnMut(ParseStream<'_>) -> syn::Result<T>,
) -> (Vec<T>, Vec<syn::Error>) {
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    while !input.is_empty() {
        match entry(input) {
            Ok(_) if !input.is_empty() && !input.peek(Token![,]) => {
                errors.push(input.error("expected `,`"));
            }
            Ok(read) => entries.push(read),
            Err(error) => errors.push(error),
        }
        skip_past_comma(input);
    }
    (entries, errors)
}

/// All errors as one, which reports them all.
pub(crate) fn combined(errors: impl IntoIterator<Item = syn::Error>) -> Option<syn::Error> {
    errors.into_iter().reduce(|mut all, next| {
        all.combine(next);
        all
    })
}

fn literal(option: &Ident, input: ParseStream<'_>, example: &str, what: &str) -> syn::Result<Lit> {
    match any(option, input, example)? {
        Expr::Lit(literal) => Ok(literal.lit),
        other => Err(wrong(option, other.span(), example, what)),
    }
}

fn wrong(option: &Ident, span: Span, example: &str, what: &str) -> syn::Error {
    syn::Error::new(span, format!("`{option}` takes {what}: `{option} = {example}`"))
}

fn skip_past_comma(input: ParseStream<'_>) {
    while !input.is_empty() {
        let was_comma = input.peek(Token![,]);
        if input.parse::<TokenTree>().is_err() || was_comma {
            return;
        }
    }
}
