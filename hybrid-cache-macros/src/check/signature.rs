//! What a function must look like. Most of it follows from two facts: a load that is not `inline` may outlive the call
//! that started it, and an answer outlives both.

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound, spanned::Spanned};

use super::{Input, Rule, error};
use crate::{
    function::{Argument, Ownership},
    place::Place,
    spelling::{Ends, borrow_in, generic_of, impl_trait_in, reference, spelled},
};

pub(super) const RULES: &[Rule] = &[
    unsafe_or_foreign,
    awkward_receiver,
    nameless_argument,
    mutable_argument,
    argument_that_cannot_be_owned,
    argument_of_the_impl,
    no_answer,
    borrowed_answer,
    unnamed_answer,
    future_as_answer,
    generic_answer_without_bounds,
];

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
            error(span, format!("{what} cannot be cached; put `#[cached]` on a function that calls it"))
        })
        .collect()
}

/// Alone, before all others.
pub(super) fn in_a_trait(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let name = function.name();
    let message = match function.place {
        Place::Free | Place::Impl => return Vec::new(),
        Place::TraitImpl => format!(
            "`#[cached]` on a method of a trait would add methods to the trait; put it on a method of the type itself \
             (`impl Type {{ #[cached(..)] .. fn {name}_cached(..) }}`) or on a free function, and call that from here"
        ),
        Place::Trait => format!(
            "`#[cached]` in a trait would add methods to the trait; put it on a free function, or on a method of a type \
             that implements it, and call that from `{name}`"
        ),
    };
    vec![error(function.sig.ident.span(), message)]
}

fn awkward_receiver(Input { function, args, .. }: Input<'_>) -> Vec<syn::Error> {
    let receiver = function.receiver.iter().map(|receiving| &receiving.receiver);
    receiver
        .filter_map(|receiver| {
            let ty = &*receiver.ty;
            if let Type::Reference(reference) = ty
                && let Some(word) = &reference.mutability
            {
                let span = receiver.mutability.as_ref().map_or(word.span, |word| word.span);
                return Some(error(
                    span,
                    "`self` is borrowed mutably, and a cached answer changes nothing; take `&self`, or leave \
                     `#[cached]` to a method that only reads",
                ));
            }
            let pinned = generic_of(ty, "Pin").is_some() && !args.inline && function.is_async();
            pinned.then(|| {
                error(
                    Ends::of(ty).span(),
                    "a load may outlive this call, and a pinned `self` cannot be made owned; take `&self`, \
                     `self: &Arc<Self>` or `self: Arc<Self>`",
                )
            })
        })
        .collect()
}

fn nameless_argument(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let nameless = function.arguments.iter().filter(|argument| argument.bindings.is_empty());
    nameless
        .map(|argument| {
            let span = argument.pattern.as_ref().map_or_else(Span::call_site, Spanned::span);
            error(span, "an argument needs a name to stand in the key; write for example `_unused`")
        })
        .collect()
}

/// One that is skipped is a handle, as `&mut PgConnection` is, and stays with its caller.
fn mutable_argument(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    let keyed = function.arguments.iter().filter(|argument| !args.skips_whole(argument));
    let mutable = keyed.filter_map(|argument| {
        let reference = reference(&argument.ty)?;
        Some((&argument.name, reference.mutability.as_ref()?))
    });
    mutable
        .map(|(name, word)| {
            error(
                word.span,
                format!(
                    "`{name}` is borrowed mutably, and a cached answer changes nothing; take `&T`, return the change, or, \
                     if it is a handle on which no answer depends, leave it out of the key with `skip({name})`"
                ),
            )
        })
        .collect()
}

