//! Checked input → tokens: the function itself, and how the runtime finds its cache.
//!
//! What the attribute says of it is in `definition.rs`, its key in `key.rs`, how its body is started in `load.rs`.
//!
//! Paths are absolute and bindings are called `__hc_*`, so that nothing the user names or shadows can be
//! mistaken for ours. What the generated code calls is in `private.rs` of the runtime.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, ext::IdentExt as _, parse_quote};

use crate::{
    args::Args,
    companions,
    definition::{abilities, at_failure, at_value, definition, requirements, seen_through},
    function::{Function, Receiving},
    generics::Which,
    key, load,
    names::Names,
    pattern,
};

pub(crate) fn cached(args: &Args, function: &Function) -> TokenStream {
    let names = Names::new(args, function);
    let call = call(&names);
    let companions = companions::real(&names);
    if names.is_in_impl() {
        return quote!(#call #companions);
    }
    let companion = companions::item(&names);
    let typed = names.is_typed().then(|| typed_impl(&names));
    let function_impl = (!names.has_instances()).then(|| function_impl(&names, &accessor(&names)));
    quote!(#call #companion #typed #function_impl #companions)
}

/// ```text
/// Input:   pub async fn product(id: u64, lang: &str) -> R { BODY }
/// Output:  pub async fn product(id: u64, lang: &str) -> R {
///              let __hc_cache = <product as Function<_>>::cache();
///              let mut __hc_key = KeyText::new();
///              product::__key(&mut __hc_key, &id, &lang);
///              if let Some(__hc_answer) = __hc_cache.hit(&__hc_key) { return __hc_answer; }
///              __hc_cache.load(__hc_key, product::__load(id, lang)).await
///          }
/// ```
///
/// With `inline`, the last line is `__hc_cache.load_inline(__hc_key, Box::pin(product::uncached(id, lang))).await`; of a
/// function that is not async, `__hc_cache.load_blocking(__hc_key, || product::uncached(id, lang))`.
fn call(names: &Names<'_>) -> TokenStream {
    let Function { vis, sig, .. } = names.function;
    let attrs = names.function.attrs.iter().map(companions::expectation_as_permission);
    let permissions = permissions(names.function);
    let line = companions::doc_line(names);
    let documented = names.function.attrs.iter().any(|attribute| attribute.path().is_ident("doc"));
    let paragraph = documented.then(|| quote!(#[doc = ""]));
    let (inputs, together) = inputs(names.function);
    let sig = syn::Signature { inputs, ..sig.clone() };
    let found =
        names.found_with(names.function.generics.turbofish_from_outside(Which::TellingApart).as_ref());
    let turbofish = names.function.generics.turbofish_from_outside(Which::All);
    let load = load::started(names, "load", turbofish.as_ref());
    let awaited = (names.function.is_async() && !names.args.inline).then(|| quote!(.await));
    quote! {
        #(#attrs)*
        #paragraph
        #[doc = #line]
        #permissions
        #vis #sig {
            #together
            #found
            if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
                return __hc_answer;
            }
            #load #awaited
        }
    }
}

/// What the compiler would say of a function whose body is elsewhere.
fn permissions(function: &Function) -> TokenStream {
    let mut bindings = function.arguments.iter().flat_map(|argument| &argument.bindings);
    // `_unused` is used now: it stands in the key.
    let underscore = bindings.any(|binding| binding.unraw().to_string().starts_with('_'));
    let underscore = underscore.then(|| quote!(#[allow(clippy::used_underscore_binding)]));
    let mut typed = function.typed_inputs();
    let mutable = typed.any(|typed| typed.pat.to_token_stream().to_string().contains("mut "))
        || function.receiver.as_ref().is_some_and(|receiving| receiving.receiver.mutability.is_some());
    let mutable = mutable.then(|| quote!(#[allow(unused_mut)]));
    quote!(#underscore #mutable)
}

/// The arguments as the user wrote them, and what puts those together again that are taken apart. One of which a part is
/// left out gets a name instead.
fn inputs(function: &Function) -> (syn::punctuated::Punctuated<FnArg, syn::Token![,]>, TokenStream) {
    let mut inputs = function.sig.inputs.clone();
    let mut together = TokenStream::new();
    let typed = inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    for (typed, argument) in typed.zip(&function.arguments) {
        companions::expectations_as_permissions(&mut typed.attrs);
        let (Some(taken_apart), name, ty) = (&argument.pattern, &argument.name, &typed.ty) else { continue };
        match pattern::as_expression(taken_apart) {
            Some(value) => together.extend(quote!(let #name: #ty = #value;)),
            None => *typed.pat = parse_quote!(#name),
        }
    }
    (inputs, together)
}

/// Ties the companion struct to the type of the function's outcome. The answer is a parameter of the trait: an
/// implementation is as visible as all that it names, so the answer may be less so than the struct.
pub(crate) fn typed_impl(names: &Names<'_>) -> TokenStream {
    let Names { companion, private, .. } = names;
    let (cfgs, returned, cacheable, held) = (names.cfgs(), names.returned(), names.cacheable(), names.held());
    let (permissions, answer) = (companions::permissions(names.function), names.function.answer());
    quote! {
        #(#cfgs)*
        #(#permissions)*
        #[automatically_derived]
        impl #private::Typed<#answer> for #companion {
            type Returned = #returned;
            type Outcome = #private::Kept<Self::Returned, #cacheable, #held>;
        }
    }
}

/// And to its cache.
pub(crate) fn function_impl(names: &Names<'_>, accessor: &TokenStream) -> TokenStream {
    let Names { companion, private, .. } = names;
    let (cfgs, answer, cache_type) = (names.cfgs(), names.function.answer(), names.cache_type());
    let permissions = companions::permissions(names.function);
    quote! {
        #(#cfgs)*
        #(#permissions)*
        #[automatically_derived]
        impl #private::Function<#answer> for #companion {
            fn cache() -> &'static #cache_type { #accessor }
        }
    }
}

fn accessor(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let cache_type = names.cache_type();
    let (definition, abilities) = (definition(names), abilities(names));
    let requirements = requirements(names);
    let cacheable = at_value(names, &quote!(require_cacheable));
    let passed_on = at_failure(names, &quote!(require_passed_on));
    quote! {
        #(const _: () = #requirements;)*
        static __HC_CACHE: ::std::sync::LazyLock<#cache_type> = ::std::sync::LazyLock::new(|| {
            #cacheable;
            #passed_on;
            #private::CachedFn::new(#definition, #abilities)
        });
        &__HC_CACHE
    }
}

/// How the cache of an instance is found:
///
/// ```text
/// fn __instances() -> &'static Instances { static .. }            one for all instances
/// fn __definition() -> Definition { .. }
/// fn __cache<T>() -> &'static Cache<..> { Self::__instances().get(&|| {}, || (Self::__definition(), abilities)) }
/// fn __keyed<T>(__hc_text: &mut KeyText, id: &T) -> &'static Cache<..> { Self::__key::<T>(__hc_text, id); Self::__cache::<T>() }
/// ```
pub(crate) fn instances(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let [instances, defined, cache] = ["instances", "definition", "cache"].map(|what| names.hidden(what));
    let (cache_type, definition, abilities) = (names.cache_type(), definition(names), abilities(names));
    let requirements = requirements(names).into_iter().map(|requirement| {
        // An item cannot speak of what is generic; a constant in place can, and is only looked at when the function is used.
        if names.function.has_generic_answer() {
            quote!(const { #requirement })
        } else {
            quote!(const _: () = #requirement)
        }
    });
    let seen_through = seen_through(names);
    let cacheable = at_value(names, &quote!(require_cacheable));
    let passed_on = at_failure(names, &quote!(require_passed_on));
    let generics = &names.function.generics;
    let parameters = generics.parameters(Which::TellingApart, &TokenStream::new());
    let constraints = generics.constraints(Which::TellingApart);
    let told_apart = generics.in_key().map(|(name, is_constant)| {
        let parameter = if is_constant { quote!(#name) } else { quote!(::core::any::type_name::<#name>()) };
        quote!(.told_apart_by(&#parameter))
    });
    let (owner, keyed) = (names.owner(), names.has_family().then(|| keyed(names)));
    quote! {
        fn #instances() -> &'static #private::Instances {
            static __HC_INSTANCES: #private::Instances = #private::Instances::new();
            &__HC_INSTANCES
        }
        fn #defined() -> #private::Definition { #definition }
        fn #cache #parameters() -> &'static #cache_type #constraints {
            // Another type in each instance.
            let __hc_witness = || {};
            #owner::#instances().get(&__hc_witness, || {
                #(#requirements;)*
                #seen_through
                #cacheable;
                #passed_on;
                (#owner::#defined() #(#told_apart)*, #abilities)
            })
        }
        #keyed
    }
}

fn keyed(names: &Names<'_>) -> TokenStream {
    let (owner, private, cache_type) = (names.owner(), &names.private, names.cache_type());
    let [cache, key, keyed] = ["cache", "key", "keyed"].map(|what| names.hidden(what));
    let generics = &names.function.generics;
    let arguments = key::parameters(names);
    let parameters = generics.parameters(Which::TellingApart, &arguments);
    let constraints = generics.constraints(Which::TellingApart);
    let turbofish = generics.turbofish(Which::TellingApart);
    let itself = names.args.keys_self().then(|| quote!(&self,));
    let lent = names.args.keys_self().then(|| quote!(self,));
    let given = names.unskipped().map(|argument| &argument.name);
    quote! {
        fn #keyed #parameters(
            #itself __hc_text: &mut #private::KeyText, #arguments
        ) -> &'static #cache_type #constraints {
            #owner::#key #turbofish(#lent __hc_text #(,#given)*);
            #owner::#cache #turbofish()
        }
    }
}

/// `self: &Arc<Self>`, as the user wrote it, where all arguments are taken. Of `mut self`, only the body knows of `mut`.
pub(crate) fn receiver(function: &Function) -> Option<TokenStream> {
    function.receiver.as_ref().map(|Receiving { receiver, .. }| {
        let mutability = receiver.mutability.filter(|_| receiver.reference.is_some());
        let receiver = syn::Receiver { mutability, ..receiver.clone() };
        quote!(#receiver)
    })
}
