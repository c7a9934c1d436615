//! The companions: thin, one call into the runtime each. Associated functions of a struct with the function's name, or, of
//! a method, its siblings.
//!
//! To add a companion: an entry in [`public`]. What it does is in the runtime.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, Ident, Lifetime, Meta, Type};

use crate::{
    expand::{self, Names, receiver},
    function::{Argument, Function},
    generics::{Which, with_lifetimes_named},
    key,
    load::{self, typed},
};

const UNCACHED: &str = " The function itself: asks no layer and stores nothing.";

/// The lints that a user may have on and that generated functions would trip; nothing of the user's own is
/// under these attributes.
fn quiet() -> TokenStream {
    quote!(#[allow(
        dead_code, unreachable_pub, unused_qualifications, private_interfaces, private_bounds, unused_variables,
        clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction
    )])
}

/// The line that is appended to the documentation of the function.
pub(crate) fn doc_line(names: &Names<'_>) -> String {
    let (companion, source) = (&names.companion, &names.args.source);
    let options =
        if source.is_empty() { String::new() } else { format!(" with `{}`", source.replace('`', "'")) };
    if names.is_in_impl() {
        let invalidate = names.public("invalidate");
        return format!(
            " Cached{options}: [`{invalidate}`](Self::{invalidate}) and the other companions stand beside it."
        );
    }
    format!(
        " Cached{options}: [`{companion}`](struct@{companion}) has `invalidate` and the other companions."
    )
}

/// `#[expect(..)]` would be unfulfilled on one of the two functions that one became.
pub(crate) fn expectation_as_permission(attribute: &Attribute) -> Attribute {
    let mut attribute = attribute.clone();
    if let Meta::List(list) = &mut attribute.meta
        && list.path.is_ident("expect")
    {
        list.path = Ident::new("allow", Span::mixed_site()).into();
    }
    attribute
}

/// The same for all attributes of an argument.
pub(crate) fn expectations_as_permissions(attributes: &mut [Attribute]) {
    for attribute in attributes {
        *attribute = expectation_as_permission(attribute);
    }
}

/// The struct beside the function. Types and functions have separate namespaces: one `use` imports both.
pub(crate) fn item(names: &Names<'_>) -> TokenStream {
    let Names { companion, function, .. } = names;
    let (cfgs, vis) = (names.cfgs(), &function.vis);
    let doc = format!(
        " The companions of [`{name}`](fn@{name}): forget, look at and refresh the answers it keeps.",
        name = function.sig.ident
    );
    quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
        #vis struct #companion {}
    }
}

