//! The companion struct and its functions: thin, one call into the runtime each.
//!
//! To add a companion: an entry in [`public`]. What it does is in the runtime.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Ident, Meta, PatType, Signature, Type};

use crate::{
    expand::{Names, key_text},
    function::{Argument, Function},
    load::{self, typed},
};

const UNCACHED: &str = " The function itself: asks no layer and stores nothing.";

/// The lints that a user may have on and that generated functions would trip; nothing of the user's own is
/// under these attributes.
fn quiet() -> TokenStream {
    quote!(#[allow(
        dead_code, unreachable_pub, unused_qualifications, private_interfaces, clippy::all, clippy::pedantic,
        clippy::nursery, clippy::restriction
    )])
}

/// The line that is appended to the documentation of the function.
pub(crate) fn doc_line(names: &Names<'_>) -> String {
    let (companion, source) = (&names.companion, &names.args.source);
    let options =
        if source.is_empty() { String::new() } else { format!(" with `{}`", source.replace('`', "'")) };
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
    let Names { companion, function, .. } = names;
    let (cfgs, quiet) = (names.cfgs(), quiet());
    let (key, load) = (key(names), load::hidden(names));
    let parameters = Parameters {
        keyed: names.unskipped().map(typed).collect(),
        all: function.arguments.iter().map(typed).collect(),
    };
    let functions = public(names, &parameters);
    let functions = functions.iter().map(|companion| companion.tokens(names, &companion.body));
    let uncached = uncached(names);
    let parameter_names = parameter_names(names);
    quote! {
        #(#cfgs)*
        #quiet
        impl #companion {
            #parameter_names
            #key
            #load
            #(#functions)*
        }
        #uncached
    }
}

