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

use crate::spelling::{Ends, placed};

/// Longer lives would overflow the dates of some layer; a thousand years is far from that.
const LONGEST: Duration = Duration::from_hours(1000 * 8766);

const UNITS: &str = "ms, s, m (minutes), h, d, w";
const EXAMPLES: &str = "write for example \"250ms\", \"30s\", \"5m\", \"1h30m\" or \"1d\"";

#[derive(Debug, Clone)]
pub(crate) enum Life {
    Literal { duration: Duration, span: Span },
    Constant(Path),
}

impl Life {
    /// The zero literal, where zero makes no sense; a constant is checked by the compiler.
    pub(crate) fn zero(&self) -> Option<Span> {
        match self {
            Self::Literal { duration, span } if duration.is_zero() => Some(*span),
            _ => None,
        }
    }

    /// An expression of type `Duration`.
    pub(crate) fn tokens(&self) -> TokenStream {
        self.expression(&TokenStream::new())
    }

    /// The same, where a constant that is zero does not compile: the compiler shows `why_not`.
    pub(crate) fn positive_tokens(&self, why_not: &str) -> TokenStream {
        self.expression(&quote!(
            const _: () = ::core::assert!(!__HC_LIFE.is_zero(), #why_not);
        ))
    }

    fn expression(&self, assertion: &TokenStream) -> TokenStream {
        match self {
            // A constant of its own, so that one that is no `Duration` is one error and at the path.
            Self::Constant(path) => {
                let constant = quote!({
                    const __HC_LIFE: ::core::time::Duration = #path;
                    #assertion
                    __HC_LIFE
                });
                placed(constant, Ends::of(path))
            }
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
        if let Some(why_not) = text.split(|c: char| !c.is_alphabetic()).find_map(without_length) {
            return Err(syn::Error::new(span, format!("`{text}` {why_not}")));
        }
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

/// Why a unit that `humantime` knows is none here, in the words in which settings are refused as well: months and years are of
/// no fixed length, and nobody who writes `5M` wants answers to live for five months.
fn without_length(unit: &str) -> Option<&'static str> {
    match unit {
        "M" => Some("counts in `M`, which could be months; minutes are `m` (\"5m\"), a month is \"30d\""),
        "month" | "months" | "y" | "yr" | "yrs" | "year" | "years" => {
            Some("counts in months or years, which are of no fixed length; count in days (\"365d\")")
        }
        _ => None,
    }
}

/// What is wrong with an option that is zero, and what to do instead.
pub(crate) fn why_not_zero(option: &str) -> &'static str {
    match option {
        "ttl" => "`ttl` is zero, so nothing would be kept; to switch caching off, remove the attribute",
        "stale" => "`stale` is zero and has no effect; leave it out",
        "stale_if_error" => "`stale_if_error` is zero and has no effect; leave it out",
        "wait" => {
            "`wait` is zero, so no call would wait for another one's load; leave it out for the default"
        }
        "deadline" => {
            "`deadline` is zero, so no load could end in time; leave it out for loads without a deadline"
        }
        _ => "this is zero",
    }
}

/// The same for one part of `ttl(..)`.
pub(crate) fn why_not_zero_in(layer: &str) -> String {
    format!("this `ttl` is zero, so `{layer}` would keep nothing; leave `{layer}` out of `layers` instead")
}

fn too_long(span: Span) -> syn::Error {
    syn::Error::new(span, "this duration is too long; the longest is 1000 years (\"365250d\")")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Result<u128, String> {
        match syn::parse_str::<Life>(text) {
            Ok(Life::Literal { duration, .. }) => Ok(duration.as_millis()),
            Ok(Life::Constant(path)) => panic!("{text} is a path: {path:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_bare_number_is_seconds_and_a_string_has_units() {
        let cases = [
            ("300", 300_000),
            ("1_000", 1_000_000),
            ("\"250ms\"", 250),
            ("\"5m\"", 300_000),
            ("\"1h30m\"", 5_400_000),
            ("\"1h 30m\"", 5_400_000),
            ("\"1d\"", 86_400_000),
            ("\"365250d\"", 31_557_600_000_000),
        ];
        for (text, expected) in cases {
            assert_eq!(millis(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_path_is_a_constant() {
        assert!(matches!(syn::parse_str("config::LIFE"), Ok(Life::Constant(_))));
    }

    #[test]
    fn what_is_no_duration_is_told_apart() {
        let cases = [
            ("\"5 minutez\"", "unknown unit `minutez`"),
            ("\"5\"", "lacks a unit"),
            ("\"\"", "is not a duration"),
            ("\"soon\"", "is not a duration"),
            ("\"-5s\"", "is not a duration"),
            ("5m", "stands in quotes: `\"5m\"`"),
            ("1.5", "not a duration"),
            ("-5", "not a duration"),
            ("18446744073709551615", "too long"),
            ("18446744073709551616", "too long"),
            ("\"99999999999999999999s\"", "too long"),
            ("\"365251d\"", "too long"),
            ("\"500us\"", "whole milliseconds"),
            ("\"5M\"", "minutes are `m`"),
            ("\"1h 5M\"", "minutes are `m`"),
            ("\"2 months\"", "count in days"),
            ("\"1y\"", "count in days"),
            ("\"1year 2d\"", "count in days"),
        ];
        for (text, expected) in cases {
            let message = millis(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn zero_is_seen_in_every_unit() {
        for text in ["0", "\"0s\"", "\"0m\"", "\"0h 0ms\""] {
            assert!(syn::parse_str::<Life>(text).unwrap().zero().is_some(), "{text}");
        }
        assert!(syn::parse_str::<Life>("1").unwrap().zero().is_none());
    }
}
