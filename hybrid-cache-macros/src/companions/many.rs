//! The companions that take the arguments of many calls.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Lifetime, Type};

use super::{
    Companion, Stub, Waits,
    list::{Parts, asked},
};
use crate::{
    function::Argument,
    generics::{Which, with_lifetimes_named},
    names::Names,
};

/// Of a function without arguments in its key there is one answer.
pub(super) fn invalidate_many(names: &Names<'_>) -> Option<Companion> {
    let each = Each::of(&names.unskipped().collect::<Vec<_>>())?;
    let Each { pattern, ty, lifetime } = &each;
    let (runtime, generics) = (&names.runtime, &names.function.generics);
    let parameters = generics.parameters_and(lifetime, Which::TellingApart, ty);
    let constraints = generics.constraints_and(lifetime, Which::TellingApart, ty, names.is_in_impl());
    let itself = names.args.keys_self().then(|| quote!(&self,));
    let lent = names.args.keys_self().then(|| quote!(self,));
    let (private, owner, cache) = (&names.private, names.owner(), names.cache());
    let turbofish = generics.turbofish(Which::TellingApart);
    let (key, arguments) = (names.hidden("key"), names.unskipped().map(|argument| &argument.name));
    let asked = asked(names, "invalidate_many", &quote!(__hc_keys));
    Some(Companion {
        name: "invalidate_many",
        doc: " Forgets these answers in every layer, many at a time.",
        must_use: false,
        stub: Stub::Always,
        parameters: quote!(#parameters(#itself arguments: impl ::core::iter::IntoIterator<Item = #ty>)),
        returned: quote!(#runtime::Invalidated),
        constraints: Some(constraints),
        waits: Waits::ForFuture,
        body: quote! {
            let __hc_keys = #private::keys(arguments, |__hc_text, #pattern| {
                #owner::#key #turbofish(#lent __hc_text #(, &#arguments)*);
            });
            let __hc_cache = #cache;
            #asked
        },
    })
}

/// Not of a function that is not async: its thread could make one call after the other, as a loop does.
pub(super) fn warm(names: &Names<'_>, parts: &Parts) -> Option<Companion> {
    let function = names.function;
    let receiver = function.receiver.as_ref().map(|receiving| &receiving.receiver);
    let lent = receiver.map(|receiver| match &*receiver.ty {
        Type::Reference(reference) => Some((receiver, reference)),
        _ => None,
    });
    // One that is given away can be given to one call only.
    if !function.is_async() || lent.is_some_and(|lent| lent.is_none()) {
        return None;
    }
    let Each { pattern, ty, lifetime } = Each::of(&function.arguments.iter().collect::<Vec<_>>())?;
    let Names { runtime, private, .. } = names;
    let (generics, turbofish) = (&function.generics, &parts.turbofish);
    let parameters = generics.parameters_and(&lifetime, Which::All, &ty);
    let constraints = generics.constraints_and(&lifetime, Which::All, &ty, names.is_in_impl());
    let itself = lent.flatten().map(|(receiver, reference)| match receiver.colon_token {
        None => quote!(&#lifetime self,),
        Some(colon) => {
            let to = &reference.elem;
            quote!(self #colon &#lifetime #to,)
        }
    });
    let lent = receiver.map(|_| quote!(self,));
    let arguments = function.arguments.iter().map(|argument| &argument.name);
    let (owner, with_info, answer) = (names.owner(), names.public("with_info"), function.answer());
    // As `with_info` returns it; named where it can be, which the compiler has less to do with.
    let call = if names.args.inline {
        quote!(impl ::core::future::Future<Output = #runtime::Answer<#answer>>)
    } else {
        quote!(#runtime::BoxFuture<#runtime::Answer<#answer>>)
    };
    Some(Companion {
        name: "warm",
        doc: " Calls the function with all of these, a bounded number at a time, so that their answers are there when they \
              are needed.",
        must_use: false,
        stub: Stub::Never,
        parameters: quote!(#parameters(#itself arguments: impl ::core::iter::IntoIterator<Item = #ty>)),
        returned: quote!(#runtime::Warm<#lifetime, impl ::core::iter::Iterator<Item = #call>>),
        constraints: Some(constraints),
        waits: Waits::Never,
        body: quote! {
            #private::warm(arguments.into_iter().map(move |#pattern| #owner::#with_info #turbofish(#lent #(#arguments),*)))
        },
    })
}

/// The arguments of one call among many: `(id, lang): (u64, &'hc str)`.
struct Each {
    pattern: TokenStream,
    ty: TokenStream,
    lifetime: Lifetime,
}

impl Each {
    fn of(arguments: &[&Argument]) -> Option<Self> {
        let lifetime = Lifetime::new("'hc", Span::mixed_site());
        let types: Vec<Type> =
            arguments.iter().map(|argument| with_lifetimes_named(&argument.ty, &lifetime)).collect();
        let names: Vec<&Ident> = arguments.iter().map(|argument| &argument.name).collect();
        let (pattern, ty) = match (names.as_slice(), types.as_slice()) {
            ([], _) => return None,
            ([name], [ty]) => (quote!(#name), quote!(#ty)),
            (names, types) => (quote!((#(#names),*)), quote!((#(#types),*))),
        };
        Some(Self { pattern, ty, lifetime })
    }
}
