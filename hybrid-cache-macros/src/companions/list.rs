//! The list of companions, each with its parameters, its answer and its call into the runtime.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::Ident;

use super::{Companion, Stub, UNCACHED, Waits, many};
use crate::{
    expand::receiver,
    generics::Which,
    load::{self, typed},
    names::Names,
};

/// What the companions are made of.
pub(super) struct Parts {
    /// `<T>`, `&self, id: u64` and `where T: Kind` of those that take the arguments in the key.
    pub(super) keyed: (Option<TokenStream>, TokenStream, Option<TokenStream>),
    /// The same of those that take all.
    pub(super) all: (Option<TokenStream>, TokenStream, Option<TokenStream>),
    pub(super) found: TokenStream,
    pub(super) turbofish: Option<TokenStream>,
    pub(super) value: TokenStream,
}

impl Parts {
    fn of(names: &Names<'_>) -> Self {
        let (function, args) = (names.function, names.args);
        let generics = &function.generics;
        let keyed = args.keys_self().then(|| quote!(&self)).into_iter().chain(names.unskipped().map(typed));
        let all = receiver(function).into_iter().chain(function.arguments.iter().map(typed));
        let parts = |which, arguments: TokenStream| {
            (generics.parameters(which, &arguments), arguments, generics.constraints(which))
        };
        Self {
            keyed: parts(Which::TellingApart, quote!(#(#keyed),*)),
            all: parts(Which::All, quote!(#(#all),*)),
            found: names.found(),
            turbofish: generics.turbofish(Which::All),
            value: names.value_of(),
        }
    }

    /// A companion that asks the cache one thing about one key.
    fn of_key(
        &self,
        names: &Names<'_>,
        name: &'static str,
        doc: &'static str,
        more: &TokenStream,
        returned: &TokenStream,
    ) -> Companion {
        let (parameters, arguments, constraints) = &self.keyed;
        let found = &self.found;
        let separator = (!arguments.is_empty() && !more.is_empty()).then(|| quote!(,));
        let value = (!more.is_empty()).then(|| new_value(names)).map(|value| quote!(, #value));
        let asked = asked(names, name, &quote!(__hc_key #value));
        Companion {
            name,
            doc,
            must_use: false,
            stub: Stub::Always,
            parameters: quote!(#parameters(#arguments #separator #more)),
            returned: returned.clone(),
            constraints: constraints.clone(),
            waits: Waits::ForFuture,
            body: quote!(#found #asked),
        }
    }

    /// A companion that loads.
    fn of_load(
        &self,
        names: &Names<'_>,
        name: &'static str,
        doc: &'static str,
        returned: &TokenStream,
    ) -> Companion {
        let (parameters, arguments, constraints) = &self.all;
        let (found, load) = (&self.found, load::started(names, name, self.turbofish.as_ref()));
        Companion {
            name,
            doc,
            must_use: false,
            stub: Stub::OfPlainAnswer,
            parameters: quote!(#parameters(#arguments)),
            returned: returned.clone(),
            constraints: constraints.clone(),
            waits: if names.args.inline { Waits::Itself } else { Waits::ForFuture },
            body: quote!(#found #load),
        }
    }
}

/// `__hc_cache.invalidate(__hc_key)`
pub(super) fn asked(names: &Names<'_>, what: &str, arguments: &TokenStream) -> TokenStream {
    if names.function.is_async() {
        let what = format_ident!("{what}");
        return quote!(__hc_cache.#what(#arguments));
    }
    let what = format_ident!("{what}_blocking");
    quote!(__hc_cache.#what(#arguments))
}

pub(super) fn public(names: &Names<'_>) -> Vec<Companion> {
    let Names { runtime, function, .. } = names;
    let parts = Parts::of(names);
    let (none, invalidated) = (TokenStream::new(), quote!(#runtime::Invalidated));
    let (value, value_type) = (new_value(names), &parts.value);
    let answer = function.answer();
    let mut companions = vec![
        key_of(names, &parts),
        parts.of_key(names, "invalidate", " Forgets this answer in every layer.", &none, &invalidated),
        parts.of_key(
            names,
            "expire",
            " Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.",
            &none,
            &invalidated,
        ),
        invalidate_all(names),
        Companion {
            must_use: true,
            stub: Stub::OfPlainAnswer,
            ..parts.of_key(
                names,
                "peek",
                " What is cached; never loads, never promotes.",
                &none,
                &quote!(::core::option::Option<#value_type>),
            )
        },
        Companion {
            stub: Stub::OfPlainAnswer,
            ..parts.of_key(
                names,
                "put",
                " Stores an answer the caller already has.",
                &quote!(#value: #value_type),
                &none,
            )
        },
        parts.of_load(names, "refresh", " Computes the answer anew and stores it, whatever is cached.", &quote!(#answer)),
        parts.of_load(
            names,
            "with_info",
            " The answer, and where it came from: the layer, its age, whether the call waited for another's load.",
            &quote!(#runtime::Answer<#answer>),
        ),
        stats(names),
    ];
    companions.extend(many::invalidate_many(names));
    companions.extend(many::warm(names, &parts));
    companions
}

fn key_of(names: &Names<'_>, parts: &Parts) -> Companion {
    let (runtime, found) = (&names.runtime, &parts.found);
    Companion {
        must_use: true,
        waits: Waits::Never,
        body: quote!(#found __hc_cache.key(&__hc_key)),
        ..parts.of_key(
            names,
            "key",
            " The key of this answer. `Display` is what stands in Redis.",
            &TokenStream::new(),
            &quote!(#runtime::Key),
        )
    }
}

fn invalidate_all(names: &Names<'_>) -> Companion {
    let (runtime, cache) = (&names.runtime, names.cache());
    let (parameters, constraints) = of_the_cache(names);
    let body = if names.has_family() {
        let (owner, instances, definition) =
            (names.owner(), names.hidden("instances"), names.hidden("definition"));
        let asked = asked(names, "invalidate_all", &quote!(#owner::#definition()));
        quote!(let __hc_cache = #owner::#instances(); #asked)
    } else {
        let asked = asked(names, "invalidate_all", &TokenStream::new());
        quote!(let __hc_cache = #cache; #asked)
    };
    Companion {
        name: "invalidate_all",
        doc: " Forgets all answers of this function, in constant time.",
        must_use: false,
        stub: Stub::Always,
        parameters: quote!(#parameters()),
        returned: quote!(#runtime::Invalidated),
        constraints,
        waits: Waits::ForFuture,
        body,
    }
}

fn stats(names: &Names<'_>) -> Companion {
    let (runtime, cache) = (&names.runtime, names.cache());
    let (parameters, constraints) = of_the_cache(names);
    let body = if names.has_family() {
        let (owner, instances, definition) =
            (names.owner(), names.hidden("instances"), names.hidden("definition"));
        quote!(#owner::#instances().stats(&#owner::#definition()))
    } else {
        quote!(#cache.stats())
    };
    Companion {
        name: "stats",
        doc: " What happened so far: hits per layer, misses, loads, errors.",
        must_use: true,
        stub: Stub::Always,
        parameters: quote!(#parameters()),
        returned: quote!(#runtime::Stats),
        constraints,
        waits: Waits::Never,
        body,
    }
}

/// The bounds under which a function without arguments finds the one cache there is; of several, it needs none.
fn of_the_cache(names: &Names<'_>) -> (Option<TokenStream>, Option<TokenStream>) {
    if names.has_family() || !names.has_instances() {
        return (None, None);
    }
    let (generics, which) = (&names.function.generics, Which::TellingApart);
    (generics.parameters(which, &TokenStream::new()), generics.constraints(which))
}

/// The parameter of `put`, called so that no argument of the function has the same name.
fn new_value(names: &Names<'_>) -> Ident {
    let free = ["value", "answer"].into_iter().find(|name| names.function.argument(name).is_none());
    Ident::new(free.unwrap_or("__hc_value"), Span::mixed_site())
}

pub(super) fn uncached_stub(names: &Names<'_>) -> Companion {
    let Parts { all: (parameters, arguments, constraints), .. } = Parts::of(names);
    let answer = names.function.answer();
    Companion {
        name: "uncached",
        doc: UNCACHED,
        must_use: false,
        stub: Stub::OfPlainAnswer,
        parameters: quote!(#parameters(#arguments)),
        returned: quote!(#answer),
        constraints,
        waits: Waits::Itself,
        body: TokenStream::new(),
    }
}
