//! What the runtime is told of one function: its options, and what its types can do.
//!
//! What a type *is* only the compiler knows, so every question about one becomes tokens that it answers, placed where
//! the user has to change something if the answer is no.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ExprPath;

use crate::{
    args::{Args, LayerTtl},
    duration::{Life, why_not_zero, why_not_zero_in},
    layer::Layer,
    names::Names,
    spelling::{Ends, placed},
    value::RefreshAhead,
};

/// `Definition::new("..").layers(..)…`: one setter for each option that is given.
pub(crate) fn definition(names: &Names<'_>) -> TokenStream {
    let Names { args, function, private, companion, .. } = names;
    let name = function.name();
    let new = match (&args.name, names.is_in_impl()) {
        (Some(name), false) => quote!(#private::Definition::named_beside::<#companion>(#name)),
        (Some(name), true) => quote!(#private::Definition::named_method::<Self>(#name)),
        (None, false) => quote!(#private::Definition::beside::<#companion>(#name)),
        (None, true) => quote!(#private::Definition::method::<Self>(#name)),
    };
    let blocking = (!function.is_async()).then(|| quote!(.blocking()));
    let where_kept = where_kept(names);
    let times = times(args);
    let refresh_ahead = args.refresh_ahead.iter().map(|ahead| match ahead {
        RefreshAhead::Fraction(fraction) => {
            let fraction = Literal::f64_unsuffixed(fraction.value);
            quote!(.refresh_ahead(#fraction))
        }
        RefreshAhead::ByChance => quote!(.refresh_ahead_by_chance()),
    });
    let max_loads = args.max_loads.iter().map(|loads| Literal::u32_unsuffixed(loads.value));
    let version = args.version.iter().map(|version| Literal::u32_unsuffixed(version.value));
    quote! {
        #new #where_kept #times #(#refresh_ahead)* #(.max_loads(#max_loads))* #(.version(#version))* #blocking
    }
}

fn where_kept(Names { args, runtime, .. }: &Names<'_>) -> TokenStream {
    let kind = |layer: Layer| {
        let variant = layer.variant();
        quote!(#runtime::LayerKind::#variant)
    };
    let layers = args.layers.iter().map(|layers| {
        let kinds = layers.known().map(kind);
        quote!(.layers(&[#(#kinds),*]))
    });
    let layer_ttls = args.layer_ttls.iter().filter_map(|LayerTtl { layer, life }| {
        let life = life.positive_tokens(&why_not_zero_in(&layer.text));
        let kind = kind(layer.layer()?);
        Some(quote!(.layer_ttl(#kind, #life)))
    });
    let jitter = args.jitter.iter().map(|jitter| Literal::f64_unsuffixed(jitter.value));
    let capacity = args.capacity.iter().map(|capacity| Literal::u64_unsuffixed(capacity.value));
    let max_bytes = args.max_bytes.iter().map(|size| Literal::u64_unsuffixed(size.bytes));
    let eviction = args.eviction.iter().filter_map(|eviction| {
        let variant = eviction_variant(&eviction.value())?;
        Some(quote!(.eviction(#runtime::Eviction::#variant)))
    });
    quote! {
        #(#layers)* #(#layer_ttls)* #(.jitter(#jitter))* #(.capacity(#capacity))* #(.max_bytes(#max_bytes))*
        #(#eviction)*
    }
}

/// The variant of the runtime's `Eviction` that `text` names, if it names one.
pub(crate) fn eviction_variant(text: &str) -> Option<Ident> {
    let variant = match text {
        "s3fifo" => "S3Fifo",
        "tinylfu" => "TinyLfu",
        _ => return None,
    };
    Some(Ident::new(variant, Span::call_site()))
}

fn times(args: &Args) -> TokenStream {
    let times = args.positive_durations().map(|(option, life)| {
        let (setter, life) = (format_ident!("{option}"), life.positive_tokens(why_not_zero(option)));
        quote!(.#setter(#life))
    });
    let none_ttl = args.none_ttl.iter().map(Life::tokens);
    let err_ttl = args.err_ttl.iter().map(Life::tokens);
    quote!(#(#times)* #(.none_ttl(#none_ttl))* #(.err_ttl(#err_ttl))*)
}

/// `Abilities::new(..)` and what the attribute says of the values.
pub(crate) fn abilities(names: &Names<'_>) -> TokenStream {
    let Names { private, args, .. } = names;
    let value = names.value_of();
    let (codec, clone_error) = (codec(names), clone_error(names));
    let same = keeps_bytes(names).then(|| {
        quote!(.same({
            #[allow(unused_imports)]
            use #private::NotEq as _;
            #private::EqProbe::<#value>::new().same()
        }))
    });
    let cache_if = args.cache_if.iter().map(|path| of_value(path, &value, &quote!(bool)));
    let ttl_by = args.ttl_by.iter().map(|path| of_value(path, &value, &quote!(::core::time::Duration)));
    let weigh = weigh(names);
    let deadline = args.deadline.iter().map(|_| at_error(names, "deadline", &quote!(require_deadline_error)));
    quote! {
        #private::Abilities::new(
            #codec,
            {
                #[allow(unused_imports)]
                use #private::NeverNone as _;
                #private::OptionProbe::<#value>::new().is_none()
            },
            #clone_error,
        )
        #same #(.cache_if(#cache_if))* #(.ttl_by(#ttl_by))* #weigh #(.deadline_error(#deadline))*
    }
}

/// Whether answers may become bytes, as far as the attribute and the signature tell.
fn keeps_bytes(Names { args, function, .. }: &Names<'_>) -> bool {
    match &args.layers {
        Some(layers) => layers.known().any(Layer::keeps_bytes),
        None => !function.has_static_borrow(),
    }
}

fn codec(names: &Names<'_>) -> TokenStream {
    let Names { private, args, function, .. } = names;
    let value = names.value_of();
    if !keeps_bytes(names) {
        return quote!(::core::option::Option::None);
    }
    if args.layers.is_none() {
        return quote!({
            #[allow(unused_imports)]
            use #private::{NoCodec as _, OwnEncoding as _};
            #private::CodecProbe::<#value>::new().encoding().codec()
        });
    }
    // The compiler complains about the argument, so that has to span the whole place: no block around it.
    let codec = quote!({
        #[allow(unused_imports)]
        use #private::OwnEncoding as _;
        #private::require_codec(#private::CodecProbe::<#value>::new().encoding())
    });
    let codec = placed(codec, function.value_ends());
    quote!(::core::option::Option::Some(#codec))
}

/// How large an answer is, where no codec is required anyway, which knows it. Where the attribute does not need to know, the
/// settings may: then as far as it can be told.
fn weigh(names: &Names<'_>) -> Option<TokenStream> {
    let Names { private, args, .. } = names;
    let value = names.value_of();
    if let Some(path) = &args.weigh {
        let weigh = of_value(path, &value, &quote!(::core::primitive::usize));
        return Some(quote!(.weigh(#weigh)));
    }
    if args.layers.iter().any(|layers| layers.known().any(Layer::keeps_bytes)) {
        return None;
    }
    let size = quote!({
        #[allow(unused_imports)]
        use #private::{NoSize as _, SharedSize as _};
        #private::SizeProbe::<#value>::ASK.size()
    });
    let Some(word) = args.word("max_bytes") else { return Some(quote!(.measured(#size))) };
    let required = placed(quote!(#private::require_size::<#value, _>(#size)), Ends::of(word));
    Some(quote!(.measured(#required)))
}

/// Needed where errors are kept, else welcome.
fn clone_error(names: &Names<'_>) -> TokenStream {
    let Names { private, args, .. } = names;
    let kept = args.err_ttl.as_ref().is_some_and(|life| life.zero().is_none());
    if kept {
        let clone_error = at_error(names, "err_ttl", &quote!(require_clone_error));
        return quote!(::core::option::Option::Some(#clone_error));
    }
    let error = names.error_of();
    quote!({
        #[allow(unused_imports)]
        use #private::NotClone as _;
        #private::CloneProbe::<#error>::new().clone_fn()
    })
}

/// `path` as a `fn(&V) -> returned`; what is wrong with it is said there.
fn of_value(path: &ExprPath, value: &TokenStream, returned: &TokenStream) -> TokenStream {
    let function = quote!({
        let __hc_function: fn(&#value) -> #returned = #path;
        __hc_function
    });
    placed(function, Ends::of(path))
}

/// Assertions, for constants that do not compile where an option has no effect on what the function returns.
pub(crate) fn requirements(names: &Names<'_>) -> Vec<TokenStream> {
    let Names { private, function, .. } = names;
    let answer = function.answer();
    let fallible = quote!({
        #[allow(unused_imports)]
        use #private::Infallible as _;
        #private::Probe::<#answer>::FALLIBLE
    });
    let value = names.value_of();
    let optional = quote!({
        #[allow(unused_imports)]
        use #private::NeverNone as _;
        #private::OptionProbe::<#value>::OPTIONAL
    });
    let required = [
        (
            "deadline",
            fallible.clone(),
            "`deadline` needs a `Result`: a call whose load is dropped has to return an error; return one, or leave \
             `deadline` out",
        ),
        ("none_ttl", optional, "`none_ttl` has no effect: this function returns no `Option`"),
        ("err_ttl", fallible, "`err_ttl` has no effect: this function returns no `Result`"),
    ];
    required
        .into_iter()
        .filter_map(|(option, holds, message)| {
            let word = names.args.word(option)?;
            let requirement = quote!(::core::assert!(#holds, #message));
            Some(placed(requirement, Ends::of(word)))
        })
        .collect()
}

/// Where the spelling decides, it must be right about errors: they would be kept like answers.
pub(crate) fn seen_through(names: &Names<'_>) -> Option<TokenStream> {
    let (private, answer) = (&names.private, names.function.answer());
    let decides = names.function.has_generic_answer() && !names.function.is_spelled_fallible();
    let check = quote!({
        #[allow(unused_imports)]
        use #private::Infallible as _;
        #private::require_seen_through(&#private::Probe::<#answer>::SEEN);
    });
    decides.then(|| placed(check, Ends::of(&answer)))
}

/// `__private::<check>::<ValueOf<product, R>>()`, placed at the value in the function's return type, so that the
/// compiler underlines the user's type when it does not pass the check.
pub(crate) fn at_value(names: &Names<'_>, check: &TokenStream) -> TokenStream {
    let (private, value) = (&names.private, names.value_of());
    placed(quote!(#private::#check::<#value>()), names.function.value_ends())
}

/// The same for the error, placed there too where none is spelled in the return type.
pub(crate) fn at_failure(names: &Names<'_>, check: &TokenStream) -> TokenStream {
    let (private, error) = (&names.private, names.error_of());
    let ends = names.function.error_ends().unwrap_or_else(|| names.function.value_ends());
    placed(quote!(#private::#check::<#error>()), ends)
}

/// The same for the error; placed at the option that asks for it where no error is spelled in the return type.
fn at_error(names: &Names<'_>, option: &str, check: &TokenStream) -> TokenStream {
    let (private, error) = (&names.private, names.error_of());
    let check = quote!(#private::#check::<#error>());
    match names.function.error_ends().or_else(|| names.args.word(option).map(Ends::of)) {
        Some(ends) => placed(check, ends),
        None => check,
    }
}