fn argument_that_cannot_be_owned(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    // A load in its caller's task or thread takes them as they are; an `inline` that could not be read has its own error.
    let owned = function.is_async() && !args.inline && !args.is_malformed("inline");
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

/// What is made owned is lent to the body for as long as the load runs, which is shorter than a lifetime of the type.
fn argument_of_the_impl(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    let owned = function.is_async() && !args.inline && !args.is_malformed("inline");
    let lent =
        function.arguments.iter().filter(|argument| owned && argument.ownership == Ownership::Borrowed);
    lent.filter_map(|argument| {
        let lifetime = reference(&argument.ty)?.lifetime.as_ref()?;
        let elsewhere = lifetime.ident != "_" && !function.generics.declares(&lifetime.ident);
        elsewhere.then(|| {
            error(
                lifetime.span(),
                format!(
                    "`{name}` is borrowed for `{lifetime}`, a lifetime of the `impl`, and a load, which may outlive this call, \
                     has a copy of it that lives no longer than the load; write `&` without `{lifetime}`, or run loads in the \
                     caller's task with `#[cached(inline)]`",
                    name = argument.name,
                ),
            )
        })
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
    let borrowed = borrow_in(ty).filter(|_| future_in(ty).is_none()).into_iter();
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
    let unnamed = impl_trait_in(ty).filter(|_| future_in(ty).is_none()).into_iter();
    unnamed
        .map(|span| {
            error(span, "a cached answer needs a type with a name; return for example `Vec<T>` or `Arc<T>`")
        })
        .collect()
}

/// What would be kept is a future, which can be awaited once.
fn future_as_answer(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let ReturnType::Type(_, ty) = &function.sig.output else { return Vec::new() };
    let future = future_in(ty).into_iter();
    future
        .map(|output| {
            let asyncness = if function.is_async() { "await it in the body" } else { "write `async fn`" };
            error(
                Ends::of(ty).span(),
                format!(
                    "`{name}` returns a future, and what is cached is what comes out of it; {asyncness}: \
                     `async fn {name}(..) -> {output}`",
                    name = function.name(),
                ),
            )
        })
        .collect()
}

/// The compiler would say so at each of a dozen places, and not what to write.
fn generic_answer_without_bounds(Input { function, .. }: Input<'_>) -> Vec<syn::Error> {
    let answer = function.answer();
    let value = generic_of(&answer, "Result").unwrap_or(&answer);
    let value = generic_of(value, "Option").unwrap_or(value);
    let shared = generic_of(value, "Arc");
    let value = shared.or_else(|| generic_of(value, "Vec")).unwrap_or(value);
    let Some(bounds) = function.generics.bounds_of(value) else { return Vec::new() };
    let names: Option<Vec<String>> = bounds.iter().map(plain_bound).collect();
    // A trait of the user's may ask for what is missing here.
    let Some(names) = names else { return Vec::new() };
    let needed = [("Clone", shared.is_none()), ("Send", true), ("Sync", true), ("'static", true)];
    let has = |needed: &str| names.iter().any(|name| name == needed || (name == "Copy" && needed == "Clone"));
    let missing = needed.into_iter().filter(|(name, is_needed)| *is_needed && !has(name));
    let missing: Vec<&str> = missing.map(|(name, _)| name).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let (name, missing) = (value.to_token_stream(), missing.join(" + "));
    vec![syn::Error::new_spanned(
        value,
        format!(
            "a cached answer is handed to many callers, on any thread; write `{name}: {missing}` beside its other bounds"
        ),
    )]
}

/// The name of a bound that asks for nothing else, as a derived trait does.
fn plain_bound(bound: &TypeParamBound) -> Option<String> {
    const PLAIN: [&str; 17] = [
        "Clone",
        "Copy",
        "Send",
        "Sync",
        "Sized",
        "Debug",
        "Display",
        "Default",
        "PartialEq",
        "Eq",
        "PartialOrd",
        "Ord",
        "Hash",
        "Serialize",
        "Deserialize",
        "DeserializeOwned",
        "From",
    ];
    match bound {
        TypeParamBound::Lifetime(lifetime) => Some(lifetime.to_string()),
        TypeParamBound::Trait(bound) => {
            let name = bound.path.segments.last()?.ident.to_string();
            PLAIN.contains(&name.as_str()).then_some(name)
        }
        _ => None,
    }
}

/// What comes out of the future that a type is spelled as, if it is one: `impl Future<Output = T>`, `BoxFuture<'_, T>`,
/// `Pin<Box<dyn Future<Output = T>>>`.
fn future_in(ty: &Type) -> Option<String> {
    let bounds = match ty {
        Type::ImplTrait(unnamed) => &unnamed.bounds,
        Type::TraitObject(object) => &object.bounds,
        Type::Path(_) => {
            let boxed = ["BoxFuture", "LocalBoxFuture"].iter().find_map(|name| generic_of(ty, name));
            let inner = ["Pin", "Box"].iter().find_map(|name| generic_of(ty, name));
            return boxed.map(spelled).or_else(|| future_in(inner?));
        }
        _ => return None,
    };
    let last = bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|last| last.ident == "Future"),
        _ => None,
    })?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) => Some(spelled(&output.ty)),
        _ => None,
    })
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
