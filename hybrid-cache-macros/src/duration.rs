//! A length of time in an attribute: `300` (seconds), `"5m"`, or the path of a `Duration` constant.

use std::time::Duration;

use humantime::DurationError;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Expr, ExprLit, ExprPath, Lit, LitInt, LitStr, Path,
    parse::{Parse, ParseStream},
    spanned::Spanned as _,
};

/// Longer lives would overflow the dates of some layer; a thousand years is far from that.
const LONGEST: Duration = Duration::from_hours(1000 * 8766);

const UNITS: &str = "ms, s, m (minutes), h, d, w, y";
const EXAMPLES: &str = "write for example \"250ms\", \"30s\", \"5m\", \"1h30m\" or \"1d\"";

#[derive(Debug, Clone)]
pub(crate) enum Life {
    Literal { duration: Duration, span: Span },
    Constant(Path),
}

impl Life {
    /// The zero literal, where zero makes no sense; a constant is checked by the compiler (see [`Life::tokens`]).
    pub(crate) fn zero(&self) -> Option<Span> {
        match self {
            Self::Literal { duration, span } if duration.is_zero() => Some(*span),
            _ => None,
        }
    }

    /// An expression of type `Duration`.
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            Self::Constant(path) => quote!(#path),
            Self::Literal { duration, .. } => {
                let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                let millis = proc_macro2::Literal::u64_unsuffixed(millis);
                quote!(::core::time::Duration::from_millis(#millis))
            }
        }
    }

    fn from_seconds(literal: &LitInt) -> syn::Result<Self> {
        let span = literal.span();
        if !literal.suffix().is_empty() {
            return Err(syn::Error::new(
                span,
                format!(
                    "`{literal}` is not a duration; a bare number means seconds, \
                     with a unit it stands in quotes: `\"{literal}\"`"
                ),
            ));
        }
        let seconds = literal.base10_parse().map_err(|_| too_long(span))?;
        Self::bounded(Duration::from_secs(seconds), span)
    }

    fn from_text(literal: &LitStr) -> syn::Result<Self> {
        let (span, text) = (literal.span(), literal.value());
        let duration = humantime::parse_duration(text.trim()).map_err(|error| match error {
            DurationError::NumberOverflow => too_long(span),
            DurationError::UnknownUnit { unit, value, .. } if unit.is_empty() => syn::Error::new(
                span,
                format!("`{text}` lacks a unit; write for example \"{value}s\" or \"{value}m\""),
            ),
            DurationError::UnknownUnit { unit, .. } => {
                syn::Error::new(span, format!("unknown unit `{unit}` in `{text}`; units are {UNITS}"))
            }
            _ => syn::Error::new(span, format!("`{text}` is not a duration; {EXAMPLES}")),
        })?;
        Self::bounded(duration, span)
    }

    fn bounded(duration: Duration, span: Span) -> syn::Result<Self> {
        if duration > LONGEST {
            return Err(too_long(span));
        }
        if !duration.subsec_nanos().is_multiple_of(1_000_000) {
            return Err(syn::Error::new(span, "durations are whole milliseconds; write for example \"1ms\""));
        }
        Ok(Self::Literal { duration, span })
    }
}

fn too_long(span: Span) -> syn::Error {
    syn::Error::new(span, "this duration is too long; the longest is 1000 years (\"1000y\")")
}

impl Parse for Life {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        match input.parse::<Expr>()? {
            Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => Self::from_seconds(&literal),
            Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Self::from_text(&literal),
            Expr::Path(ExprPath { qself: None, path, .. }) => Ok(Self::Constant(path)),
            other => Err(syn::Error::new(
                other.span(),
                "not a duration; write whole seconds (`300`), a string with a unit (`\"5m\"`), \
                 or the name of a `Duration` constant",
            )),
        }
    }
}
