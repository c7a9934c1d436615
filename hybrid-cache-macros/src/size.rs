//! A number of bytes in an attribute: `65_536`, or with a unit `"64MiB"`.

use proc_macro2::Span;
use syn::{
    Expr, ExprLit, Lit, LitInt, LitStr,
    parse::{Parse, ParseStream},
    spanned::Spanned as _,
};

const UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
const NAMES: &str = "B, KiB, MiB, GiB (powers of 1024), KB, MB, GB (powers of 1000)";
const EXAMPLES: &str = "write whole bytes (`65_536`) or a string with a unit (`\"64MiB\"`)";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    pub(crate) span: Span,
}

impl Size {
    fn from_bytes(literal: &LitInt) -> syn::Result<Self> {
        let span = literal.span();
        if !literal.suffix().is_empty() {
            return Err(syn::Error::new(
                span,
                format!(
                    "`{literal}` is not a size; a bare number means bytes, \
                     with a unit it stands in quotes: `\"{literal}\"`"
                ),
            ));
        }
        let bytes = literal.base10_parse().map_err(|_| too_large(span))?;
        Ok(Self { bytes, span })
    }

    fn from_text(literal: &LitStr) -> syn::Result<Self> {
        let (span, text) = (literal.span(), literal.value());
        let trimmed = text.trim();
        let (digits, unit) =
            trimmed.split_at(trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len()));
        if digits.is_empty() || unit.starts_with('.') {
            return Err(syn::Error::new(span, format!("`{text}` is not a size; {EXAMPLES}")));
        }
        let unit = unit.trim_start();
        if unit.is_empty() {
            let message =
                format!("`{text}` lacks a unit; write for example \"{digits}MiB\", or bytes without quotes");
            return Err(syn::Error::new(span, message));
        }
        let Some((_, factor)) = UNITS.into_iter().find(|(name, _)| *name == unit) else {
            return Err(syn::Error::new(
                span,
                format!("unknown unit `{unit}` in `{text}`; units are {NAMES}"),
            ));
        };
        let number: Option<u64> = digits.parse().ok();
        let bytes = number.and_then(|number| number.checked_mul(factor)).ok_or_else(|| too_large(span))?;
        Ok(Self { bytes, span })
    }
}

fn too_large(span: Span) -> syn::Error {
    syn::Error::new(span, format!("this size is too large; the largest is {} bytes", u64::MAX))
}

impl Parse for Size {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        match input.parse::<Expr>()? {
            Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => Self::from_bytes(&literal),
            Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Self::from_text(&literal),
            other => Err(syn::Error::new(other.span(), format!("not a size; {EXAMPLES}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<u64, String> {
        syn::parse_str::<Size>(text).map(|size| size.bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bare_number_is_bytes_and_a_string_has_a_unit() {
        let cases = [
            ("0", 0),
            ("65_536", 65_536),
            ("18446744073709551615", u64::MAX),
            ("\"7B\"", 7),
            ("\"64KiB\"", 65_536),
            ("\"64 MiB\"", 67_108_864),
            ("\" 1GiB \"", 1_073_741_824),
            ("\"1KB\"", 1_000),
            ("\"2MB\"", 2_000_000),
            ("\"3GB\"", 3_000_000_000),
        ];
        for (text, expected) in cases {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_told_apart() {
        let cases = [
            ("\"64MB/s\"", "unknown unit `MB/s`"),
            ("\"64Mib\"", "unknown unit `Mib`"),
            ("\"64mb\"", "unknown unit `mb`"),
            ("\"64\"", "lacks a unit"),
            ("\"\"", "is not a size"),
            ("\"much\"", "is not a size"),
            ("\"-5MiB\"", "is not a size"),
            ("\"1.5GiB\"", "is not a size"),
            ("64MiB", "stands in quotes: `\"64MiB\"`"),
            ("1.5", "not a size"),
            ("-5", "not a size"),
            ("MOST", "not a size"),
            ("18446744073709551616", "too large"),
            ("\"99999999999999999999B\"", "too large"),
            ("\"18446744073709551615KiB\"", "too large"),
        ];
        for (text, expected) in cases {
            let message = bytes(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
