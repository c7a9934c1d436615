//! What a function must look like. Some of it is "not yet"; the rest follows from two facts: a load that is
//! not `inline` may outlive the call that started it, and an answer outlives both.

use proc_macro2::Span;
use syn::{FnArg, GenericParam, Pat, ReturnType, Type, spanned::Spanned as _};

use super::{Input, Rule, error};
use crate::{
    function::{Argument, Ownership},
    spelling::{borrow_in, impl_trait_in, reference},
};

pub(super) const RULES: &[Rule] = &[
    not_async,
    unsafe_or_foreign,
    method,
    generic,
    pattern_argument,
    conditional_argument,
    mutable_argument,
    impl_trait_argument,
    argument_that_cannot_be_owned,
    no_answer,
    borrowed_answer,
    unnamed_answer,
];

fn not_async(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    // On a method there is more to say than this.
    if function.sig.asyncness.is_some() || function.sig.receiver().is_some() {
        return Vec::new();
    }
    let name = &function.sig.ident;
    vec![error(
        function.sig.fn_token.span,
        format!("`#[cached]` on a function that is not async is not supported yet; write `async fn {name}`"),
    )]
}

fn unsafe_or_foreign(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let sig = &function.sig;
    let unsafety = sig.unsafety.as_ref().map(|word| (word.span, "an `unsafe fn`"));
    let foreign = sig.abi.as_ref().map(|word| (word.span(), "an `extern fn`"));
    let constant = sig.constness.as_ref().map(|word| (word.span, "a `const fn`"));
    let variadic = sig.variadic.as_ref().map(|word| (word.span(), "a variadic function"));
    [unsafety, foreign, constant, variadic]
        .into_iter()
        .flatten()
        .map(|(span, what)| {
            error(span, format!("{what} cannot be cached; put `#[cached]` on an `async fn` that calls it"))
        })
        .collect()
}

fn method(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let receiver = function.sig.receiver().map(|receiver| receiver.self_token.span);
    receiver
        .into_iter()
        .map(|span| {
            error(
                span,
                format!(
                    "`#[cached]` on a method is not supported yet; move the body into a free \
                     `async fn {}` that takes what it needs of `self` as arguments",
                    function.name()
                ),
            )
        })
        .collect()
}

fn generic(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let parameters = function.sig.generics.params.iter();
    parameters
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            GenericParam::Const(parameter) => Some(&parameter.ident),
            GenericParam::Lifetime(_) => None,
        })
        .map(|name| {
            error(
                name.span(),
                format!(
                    "`#[cached]` on a generic function is not supported yet; write one function for each \
                     `{name}`, or take a type that holds them all"
                ),
            )
        })
        .collect()
}

fn pattern_argument(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let patterns = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&*typed.pat),
        FnArg::Receiver(_) => None,
    });
    patterns
        .filter_map(|pattern| match pattern {
            Pat::Ident(name) => name.mutability.as_ref().map(|word| {
                let name = &name.ident;
                error(
                    word.span,
                    format!(
                        "a `mut` argument is not supported yet; take `{name}` and begin the body with \
                         `let mut {name} = {name};`"
                    ),
                )
            }),
            Pat::Wild(_) => Some(error(
                pattern.span(),
                "an argument needs a name to stand in the key; write for example `_unused`",
            )),
            _ => Some(error(
                pattern.span(),
                "a pattern as an argument is not supported yet; give the argument a name and take it apart in \
                 the body",
            )),
        })
        .collect()
}

fn conditional_argument(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let attributes = function.sig.inputs.iter().flat_map(|input| match input {
        FnArg::Typed(typed) => &typed.attrs,
        FnArg::Receiver(receiver) => &receiver.attrs,
    });
    attributes
        .filter(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
        .map(|attribute| {
            error(
                attribute.span(),
                "`#[cfg]` on an argument is not supported yet; write two functions, each under its `#[cfg]`",
            )
        })
        .collect()
}

fn mutable_argument(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let mutable = function.arguments.iter().filter_map(|argument| {
        let reference = reference(&argument.ty)?;
        Some((&argument.name, reference.mutability.as_ref()?))
    });
    mutable
        .map(|(name, word)| {
            error(
                word.span,
                format!(
                    "`{name}` is borrowed mutably, and a cached answer changes nothing; take `&T` or return \
                     the change"
                ),
            )
        })
        .collect()
}

fn impl_trait_argument(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let unnamed = function.arguments.iter().filter_map(|argument| impl_trait_in(&argument.ty));
    unnamed
        .map(|span| {
            error(span, "`impl Trait` as an argument is not supported yet; name the type, for example `&str`")
        })
        .collect()
}

fn argument_that_cannot_be_owned(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    // An inline load takes them as they are; one that could not be read has its own error.
    let owned = !args.inline && !args.is_malformed("inline");
    let arguments = function.arguments.iter().filter(|_| owned);
    arguments
        .filter_map(|argument| {
            let (name, behind) = (&argument.name, behind_reference(argument));
            let lent = argument.ownership == Ownership::Borrowed;
            if let Some(word) = trait_object(behind).filter(|_| lent) {
                return Some(error(
                    word,
                    format!(
                        "`{name}` borrows a `dyn` value, which cannot be made owned, and a load may outlive this \
                         call; take an `Arc<dyn ..>`, or run loads in the caller's task with `#[cached(inline)]`"
                    ),
                ));
            }
            Some(error(
                borrow_in(behind)?,
                format!(
                    "`{name}` holds borrowed data in a way that cannot be made owned, and a load may outlive \
                     this call; take an owned type, or `&str`, `&[T]`, `&T` or an `Option` of these with \
                     nothing borrowed inside, or run loads in the caller's task with `#[cached(inline)]`"
                ),
            ))
        })
        .collect()
}

fn no_answer(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let span = match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, ty) => match &**ty {
            Type::Tuple(tuple) if tuple.elems.is_empty() => tuple.span(),
            _ => return Vec::new(),
        },
    };
    vec![error(
        span,
        format!(
            "`{}` returns nothing, so there is nothing to cache and its second call would do nothing; \
             return an answer or remove the attribute",
            function.name()
        ),
    )]
}

fn borrowed_answer(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let ReturnType::Type(_, ty) = &function.sig.output else { return Vec::new() };
    let borrowed = borrow_in(ty).into_iter();
    borrowed
        .map(|span| {
            error(
                span,
                "a cached answer outlives the call, so it cannot borrow; return an owned type, \
                 in place of `&str` for example `String` or `Arc<str>`",
            )
        })
        .collect()
}

fn unnamed_answer(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let ReturnType::Type(_, ty) = &function.sig.output else { return Vec::new() };
    let unnamed = impl_trait_in(ty).into_iter();
    unnamed
        .map(|span| {
            error(span, "a cached answer needs a type with a name; return for example `Vec<T>` or `Arc<T>`")
        })
        .collect()
}

/// The `dyn` of a trait object.
fn trait_object(ty: &Type) -> Option<Span> {
    match ty {
        Type::TraitObject(object) => object.dyn_token.map(|word| word.span),
        Type::Paren(inner) => trait_object(&inner.elem),
        Type::Group(inner) => trait_object(&inner.elem),
        _ => None,
    }
}

/// What is left of an argument's type to look at when its own reference is dealt with.
fn behind_reference(argument: &Argument) -> &Type {
    match (argument.ownership, reference(&argument.ty)) {
        (Ownership::Borrowed, Some(reference)) => &reference.elem,
        _ => &argument.ty,
    }
}
