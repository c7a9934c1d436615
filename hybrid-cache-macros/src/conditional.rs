//! `#[cfg(..)]` on an argument: the function becomes two, one with the argument and one without, each under its condition.
//!
//! An argument of a call cannot be left out by a condition, and companions call. So the compiler decides between two
//! functions, and everything else here sees arguments that are there.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{Attribute, FnArg, Ident, Meta, spanned::Spanned as _};

use crate::{args::Args, function::Function, pattern};

/// The two functions, if the first of them is not the only one.
pub(crate) fn split(args: &TokenStream, function: &Function) -> Option<TokenStream> {
    let (at, condition) = first_condition(function)?;
    let (with, without) = (with(function, at), without(function, at));
    let bindings: Vec<Ident> = match function.sig.inputs.get(at)? {
        FnArg::Typed(typed) => pattern::bindings(&typed.pat),
        FnArg::Receiver(_) => Vec::new(),
    };
    let args_without = unskipped(args, &bindings);
    let runtime = Args::parse(args.clone()).0.runtime.unwrap_or_else(|| syn::parse_quote!(::hybrid_cache));
    let span = condition.span();
    Some(quote_spanned! {span=>
        #[cfg(#condition)]
        #[#runtime::cached(#args)]
        #with
        #[cfg(not(#condition))]
        #[#runtime::cached(#args_without)]
        #without
    })
}

/// The first argument with a condition.
fn first_condition(function: &Function) -> Option<(usize, TokenStream)> {
    function.sig.inputs.iter().enumerate().find_map(|(at, input)| {
        let condition = attributes(input).iter().find_map(|attribute| match &attribute.meta {
            Meta::List(list) if list.path.is_ident("cfg") => Some(list.tokens.clone()),
            _ => None,
        });
        Some((at, condition?))
    })
}

fn attributes(input: &FnArg) -> &[Attribute] {
    match input {
        FnArg::Typed(typed) => &typed.attrs,
        FnArg::Receiver(receiver) => &receiver.attrs,
    }
}

fn with(function: &Function, at: usize) -> TokenStream {
    let mut inputs = function.sig.inputs.clone();
    if let Some(FnArg::Typed(typed)) = inputs.get_mut(at) {
        // The first of them, which stands over the function now.
        let first = typed.attrs.iter().position(|attribute| attribute.path().is_ident("cfg"));
        first.map(|first| typed.attrs.remove(first));
    }
    item(function, inputs)
}

fn without(function: &Function, at: usize) -> TokenStream {
    let inputs = function.sig.inputs.iter().enumerate().filter(|(other, _)| *other != at);
    item(function, inputs.map(|(_, input)| input.clone()).collect())
}

fn item(function: &Function, inputs: syn::punctuated::Punctuated<FnArg, syn::Token![,]>) -> TokenStream {
    let Function { attrs, vis, sig, body, .. } = function;
    let sig = syn::Signature { inputs, ..sig.clone() };
    quote!(#(#attrs)* #vis #sig #body)
}

/// `skip(db, ctx)` without the names that are not there; without all of it if that leaves none.
fn unskipped(args: &TokenStream, names: &[Ident]) -> TokenStream {
    let mut tokens: Vec<TokenTree> = args.clone().into_iter().collect();
    let list = tokens.windows(2).position(|pair| {
        matches!(pair, [TokenTree::Ident(option), TokenTree::Group(list)]
            if option == "skip" && list.delimiter() == Delimiter::Parenthesis)
    });
    let Some((option, TokenTree::Group(list))) = list.and_then(|at| Some((at, tokens.get(at + 1)?.clone())))
    else {
        return args.clone();
    };
    let kept = list.stream().into_iter().filter(|token| match token {
        TokenTree::Ident(name) => !names.contains(name),
        _ => false,
    });
    let kept: Vec<TokenTree> = kept.collect();
    if kept.is_empty() {
        let comma = usize::from(
            matches!(tokens.get(option + 2), Some(TokenTree::Punct(comma)) if comma.as_char() == ','),
        );
        tokens.drain(option..option + 2 + comma);
    } else if let Some(place) = tokens.get_mut(option + 1) {
        *place = Group::new(Delimiter::Parenthesis, quote!(#(#kept),*)).into();
    }
    tokens.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_names(args: &str, names: &[&str]) -> String {
        let names: Vec<Ident> = names.iter().map(|name| syn::parse_str(name).unwrap()).collect();
        unskipped(&args.parse().unwrap(), &names).to_string().replace(' ', "")
    }

    #[test]
    fn what_is_not_there_is_not_skipped() {
        assert_eq!(without_names("ttl = 5, skip(a, b), inline", &["a"]), "ttl=5,skip(b),inline");
        assert_eq!(without_names("skip(a), inline", &["a"]), "inline");
        assert_eq!(without_names("inline, skip(a)", &["b"]), "inline,skip(a)");
        assert_eq!(without_names("skip", &["a"]), "skip");
    }

    #[test]
    fn a_function_with_a_conditional_argument_becomes_two() {
        let item = "fn f(a: u8, #[cfg(unix)] #[cfg(test)] b: u8) -> u8 { a }".parse().unwrap();
        let function = Function::parse(&item).unwrap();

        let two = split(&quote!(skip(b)), &function).unwrap().to_string();

        assert!(two.contains("# [cfg (unix)] # [:: hybrid_cache :: cached (skip (b))] fn f (a : u8 , # [cfg (test)] b : u8)"), "{two}");
        assert!(two.contains("# [cfg (not (unix))] # [:: hybrid_cache :: cached ()] fn f (a : u8)"), "{two}");
        assert!(split(&quote!(), &Function::parse(&"fn f(a: u8) {}".parse().unwrap()).unwrap()).is_none());
    }
}