pub(crate) fn real(names: &Names<'_>) -> TokenStream {
    let (key, instances) = (key::function(names), names.has_instances().then(|| expand::instances(names)));
    let (load, parameter_names) = (load::hidden(names), parameter_names(names));
    let functions = public(names);
    let functions = functions.iter().map(|companion| companion.tokens(names, &companion.body));
    let hidden = quote!(#parameter_names #key #instances #load);
    beside(names, &quote!(#hidden #(#functions)*), &uncached(names))
}

/// The same functions with bodies that are never run: after an error, calls of them still type-check.
pub(crate) fn stubs(names: &Names<'_>) -> TokenStream {
    let function = names.function;
    let unreachable = quote!(::core::unimplemented!());
    let parameter_names = parameter_names(names);
    let functions = public(names)
        .into_iter()
        .chain([uncached_stub(names)])
        .filter(|companion| match companion.stub {
            Stub::Always => true,
            Stub::OfPlainAnswer => function.has_plain_answer(),
            Stub::Never => false,
        })
        .map(|companion| companion.tokens(names, &unreachable));
    let functions = quote!(#parameter_names #(#functions)*);
    beside(names, &functions, &TokenStream::new())
}

/// The items in the `impl` of the companion struct; of a method, beside it, each with the attributes of the block.
fn beside(names: &Names<'_>, items: &TokenStream, uncached: &TokenStream) -> TokenStream {
    let (quiet, companion) = (quiet(), &names.companion);
    let cfgs = names.cfgs();
    let cfgs = quote!(#(#cfgs)*);
    if !names.is_in_impl() {
        let uncached = (!uncached.is_empty()).then(|| quote!(#cfgs impl #companion { #uncached }));
        return quote!(#cfgs #quiet impl #companion { #items } #uncached);
    }
    let block: syn::ItemImpl = syn::parse_quote!(impl X { #items });
    let items = block.items.into_iter().map(|item| quote!(#cfgs #quiet #item));
    let uncached = (!uncached.is_empty()).then(|| quote!(#cfgs #uncached));
    quote!(#(#items)* #uncached)
}

struct Companion {
    name: &'static str,
    doc: &'static str,
    must_use: bool,
    stub: Stub,
    /// `<T>(id: T)`.
    parameters: TokenStream,
    returned: TokenStream,
    constraints: Option<TokenStream>,
    waits: Waits,
    body: TokenStream,
}

/// When a companion stands there after an error too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stub {
    Always,
    /// If the type of the answer, which is in its signature, means something there.
    OfPlainAnswer,
    /// What it returns has no name, and would have to be made.
    Never,
}

/// Whether a companion's result has to be awaited where the function's has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Never,
    /// It returns a future that is made already and owns what it needs: it can be spawned, and costs the compiler less than
    /// an `async fn`, of which there would be ten for each cached function.
    ForFuture,
    /// It is an `async fn`: what it awaits borrows from its caller.
    Itself,
}

impl Companion {
    fn tokens(&self, names: &Names<'_>, body: &TokenStream) -> TokenStream {
        let Self { doc, parameters, returned, constraints, .. } = self;
        let (vis, name, runtime) = (&names.function.vis, names.public(self.name), &names.runtime);
        let waits = if names.function.is_async() { self.waits } else { Waits::Never };
        // What is a future has to be used anyway.
        let must_use = (self.must_use && waits == Waits::Never).then(|| quote!(#[must_use]));
        let asyncness = (waits == Waits::Itself).then(|| quote!(async));
        let returned = match waits {
            Waits::ForFuture if returned.is_empty() => quote!(-> #runtime::BoxFuture<()>),
            Waits::ForFuture => quote!(-> #runtime::BoxFuture<#returned>),
            _ if returned.is_empty() => TokenStream::new(),
            _ => quote!(-> #returned),
        };
        quote!(#[doc = #doc] #must_use #vis #asyncness fn #name #parameters #returned #constraints { #body })
    }
}

/// What the companions are made of.
struct Parts {
    /// `<T>`, `&self, id: u64` and `where T: Kind` of those that take the arguments in the key.
    keyed: (TokenStream, TokenStream, Option<TokenStream>),
    /// The same of those that take all.
    all: (TokenStream, TokenStream, Option<TokenStream>),
    found: TokenStream,
    turbofish: Option<TokenStream>,
    value: TokenStream,
}

impl Parts {
    fn of(names: &Names<'_>) -> Self {
        let (function, args) = (names.function, names.args);
        let generics = &function.generics;
        let keyed = args.keys_self().then(|| quote!(&self)).into_iter().chain(names.unskipped().map(typed));
        let all = receiver(function).into_iter().chain(function.arguments.iter().map(typed));
        let parts = |which, arguments| (generics.parameters(which), arguments, generics.constraints(which));
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
fn asked(names: &Names<'_>, what: &str, arguments: &TokenStream) -> TokenStream {
    if names.function.is_async() {
        let what = format_ident!("{what}");
        return quote!(__hc_cache.#what(#arguments));
    }
    let what = format_ident!("{what}_blocking");
    quote!(__hc_cache.#what(#arguments))
}

fn public(names: &Names<'_>) -> Vec<Companion> {
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
    companions.extend(invalidate_many(names, &parts));
    companions.extend(warm(names, &parts));
    companions
}

fn key_of(names: &Names<'_>, parts: &Parts) -> Companion {
    let (runtime, found) = (&names.runtime, &parts.found);
    Companion {
        must_use: true,
        waits: Waits::Never,
        body: quote!(#found __hc_cache.key(__hc_key)),
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
        parameters: quote!(()),
        returned: quote!(#runtime::Invalidated),
        constraints: None,
        waits: Waits::ForFuture,
        body,
    }
}

fn stats(names: &Names<'_>) -> Companion {
    let (runtime, cache) = (&names.runtime, names.cache());
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
        parameters: quote!(()),
        returned: quote!(#runtime::Stats),
        constraints: None,
        waits: Waits::Never,
        body,
    }
}

/// Of a function without arguments in its key there is one answer.
fn invalidate_many(names: &Names<'_>, parts: &Parts) -> Option<Companion> {
    let each = Each::of(&names.unskipped().collect::<Vec<_>>())?;
    let Each { pattern, ty, lifetime } = &each;
    let (runtime, generics) = (&names.runtime, &names.function.generics);
    let (_, _, constraints) = &parts.keyed;
    let parameters = generics.parameters_and(lifetime, Which::TellingApart);
    let itself = names.args.keys_self().then(|| quote!(&self,));
    let (found, cache) = (&parts.found, names.cache());
    let asked = asked(names, "invalidate_many", &quote!(__hc_keys));
    Some(Companion {
        name: "invalidate_many",
        doc: " Forgets these answers in every layer, many at a time.",
        must_use: false,
        stub: Stub::Always,
        parameters: quote!(#parameters(#itself arguments: impl ::core::iter::IntoIterator<Item = #ty>)),
        returned: quote!(#runtime::Invalidated),
        constraints: constraints.clone(),
        waits: Waits::ForFuture,
        body: quote! {
            let __hc_keys = arguments.into_iter().map(|#pattern| { #found __hc_key }).collect();
            let __hc_cache = #cache;
            #asked
        },
    })
}

/// Not of a function that is not async: its thread could make one call after the other, as a loop does.
fn warm(names: &Names<'_>, parts: &Parts) -> Option<Companion> {
    let function = names.function;
    let by_value = function.receiver.as_ref().is_some_and(|receiving| receiving.receiver.reference.is_none());
    if !function.is_async() || by_value {
        return None;
    }
    let Each { pattern, ty, lifetime } = Each::of(&function.arguments.iter().collect::<Vec<_>>())?;
    let Names { runtime, private, .. } = names;
    let (_, _, constraints) = &parts.all;
    let (parameters, turbofish) = (function.generics.parameters_and(&lifetime, Which::All), &parts.turbofish);
    let itself = function.receiver.as_ref().map(|_| quote!(&#lifetime self,));
    let lent = function.receiver.as_ref().map(|_| quote!(self,));
    let arguments = function.arguments.iter().map(|argument| &argument.name);
    let (owner, with_info, answer) = (names.owner(), names.public("with_info"), function.answer());
    Some(Companion {
        name: "warm",
        doc: " Calls the function with all of these, a bounded number at a time, so that their answers are there when they \
              are needed.",
        must_use: false,
        stub: Stub::Never,
        parameters: quote!(#parameters(#itself arguments: impl ::core::iter::IntoIterator<Item = #ty>)),
        returned: quote! {
            #runtime::Warm<
                #lifetime,
                impl ::core::iter::Iterator<Item = impl ::core::future::Future<Output = #runtime::Answer<#answer>>>,
            >
        },
        constraints: constraints.clone(),
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

/// The parameter of `put`, called so that no argument of the function has the same name.
fn new_value(names: &Names<'_>) -> Ident {
    let free = ["value", "answer"].into_iter().find(|name| names.function.argument(name).is_none());
    Ident::new(free.unwrap_or("__hc_value"), Span::mixed_site())
}

/// What `#[invalidates(product(id = ..))]` checks its names against.
fn parameter_names(names: &Names<'_>) -> TokenStream {
    let name = if names.is_in_impl() { names.hidden("PARAMETERS") } else { format_ident!("__PARAMETERS") };
    let vis = &names.function.vis;
    let parameters = names.unskipped().map(|argument| syn::ext::IdentExt::unraw(&argument.name).to_string());
    quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        #vis const #name: &'static [&'static ::core::primitive::str] = &[#(#parameters),*];
    }
}

fn uncached_stub(names: &Names<'_>) -> Companion {
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

/// The body in place, so that `?` and `return` keep their meaning, under the user's own lints.
fn uncached(names: &Names<'_>) -> TokenStream {
    let Function { vis, sig, body, attrs, .. } = names.function;
    let lints = attrs.iter().filter(|attribute| is_lint(attribute)).map(expectation_as_permission);
    let mut sig = syn::Signature { ident: names.public("uncached"), ..sig.clone() };
    for input in &mut sig.inputs {
        if let FnArg::Typed(typed) = input {
            expectations_as_permissions(&mut typed.attrs);
        }
    }
    let doc = UNCACHED;
    quote! {
        #[doc = #doc]
        #[allow(
            dead_code, unreachable_pub, clippy::missing_errors_doc, clippy::missing_panics_doc,
            clippy::must_use_candidate, clippy::too_many_arguments, clippy::unused_async
        )]
        #(#lints)*
        #vis #sig #body
    }
}

fn is_lint(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny"].iter().any(|lint| attribute.path().is_ident(lint))
}
