//! What stands in the parentheses of `#[cached(...)]`, with spans.
//!
//! Knows how each option is written. What options mean together, and with the function, is in `check.rs`.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use syn::{
    Ident, Lit, LitStr, Path, Token,
    ext::IdentExt as _,
    parse::{Parse, ParseStream, Parser as _},
    spanned::Spanned as _,
};

use crate::{
    duration::Life,
    layer::{LayerName, Layers},
    template::Template,
};

/// The options that work.
const OPTIONS: [&str; 11] = [
    "layers",
    "ttl",
    "jitter",
    "capacity",
    "key",
    "skip",
    "name",
    "version",
    "none_ttl",
    "companion",
    "crate",
];

/// Known by name, so that the error says "not yet" and not "unknown".
const LATER_OPTIONS: [&str; 12] = [
    "max_bytes",
    "weigh",
    "tags",
    "stale",
    "stale_if_error",
    "refresh_ahead",
    "err_ttl",
    "cache_if",
    "ttl_by",
    "wait",
    "deadline",
    "inline",
];

#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) layers: Option<Layers>,
    pub(crate) ttl: Option<Life>,
    pub(crate) layer_ttls: Vec<LayerTtl>,
    pub(crate) jitter: Option<Spanned<f64>>,
    pub(crate) capacity: Option<Spanned<u64>>,
    pub(crate) key: Option<Template>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<Spanned<u32>>,
    pub(crate) none_ttl: Option<Life>,
    pub(crate) companion: Option<Ident>,
    pub(crate) runtime: Option<Path>,
    /// The text between the parentheses, for the generated documentation.
    pub(crate) source: String,
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// One entry of `ttl(mem = 30, redis = "5m")`.
#[derive(Debug, Clone)]
pub(crate) struct LayerTtl {
    pub(crate) layer: LayerName,
    pub(crate) life: Life,
}

