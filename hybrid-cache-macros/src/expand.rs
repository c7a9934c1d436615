//! Checked input → tokens: the function itself, and how the runtime finds its cache.
//!
//! What the attribute says of it is in `definition.rs`, how its body is started in `load.rs`.
//!
//! Paths are absolute and bindings are called `__hc_*`, so that nothing the user names or shadows can be
//! mistaken for ours. What the generated code calls is in `private.rs` of the runtime.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, Ident, Path, parse_quote, parse_quote_spanned};

use crate::{
    args::Args,
    companions,
    definition::{abilities, at_failure, at_value, definition, requirements},
    function::{Argument, Function},
    load,
    spelling::placed,
    template::Place,
};

/// What the parts of the expansion refer to.
pub(crate) struct Names<'a> {
    pub(crate) args: &'a Args,
    pub(crate) function: &'a Function,
    /// The generated struct.
    pub(crate) companion: Ident,
    /// The runtime crate, and its module for generated code.
    pub(crate) runtime: Path,
    pub(crate) private: TokenStream,
}

impl<'a> Names<'a> {
    pub(crate) fn new(args: &'a Args, function: &'a Function) -> Self {
        let runtime = args.runtime.clone().unwrap_or_else(|| parse_quote!(::hybrid_cache));
        let companion = args.companion.clone().unwrap_or_else(|| function.sig.ident.clone());
        let private = quote!(#runtime::__private);
        Self { args, function, companion, runtime, private }
    }

    /// The arguments of the companions: all but the skipped ones.
    pub(crate) fn unskipped(&self) -> impl Iterator<Item = &'a Argument> {
        let args = self.args;
        self.function.arguments.iter().filter(|argument| !args.skips(argument))
    }

    /// The value of the function's outcome, by type.
    pub(crate) fn value_of(&self) -> TokenStream {
        let Self { private, companion, .. } = self;
        quote!(#private::ValueOf<#companion>)
    }

    /// The error of the function's outcome, by type.
    pub(crate) fn error_of(&self) -> TokenStream {
        let Self { private, companion, .. } = self;
        quote!(#private::ErrorOf<#companion>)
    }

    /// `#[cfg]` of the function, for every item made from it.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &'a Attribute> {
        self.function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }
}

pub(crate) fn cached(args: &Args, function: &Function) -> TokenStream {
    let names = Names::new(args, function);
    let call = call(&names);
    let companion = companions::item(&names);
    let function_impl = function_impl(&names, &accessor(&names));
    let companions = companions::real(&names);
    quote!(#call #companion #function_impl #companions)
}

/// ```text
/// Input:   pub async fn product(id: u64, lang: &str) -> R { BODY }
/// Output:  pub async fn product(id: u64, lang: &str) -> R {
///              let __hc_cache = <product as Function>::cache();
///              let __hc_key = product::__key(&id, &lang);
///              if let Some(__hc_answer) = __hc_cache.hit(&__hc_key) { return __hc_answer; }
///              __hc_cache.load(__hc_key, product::__load(id, lang)).await
///          }
/// ```
///
/// With `inline`, the last line is `__hc_cache.load_inline(__hc_key, Box::pin(product::uncached(id, lang))).await`.
fn call(names: &Names<'_>) -> TokenStream {
    let Names { companion, private, function, .. } = names;
    let Function { vis, sig, .. } = function;
    let attrs = function.attrs.iter().map(companions::expectation_as_permission);
    // `_unused` is used now: it stands in the key.
    let permission = function.arguments.iter().any(|argument| argument.key_name().starts_with('_'));
    let permission = permission.then(|| quote!(#[allow(clippy::used_underscore_binding)]));
    let line = companions::doc_line(names);
    let documented = function.attrs.iter().any(|attribute| attribute.path().is_ident("doc"));
    let paragraph = documented.then(|| quote!(#[doc = ""]));
    let key_arguments = names.unskipped().map(|argument| &argument.name);
    let load = load::started(names, "load");
    quote! {
        #(#attrs)*
        #paragraph
        #[doc = #line]
        #permission
        #vis #sig {
            let __hc_cache = <#companion as #private::Function>::cache();
            let __hc_key = #companion::__key(#(&#key_arguments),*);
            if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
                return __hc_answer;
            }
            __hc_cache.#load.await
        }
    }
}

/// Ties the companion struct to the type of the function's outcome and to its cache.
///
/// Whether the outcome is a `Result` is found out by type, so that aliases work: an inherent associated
/// constant (`Probe<Result<T, E>>` has one) wins over that of the trait, which every type has.
pub(crate) fn function_impl(names: &Names<'_>, accessor: &TokenStream) -> TokenStream {
    let Names { companion, private, function, .. } = names;
    let cfgs = names.cfgs();
    let answer = function.answer();
    // At the value, so that the compiler underlines it when there is something wrong with it.
    let returned = placed(
        quote! {
            #private::Returns<#answer, {
                #[allow(unused_imports)]
                use #private::Infallible as _;
                #private::Probe::<#answer>::FALLIBLE
            }>
        },
        function.value_ends(),
    );
    let (value, error) = (names.value_of(), names.error_of());
    let outcome = quote! {
        #private::Kept<Self::Returned, {
            #[allow(unused_imports)]
            use #private::Uncacheable as _;
            #private::CacheProbe::<#value, #error>::CACHEABLE
        }>
    };
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #private::Function for #companion {
            type Returned = #returned;
            type Outcome = #outcome;
            fn cache() -> &'static #private::CacheOf<Self> { #accessor }
        }
    }
}

fn accessor(names: &Names<'_>) -> TokenStream {
    let Names { companion, private, .. } = names;
    let definition = definition(names);
    let abilities = abilities(names);
    let requirements = requirements(names);
    let cacheable = at_value(names, &quote!(require_cacheable));
    let passed_on = at_failure(names, &quote!(require_passed_on));
    quote! {
        #(#requirements)*
        static __HC_CACHE: ::std::sync::LazyLock<#private::CacheOf<#companion>> = ::std::sync::LazyLock::new(|| {
            #cacheable;
            #passed_on;
            #private::CachedFn::new(#definition, #abilities)
        });
        &__HC_CACHE
    }
}

/// The expression that writes the key. Without a template: all arguments, in the order of their names, so
/// that changing their order in the source changes no key.
pub(crate) fn key_text(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let Some(template) = &names.args.key else {
        let mut arguments: Vec<_> = names.unskipped().collect();
        arguments.sort_by_key(|argument| argument.key_name());
        let arguments = arguments.into_iter().map(|argument| {
            let (text, name) = (argument.key_name(), &argument.name);
            quote!(.argument(#text, #name))
        });
        return quote!(#private::KeyWriter::new() #(#arguments)* .finish());
    };
    let literals = template.literals();
    let values = template.places().map(|place| place_value(names, place, template.span));
    quote!(#private::KeyWriter::template(&[#(#literals),*]) #(#values)* .finish())
}

fn place_value(names: &Names<'_>, place: &Place, span: proc_macro2::Span) -> TokenStream {
    let mut argument = names
        .function
        .argument(&place.argument)
        .map_or_else(|| format_ident!("r#{}", place.argument), |argument| argument.name.clone());
    argument.set_span(argument.span().located_at(span));
    let fields = &place.fields;
    let value: syn::Expr = if fields.is_empty() {
        parse_quote_spanned!(span=> #argument)
    } else {
        parse_quote_spanned!(span=> &#argument #(.#fields)*)
    };
    quote_spanned!(span=> .value(#value))
}
