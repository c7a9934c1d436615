//! What stands in the parentheses: `product(id = user.id), all(list_products)`.
//!
//! Knows how entries are written. What they mean together, and with the function, is in `check.rs`.

use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, ExprPath, Ident, Path, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
    spanned::Spanned as _,
};

use super::Effect;
use crate::value;

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) effect: Effect,
    pub(crate) answers: Vec<Answer>,
    pub(crate) functions: Vec<Whole>,
    pub(crate) runtime: Option<Path>,
    /// Whether there is anything between the parentheses, readable or not.
    pub(crate) is_empty: bool,
}

/// `product(id = user.id)`: one answer of a cached function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) of: ExprPath,
    pub(crate) arguments: Vec<Argument>,
}

/// One path of `all(list_products, catalog::list)`: all answers of a cached function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    /// The word `all`.
    pub(crate) word: Ident,
    pub(crate) of: ExprPath,
}

/// `id = user.id` or `user.id`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: Option<Ident>,
    pub(crate) value: Expr,
}

impl Args {
    /// All entries that could be read, and an error for each one that could not.
    pub(crate) fn parse(effect: Effect, tokens: TokenStream) -> (Self, Vec<syn::Error>) {
        let mut args = Self {
            effect,
            answers: Vec::new(),
            functions: Vec::new(),
            runtime: None,
            is_empty: tokens.is_empty(),
        };
        let mut errors = Vec::new();
        let entries = |input: ParseStream<'_>| {
            (_, errors) = value::each(input, |input| args.entry(input));
            Ok(())
        };
        // After an error of ours, tokens left unread in a group are no news.
        if let Err(error) = entries.parse2(tokens)
            && errors.is_empty()
        {
            errors.push(error);
        }
        (args, errors)
    }

    fn entry(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            let option = input.call(Ident::parse_any)?;
            self.runtime = Some(value::path(&option, input, "::hybrid_cache")?);
            return Ok(());
        }
        let expected = self.effect;
        let of: ExprPath = input.parse().map_err(|error| malformed(expected, error.span()))?;
        match of.path.get_ident() {
            Some(word) if word == "all" => self.functions.extend(whole(word, input)?),
            _ => self.answers.push(Answer { arguments: arguments(expected, &of, input)?, of }),
        }
        Ok(())
    }
}

fn malformed(effect: Effect, span: Span) -> syn::Error {
    syn::Error::new(
        span,
        format!(
            "expected a cached function and the arguments of the answer: `#[{name}(product(id))]`",
            name = effect.name()
        ),
    )
}

fn whole(word: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Whole>> {
    value::list(word, input, "all(list_products)", |input| {
        let of: ExprPath = input.parse()?;
        if input.peek(syn::token::Paren) {
            let name = spelled(&of);
            let message = format!(
                "`all` takes functions without arguments; write `all({name})` for all its answers, or `{name}(..)` \
                 outside of `all` for one"
            );
            return Err(syn::Error::new(of.span(), message));
        }
        Ok(Whole { word: word.clone(), of })
    })
}

fn arguments(effect: Effect, of: &ExprPath, input: ParseStream<'_>) -> syn::Result<Vec<Argument>> {
    if input.peek(Token![.]) {
        return Err(called_with_a_dot(effect, of, input));
    }
    if !input.peek(syn::token::Paren) {
        let name = spelled(of);
        let all = match effect {
            Effect::Invalidates => format!(", or `all({name})` for all its answers"),
            Effect::Updates => String::new(),
        };
        let message = format!("which answer of `{name}`? Write its arguments, `{name}(id)`{all}");
        return Err(syn::Error::new(of.span(), message));
    }
    let inside;
    syn::parenthesized!(inside in input);
    if let Some(span) = all_of_them(&inside) {
        let name = spelled(of);
        let message = match effect {
            Effect::Invalidates => format!("for all answers of `{name}` write `all({name})`"),
            Effect::Updates => format!(
                "which answer of `{name}`? `#[updates]` puts in one; write its arguments, `{name}(id)`"
            ),
        };
        return Err(syn::Error::new(span, message));
    }
    let (arguments, errors) = value::each(&inside, |input| {
        let named = input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
        let name = if named { Some(input.call(Ident::parse_any)?) } else { None };
        if let Some(name) = &name {
            input.parse::<Token![=]>()?;
            if input.is_empty() || input.peek(Token![,]) {
                return Err(syn::Error::new(
                    name.span(),
                    format!("`{name}` needs a value: `{name} = user.{name}`"),
                ));
            }
        }
        Ok(Argument { name, value: input.parse()? })
    });
    value::combined(errors).map_or(Ok(arguments), Err)
}

/// `self.product(id)`: the companions of a method are beside it, and not called by way of a value.
fn called_with_a_dot(effect: Effect, of: &ExprPath, input: ParseStream<'_>) -> syn::Error {
    let value = spelled(of);
    let called = |input: ParseStream<'_>| {
        input.parse::<Token![.]>()?;
        input.call(Ident::parse_any)
    };
    let Ok(method) = called(input) else { return malformed(effect, of.span()) };
    let ty = if value == "self" { "Self" } else { "Type" };
    syn::Error::new(
        of.span(),
        format!(
            "a cached method is named by its type here: `{ty}::{method}(id)`, or `{ty}::{method}({value}, id)` if something of \
             `self` is in its key"
        ),
    )
}