/// The same functions with bodies that are never run: after an error, calls of them still type-check.
pub(crate) fn stubs(names: &Names<'_>) -> TokenStream {
    let Names { companion, function, .. } = names;
    let (cfgs, quiet) = (names.cfgs(), quiet());
    let unnamed = |ty: &Type| quote!(_: #ty);
    let skipped = |typed: &&PatType| Argument::of(typed).is_some_and(|argument| names.args.skips(&argument));
    let parameters = Parameters {
        keyed: function
            .typed_inputs()
            .filter(|typed| !skipped(typed))
            .map(|typed| unnamed(&typed.ty))
            .collect(),
        all: function.typed_inputs().map(|typed| unnamed(&typed.ty)).collect(),
    };
    let functions = public(names, &parameters)
        .into_iter()
        .chain([uncached_stub(names, &parameters)])
        .filter(|companion| function.has_plain_answer() || !companion.names_answer)
        .map(|companion| companion.tokens(names, &quote!(::core::unimplemented!())));
    let parameter_names = parameter_names(names);
    quote! {
        #(#cfgs)*
        #[allow(unused_variables, unreachable_code)]
        #quiet
        impl #companion { #parameter_names #(#functions)* }
    }
}

/// The names of the parameters that stand in the key: `#[invalidates]` and `#[updates]` compare theirs with them.
fn parameter_names(names: &Names<'_>) -> TokenStream {
    let parameters = names.unskipped().map(Argument::key_name);
    quote! {
        #[doc(hidden)]
        pub const __PARAMETERS: &'static [&'static str] = &[#(#parameters),*];
    }
}

/// What stands in the parentheses of a companion.
struct Parameters {
    keyed: Vec<TokenStream>,
    all: Vec<TokenStream>,
}

struct Companion {
    doc: &'static str,
    must_use: bool,
    /// Whether the type of the answer stands in the signature.
    names_answer: bool,
    signature: TokenStream,
    body: TokenStream,
}

impl Companion {
    fn tokens(&self, names: &Names<'_>, body: &TokenStream) -> TokenStream {
        let Self { doc, signature, .. } = self;
        let vis = &names.function.vis;
        let must_use = self.must_use.then(|| quote!(#[must_use]));
        quote!(#[doc = #doc] #must_use #vis #signature { #body })
    }
}

fn public(names: &Names<'_>, parameters: &Parameters) -> [Companion; 8] {
    let Names { runtime, private, function, .. } = names;
    let Signature { generics, output, .. } = &function.sig;
    let constraints = &generics.where_clause;
    let Parameters { keyed, all } = parameters;
    let cache = quote!(<Self as #private::Function>::cache());
    let key_arguments = names.unskipped().map(|argument| &argument.name);
    let key = quote!(Self::__key(#(&#key_arguments),*));
    let refresh = load::started(names, "refresh");
    let (value, value_type) = (new_value(names), quote!(#private::ValueOf<Self>));
    let (must_use, names_answer) = (false, false);
    [
        Companion {
            doc: " The key of this answer. `Display` is what stands in Redis.",
            must_use: true,
            names_answer,
            signature: quote!(fn key #generics (#(#keyed),*) -> #runtime::Key #constraints),
            body: quote!(#cache.key(#key)),
        },
        Companion {
            doc: " Forgets this answer in every layer.",
            must_use,
            names_answer,
            signature: quote!(async fn invalidate #generics (#(#keyed),*) -> #runtime::Invalidated #constraints),
            body: quote!(#cache.invalidate(#key).await),
        },
        Companion {
            doc: " Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.",
            must_use,
            names_answer,
            signature: quote!(async fn expire #generics (#(#keyed),*) -> #runtime::Invalidated #constraints),
            body: quote!(#cache.expire(#key).await),
        },
        Companion {
            doc: " Forgets all answers of this function, in constant time.",
            must_use,
            names_answer,
            signature: quote!(async fn invalidate_all() -> #runtime::Invalidated),
            body: quote!(#cache.invalidate_all().await),
        },
        Companion {
            doc: " What is cached; never loads, never promotes.",
            must_use: true,
            names_answer: true,
            signature: quote! {
                async fn peek #generics (#(#keyed),*) -> ::core::option::Option<#value_type> #constraints
            },
            body: quote!(#cache.peek(#key).await),
        },
        Companion {
            doc: " Stores an answer the caller already has.",
            must_use,
            names_answer: true,
            signature: quote!(async fn put #generics (#(#keyed,)* #value: #value_type) #constraints),
            body: quote!(#cache.put(#key, #value).await),
        },
        Companion {
            doc: " Computes the answer anew and stores it, whatever is cached.",
            must_use,
            names_answer: true,
            signature: quote!(async fn refresh #generics (#(#all),*) #output #constraints),
            body: quote! {
                let __hc_key = #key;
                #cache.#refresh.await
            },
        },
        Companion {
            doc: " What happened so far: hits per layer, misses, loads, errors.",
            must_use: true,
            names_answer,
            signature: quote!(fn stats() -> #runtime::Stats),
            body: quote!(#cache.stats()),
        },
    ]
}

/// The parameter of `put`, called so that no argument of the function has the same name.
fn new_value(names: &Names<'_>) -> Ident {
    let free = ["value", "answer"].into_iter().find(|name| names.function.argument(name).is_none());
    Ident::new(free.unwrap_or("__hc_value"), Span::mixed_site())
}

/// ```text
/// fn __key(id: &u64, lang: &&str) -> KeyText { KeyWriter::new().argument("id", id)….finish() }
/// ```
fn key(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let Signature { generics, .. } = &names.function.sig;
    let constraints = &generics.where_clause;
    let text = key_text(names);
    let arguments = names.unskipped().map(|Argument { name, ty, .. }| quote!(#name: &#ty));
    quote! {
        fn __key #generics (#(#arguments),*) -> #private::KeyText #constraints { #text }
    }
}

fn uncached_stub(names: &Names<'_>, Parameters { all, .. }: &Parameters) -> Companion {
    let Signature { generics, output, .. } = &names.function.sig;
    let constraints = &generics.where_clause;
    let signature = quote!(async fn uncached #generics (#(#all),*) #output #constraints);
    Companion { doc: UNCACHED, must_use: false, names_answer: true, signature, body: TokenStream::new() }
}

/// The body in place, so that `?` and `return` keep their meaning, under the user's own lints.
fn uncached(names: &Names<'_>) -> TokenStream {
    let Names { companion, function, .. } = names;
    let Function { vis, sig, body, .. } = function;
    let cfgs = names.cfgs();
    let lints = function.attrs.iter().filter(|attribute| is_lint(attribute)).map(expectation_as_permission);
    let Signature { generics, inputs, output, .. } = sig;
    let constraints = &generics.where_clause;
    let doc = UNCACHED;
    quote! {
        #(#cfgs)*
        impl #companion {
            #[doc = #doc]
            #[allow(
                dead_code, unreachable_pub, clippy::missing_errors_doc, clippy::missing_panics_doc,
                clippy::must_use_candidate, clippy::too_many_arguments, clippy::unused_async
            )]
            #(#lints)*
            #vis async fn uncached #generics (#inputs) #output #constraints #body
        }
    }
}

fn is_lint(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny"].iter().any(|lint| attribute.path().is_ident(lint))
}