impl Args {
    /// All options that could be read, and an error for each one that could not.
    pub(crate) fn parse(tokens: TokenStream) -> (Self, Vec<syn::Error>) {
        let mut args = Self { source: tokens.to_string(), ..Self::default() };
        let mut errors = Vec::new();
        let parser = |input: ParseStream<'_>| {
            let mut seen = Vec::new();
            while !input.is_empty() {
                if let Err(error) = args.option(input, &mut seen) {
                    errors.push(error);
                    skip_to_comma(input);
                }
                if let Err(error) = comma_or_end(input) {
                    errors.push(error);
                    skip_to_comma(input);
                    let _comma: Option<Token![,]> = input.parse()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        (args, errors)
    }

    fn option(&mut self, input: ParseStream<'_>, seen: &mut Vec<String>) -> syn::Result<()> {
        let option = input
            .call(Ident::parse_any)
            .map_err(|error| syn::Error::new(error.span(), "expected an option, for example `ttl = 300`"))?;
        let name = option.to_string();
        // The two forms of `ttl` go together: one for the answer, one for copies of it.
        let form =
            if name == "ttl" && input.peek(syn::token::Paren) { "ttl(..)".to_owned() } else { name.clone() };
        if seen.contains(&form) {
            return Err(syn::Error::new(option.span(), format!("`{form}` is given twice")));
        }
        match name.as_str() {
            "layers" => self.layers = Some(Layers::parse(&text(&option, input, "\"mem,redis,disk\"")?)),
            "ttl" if form != name => self.layer_ttls = layer_ttls(&option, input)?,
            "ttl" => self.ttl = Some(value(&option, input, "300")?),
            "none_ttl" => self.none_ttl = Some(value(&option, input, "10")?),
            "jitter" => self.jitter = Some(fraction(&option, input)?),
            "capacity" => self.capacity = Some(number(&option, input, "10_000")?),
            "version" => self.version = Some(number(&option, input, "2")?),
            "key" => self.key = Some(Template::parse(&text(&option, input, "\"user:{id}\"")?)?),
            "skip" => self.skip = names(&option, input)?,
            "name" => self.name = Some(text(&option, input, "\"catalog.product\"")?),
            "companion" => self.companion = Some(value(&option, input, "ProductCache")?),
            "crate" => self.runtime = Some(runtime(&option, input)?),
            _ => return Err(unsupported(&option)),
        }
        seen.push(form);
        Ok(())
    }
}

/// `= value`, whatever the value is.
fn value<T: Parse>(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<T> {
    if !input.peek(Token![=]) || input.peek(Token![==]) {
        return Err(syn::Error::new(
            option.span(),
            format!("`{option}` needs a value: `{option} = {example}`"),
        ));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(
            equals.span(),
            format!("`{option}` needs a value: `{option} = {example}`"),
        ));
    }
    input.parse()
}

fn literal(option: &Ident, input: ParseStream<'_>, example: &str, what: &str) -> syn::Result<Lit> {
    let expression: syn::Expr = value(option, input, example)?;
    match expression {
        syn::Expr::Lit(literal) => Ok(literal.lit),
        other => Err(wrong_value(option, other.span(), example, what)),
    }
}

fn wrong_value(option: &Ident, span: Span, example: &str, what: &str) -> syn::Error {
    syn::Error::new(span, format!("`{option}` takes {what}: `{option} = {example}`"))
}

fn text(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    match literal(option, input, example, "a string")? {
        Lit::Str(text) => Ok(text),
        other => Err(wrong_value(option, other.span(), example, "a string")),
    }
}

fn number<T>(option: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Spanned<T>>
where
    T: std::str::FromStr,
    T::Err: Display,
{
    match literal(option, input, example, "a whole number")? {
        Lit::Int(number) => match number.base10_parse() {
            Ok(value) => Ok(Spanned { value, span: number.span() }),
            Err(error) => {
                Err(syn::Error::new(number.span(), format!("`{option}` cannot be `{number}`: {error}")))
            }
        },
        other => Err(wrong_value(option, other.span(), example, "a whole number")),
    }
}

fn fraction(option: &Ident, input: ParseStream<'_>) -> syn::Result<Spanned<f64>> {
    let what = "a number from 0.0 up to but not including 1.0";
    let literal = literal(option, input, "0.1", what)?;
    let value = match &literal {
        Lit::Float(float) => float.base10_parse().ok(),
        Lit::Int(integer) => integer.base10_parse().ok(),
        _ => None,
    };
    let span = literal.span();
    value.map(|value| Spanned { value, span }).ok_or_else(|| wrong_value(option, span, "0.1", what))
}

fn names(option: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let inside = list(option, input, "skip(db, ctx)")?;
    let names =
        syn::punctuated::Punctuated::<Ident, Token![,]>::parse_terminated_with(&inside, Ident::parse_any)?;
    Ok(names.into_iter().collect())
}

fn layer_ttls(option: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<LayerTtl>> {
    let inside = list(option, input, "ttl(mem = 30, redis = \"5m\")")?;
    let entry = |input: ParseStream<'_>| {
        let layer = input.call(Ident::parse_any)?;
        let life = value(&layer, input, "30")?;
        Ok(LayerTtl { layer: LayerName { text: layer.to_string(), span: layer.span() }, life })
    };
    let entries = inside.parse_terminated(entry, Token![,])?;
    Ok(entries.into_iter().collect())
}

fn list<'a>(
    option: &Ident,
    input: ParseStream<'a>,
    example: &str,
) -> syn::Result<syn::parse::ParseBuffer<'a>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(option.span(), format!("`{option}` takes a list: `{example}`")));
    }
    let inside;
    syn::parenthesized!(inside in input);
    if inside.is_empty() {
        return Err(syn::Error::new(
            option.span(),
            format!("`{option}` is empty; write `{example}` or leave it out"),
        ));
    }
    Ok(inside)
}

fn runtime(option: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    let expression: syn::Expr = value(option, input, "::hybrid_cache")?;
    match expression {
        syn::Expr::Path(path) if path.qself.is_none() => Ok(path.path),
        other => Err(wrong_value(option, other.span(), "::hybrid_cache", "a path, without quotes")),
    }
}

fn unsupported(option: &Ident) -> syn::Error {
    let name = option.to_string();
    let message = if LATER_OPTIONS.contains(&name.as_str()) {
        format!("`{name}` is not supported yet; this version knows: {}", OPTIONS.join(", "))
    } else {
        match nearest(&name) {
            Some(known) => format!("unknown option `{name}`; did you mean `{known}`?"),
            None => format!("unknown option `{name}`; known: {}", OPTIONS.join(", ")),
        }
    };
    syn::Error::new(option.span(), message)
}

/// The known option that looks most like `name`, if any looks like it at all.
fn nearest(name: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.75;
    OPTIONS
        .into_iter()
        .chain(LATER_OPTIONS)
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

fn comma_or_end(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    input
        .parse::<Token![,]>()
        .map(drop)
        .map_err(|error| syn::Error::new(error.span(), "expected `,` between two options"))
}

/// Drops what is left of an option that could not be read, so that the next one can be.
fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<proc_macro2::TokenTree>().is_err() {
            return;
        }
    }
}
