//! The value of `key = "user:{id}:{user.lang}"`, and each of `tags(..)`: literal text and places for arguments and their fields.
//!
//! Knows how a template is written; which arguments there are is checked elsewhere.

use proc_macro2::Span;
use syn::{Ident, Index, LitStr, Member};

#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) span: Span,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Place(Place),
}

/// `{user.lang}`: an argument's name and the fields that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) argument: String,
    pub(crate) fields: Vec<Member>,
}

impl Template {
    /// `option` is named in messages.
    pub(crate) fn parse(literal: &LitStr, option: &Ident) -> syn::Result<Self> {
        let span = literal.span();
        let text = literal.value();
        let mut pieces = Pieces { found: Vec::new() };
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from_brace) = rest.split_at(at);
            pieces.text(before);
            rest = if let Some(after) = from_brace.strip_prefix("{{") {
                pieces.text("{");
                after
            } else if let Some(after) = from_brace.strip_prefix("}}") {
                pieces.text("}");
                after
            } else {
                let (place, after) = from_brace
                    .strip_prefix('{')
                    .and_then(|inside| inside.split_once('}'))
                    .ok_or_else(|| unbalanced(span, from_brace, option))?;
                pieces.found.push(Piece::Place(Place::parse(place, span, option)?));
                after
            };
        }
        pieces.text(rest);
        Ok(Self { span, pieces: pieces.found })
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(place) => Some(place),
            Piece::Text(_) => None,
        })
    }

    /// The texts before, between and behind the places: always one more than there are places.
    pub(crate) fn literals(&self) -> Vec<String> {
        let mut literals = vec![String::new()];
        for piece in &self.pieces {
            match (piece, literals.last_mut()) {
                (Piece::Text(text), Some(last)) => last.push_str(text),
                _ => literals.push(String::new()),
            }
        }
        literals
    }
}

struct Pieces {
    found: Vec<Piece>,
}

impl Pieces {
    fn text(&mut self, more: &str) {
        match self.found.last_mut() {
            Some(Piece::Text(text)) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.found.push(Piece::Text(more.to_owned())),
        }
    }
}

impl Place {
    fn parse(text: &str, span: Span, option: &Ident) -> syn::Result<Self> {
        let mut names = text.split('.').map(str::trim);
        let argument = names.next().unwrap_or_default();
        let argument = argument.strip_prefix("r#").unwrap_or(argument);
        let fields: Option<Vec<Member>> = names.map(|name| member(name, span)).collect();
        match fields {
            Some(fields) if is_name(argument) => Ok(Self { argument: argument.to_owned(), fields }),
            _ => Err(not_a_place(text, span, option)),
        }
    }
}

fn is_name(text: &str) -> bool {
    if text == "self" {
        return true;
    }
    // Parsed as raw identifiers too: `{type}` stands for an argument written `r#type`.
    syn::parse_str::<Ident>(text).is_ok() || syn::parse_str::<Ident>(&format!("r#{text}")).is_ok()
}

fn member(text: &str, span: Span) -> Option<Member> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let index = text.parse().ok()?;
        return Some(Member::Unnamed(Index { index, span }));
    }
    let mut name: Ident = syn::parse_str(text).or_else(|_| syn::parse_str(&format!("r#{text}"))).ok()?;
    // Ours in part, so that the compiler does not propose to write a field in place of the literal.
    name.set_span(Span::mixed_site().located_at(span));
    Some(Member::Named(name))
}

fn unbalanced(span: Span, from: &str, option: &Ident) -> syn::Error {
    let (one, other) = if from.starts_with('{') { ('{', '}') } else { ('}', '{') };
    let message = format!(
        "this `{option}` has a `{one}` without its `{other}`; a brace that is meant literally is doubled: `{one}{one}`"
    );
    syn::Error::new(span, message)
}

fn not_a_place(text: &str, span: Span, option: &Ident) -> syn::Error {
    let message = if text.trim().is_empty() {
        format!("`{{}}` in `{option}` names no argument; write the argument between the braces: `{{id}}`")
    } else {
        format!(
            "`{{{text}}}` in `{option}` is neither an argument nor a field of one; \
             write `{{id}}` or `{{user.id}}`, without formats or calls"
        )
    };
    syn::Error::new(span, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let literal = LitStr::new(text, Span::call_site());
        let template = Template::parse(&literal, &Ident::new("key", Span::call_site()))
            .map_err(|error| error.to_string())?;
        let places = template.places().map(|place| {
            let fields = place.fields.iter().map(|field| match field {
                Member::Named(name) => format!(".{name}"),
                Member::Unnamed(index) => format!(".{}", index.index),
            });
            place.argument.clone() + &fields.collect::<String>()
        });
        Ok((template.literals(), places.collect()))
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn there_is_a_literal_before_between_and_behind_the_places() {
        let cases: [(&str, &[&str], &[&str]); 6] = [
            ("user:{id}:{user.lang}", &["user:", ":", ""], &["id", "user.lang"]),
            ("{id}", &["", ""], &["id"]),
            ("{a}{b}", &["", "", ""], &["a", "b"]),
            ("{pair.0.name} {r#type}", &["", " ", ""], &["pair.0.name", "type"]),
            ("{{{id}}}", &["{", "}"], &["id"]),
            ("all", &["all"], &[]),
        ];
        for (text, literals, places) in cases {
            assert_eq!(template(text), Ok((strings(literals), strings(places))), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_told_apart() {
        let cases = [
            ("{id", "a `{` without its `}`"),
            ("id}", "a `}` without its `{`"),
            ("{}", "names no argument"),
            ("{ }", "names no argument"),
            ("{id:?}", "without formats or calls"),
            ("{user.id()}", "without formats or calls"),
            ("{user.}", "without formats or calls"),
            ("{0}", "neither an argument nor a field"),
        ];
        for (text, expected) in cases {
            let message = template(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