/// `*`, `_` or `..` in place of arguments.
fn all_of_them(inside: ParseStream<'_>) -> Option<Span> {
    let start = inside.fork();
    let mut tokens = start.parse::<TokenStream>().ok()?.into_iter();
    let first = tokens.next()?;
    let rest: String = tokens.map(|token| token.to_string()).collect();
    matches!(format!("{first}{rest}").as_str(), "*" | "_" | "..").then(|| first.span())
}

/// A path as its user wrote it.
pub(crate) fn spelled(path: &ExprPath) -> String {
    quote::quote!(#path).to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let (_, errors) = Args::parse(Effect::Invalidates, text.parse().unwrap());
        errors.into_iter().flatten().map(|error| error.to_string()).collect()
    }

    #[test]
    fn answers_and_whole_functions_are_told_apart() {
        let (args, errors) = Args::parse(
            Effect::Invalidates,
            "product(id = user.id, lang = \"en\"), catalog::price(a == b, c), Self::count(), all(list, shop::all), \
             crate = ::memo"
                .parse()
                .unwrap(),
        );

        assert!(errors.is_empty(), "{errors:?}");
        let named: Vec<_> = args
            .answers
            .iter()
            .map(|answer| answer.arguments.iter().filter(|a| a.name.is_some()).count())
            .collect();
        assert_eq!(named, [2, 0, 0]);
        assert_eq!(
            args.functions.iter().map(|whole| spelled(&whole.of)).collect::<Vec<_>>(),
            ["list", "shop::all"]
        );
        assert!(args.runtime.is_some());
    }

    #[test]
    fn every_entry_that_cannot_be_read_is_reported() {
        let messages = messages(
            "product, 5, all(), all(list(id)), price(id = ), all(5), self.price(id), repo.price(id), price(*), \
             shop::price(..), price(_)",
        );

        let expected = [
            "which answer of `product`? Write its arguments, `product(id)`, or `all(product)` for all its answers",
            "expected a cached function",
            "`all` is empty",
            "`all` takes functions without arguments",
            "`id` needs a value: `id = user.id`",
            "expected",
            "a cached method is named by its type here: `Self::price(id)`, or `Self::price(self, id)`",
            "a cached method is named by its type here: `Type::price(id)`",
            "for all answers of `price` write `all(price)`",
            "for all answers of `shop::price` write `all(shop::price)`",
            "for all answers of `price` write `all(price)`",
        ];
        assert_eq!(messages.len(), expected.len(), "{messages:#?}");
        for (message, expected) in messages.iter().zip(expected) {
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
