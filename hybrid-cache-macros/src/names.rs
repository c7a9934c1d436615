//! What the parts of an expansion refer to: the names of what is generated, and the types of the answer.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Path, parse_quote};

use crate::{
    args::Args,
    function::{Argument, Function},
    generics::Which,
    spelling::placed,
};

/// What the parts of the expansion refer to.
pub(crate) struct Names<'a> {
    pub(crate) args: &'a Args,
    pub(crate) function: &'a Function,
    /// The generated struct, of a function that has one.
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

    /// Where what is generated stands: the companion struct, or the type whose method the function is.
    pub(crate) fn owner(&self) -> TokenStream {
        let companion = &self.companion;
        if self.is_in_impl() { quote!(Self) } else { quote!(#companion) }
    }

    pub(crate) fn is_in_impl(&self) -> bool {
        self.function.place.is_in_impl()
    }

    /// The name of a companion: `invalidate` of a struct, `product_invalidate` beside a method.
    pub(crate) fn public(&self, what: &str) -> Ident {
        let name = self.function.name();
        let name = if self.is_in_impl() { format_ident!("{name}_{what}") } else { format_ident!("{what}") };
        // As if it stood where the function's name does: an editor goes there.
        Ident::new(&name.to_string(), self.function.sig.ident.span().resolved_at(Span::call_site()))
    }

    /// The name of something that only generated code uses.
    pub(crate) fn hidden(&self, what: &str) -> Ident {
        if self.is_in_impl() {
            format_ident!("__{}_{what}", self.function.name())
        } else {
            format_ident!("__{what}")
        }
    }

    /// Whether each instance of the function has a cache of its own. Of a method the type that it belongs to makes one, as
    /// nobody tells us whether that is generic.
    pub(crate) fn has_instances(&self) -> bool {
        self.is_in_impl() || self.function.generics.are_told_apart()
    }

    /// Whether several caches have the same name, and `invalidate_all` is about all of them.
    pub(crate) fn has_family(&self) -> bool {
        self.function.generics.are_told_apart()
    }

    /// Whether the companion struct knows the types of the answer, so that they need not be spelled again.
    pub(crate) fn is_typed(&self) -> bool {
        !self.is_in_impl() && !self.function.has_generic_answer()
    }

    /// The arguments of the companions: all but the skipped ones.
    pub(crate) fn unskipped(&self) -> impl Iterator<Item = &'a Argument> {
        let args = self.args;
        self.function.arguments.iter().filter(|argument| !args.skips_whole(argument))
    }

    /// `Returns<R, true>`: what the function returns, by type.
    pub(crate) fn returned(&self) -> TokenStream {
        let Self { private, function, .. } = self;
        let answer = function.answer();
        let fallible = self.fallible();
        // At the value, so that the compiler underlines it when there is something wrong with it.
        placed(quote!(#private::Returns<#answer, #fallible>), function.value_ends())
    }

    /// Whether the outcome is a `Result` is found out by type, so that aliases work: an inherent associated
    /// constant (`Probe<Result<T, E>>` has one) wins over that of the trait, which every type has. A constant in a type
    /// cannot speak of what is generic, so there the spelling has to do.
    fn fallible(&self) -> TokenStream {
        let Self { private, function, .. } = self;
        let answer = function.answer();
        if self.goes_by_spelling() {
            return function.is_spelled_fallible().to_token_stream();
        }
        quote!({
            #[allow(unused_imports)]
            use #private::Infallible as _;
            #private::Probe::<#answer>::FALLIBLE
        })
    }

    /// Whether the compiler cannot be asked about the answer where types stand.
    pub(crate) fn goes_by_spelling(&self) -> bool {
        self.function.has_generic_answer() || (self.is_in_impl() && self.function.is_spelled_fallible())
    }

    pub(crate) fn cacheable(&self) -> TokenStream {
        let private = &self.private;
        if self.function.has_generic_answer() {
            return quote!(true);
        }
        let (value, error) = (self.value_of(), self.error_of());
        quote!({
            #[allow(unused_imports)]
            use #private::Uncacheable as _;
            #private::CacheProbe::<#value, #error>::CACHEABLE
        })
    }

    /// How memory holds a value. The compiler cannot be asked about a generic one, so that is boxed.
    pub(crate) fn held(&self) -> TokenStream {
        let private = &self.private;
        if self.function.has_generic_answer() {
            return quote!({ #private::BOXED });
        }
        let value = self.value_of();
        quote!({
            #[allow(unused_imports)]
            use #private::HeldBoxed as _;
            #private::best_held(
                #private::HoldProbe::<#value>::IS_COPY,
                #private::HoldProbe::<#value>::IS_ARC,
            )
        })
    }

    /// The type of the cache.
    pub(crate) fn cache_type(&self) -> TokenStream {
        let (private, companion, answer) = (&self.private, &self.companion, self.function.answer());
        if self.is_typed() {
            return quote!(#private::CacheOf<#companion, #answer>);
        }
        let (returned, cacheable, held) = (self.returned(), self.cacheable(), self.held());
        quote!(#private::Cache<#returned, #cacheable, #held>)
    }

    /// The value of the function's outcome, by type.
    pub(crate) fn value_of(&self) -> TokenStream {
        let Self { private, companion, .. } = self;
        let answer = self.function.answer();
        if self.is_typed() {
            return quote!(#private::ValueOf<#companion, #answer>);
        }
        let returned = self.returned();
        quote!(#private::DividedValue<#returned>)
    }

    /// The error of the function's outcome, by type.
    pub(crate) fn error_of(&self) -> TokenStream {
        let Self { private, companion, .. } = self;
        let answer = self.function.answer();
        if self.is_typed() {
            return quote!(#private::ErrorOf<#companion, #answer>);
        }
        let returned = self.returned();
        quote!(#private::DividedError<#returned>)
    }

    /// `#[cfg]` of the function, for every item made from it.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &'a Attribute> {
        self.function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// `let __hc_cache = ..; let __hc_key = ..;` from the arguments as they are named in generated functions.
    pub(crate) fn found(&self) -> TokenStream {
        self.found_with(self.function.generics.turbofish(Which::TellingApart).as_ref())
    }

    pub(crate) fn found_with(&self, turbofish: Option<&TokenStream>) -> TokenStream {
        let (owner, private, companion) = (self.owner(), &self.private, &self.companion);
        let itself = self.args.keys_self().then(|| quote!(&self,));
        let arguments = self.unskipped().map(|argument| &argument.name);
        if self.has_family() {
            // Both at once: a type without a name is known from the arguments.
            let keyed = self.hidden("keyed");
            return quote! {
                let mut __hc_key = #private::KeyText::new();
                let __hc_cache = #owner::#keyed #turbofish(#itself &mut __hc_key #(, &#arguments)*);
            };
        }
        let (cache, key) = (self.hidden("cache"), self.hidden("key"));
        let cache = if self.is_in_impl() {
            quote!(#owner::#cache())
        } else {
            quote!(<#companion as #private::Function<_>>::cache())
        };
        quote! {
            let __hc_cache = #cache;
            let mut __hc_key = #private::KeyText::new();
            #owner::#key(#itself &mut __hc_key #(, &#arguments)*);
        }
    }

    /// The cache, where there is no key.
    pub(crate) fn cache(&self) -> TokenStream {
        let (owner, private) = (self.owner(), &self.private);
        if self.has_instances() {
            let (cache, turbofish) =
                (self.hidden("cache"), self.function.generics.turbofish(Which::TellingApart));
            return quote!(#owner::#cache #turbofish());
        }
        quote!(<Self as #private::Function<_>>::cache())
    }
}
