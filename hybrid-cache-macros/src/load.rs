//! How a load gets the function's body: in a task of its own, with arguments made owned; with `inline` in the task of its
//! caller, with the arguments as they are; or, if it is not async, in the thread of its caller.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;

use crate::{
    expand::receiver,
    function::{Argument, Ownership, Receiving},
    generics::Which,
    names::Names,
    spelling::{Ends, placed},
};

/// The end of a call, with `what` it does on the cache: `load`, `refresh` or `with_info`; to be awaited if it is `load`, or
/// inline.
///
/// `__hc_cache.load(__hc_key, product::__load(id, lang))`
pub(crate) fn started(names: &Names<'_>, what: &str, turbofish: Option<&TokenStream>) -> TokenStream {
    let owner = names.owner();
    let itself = names.function.receiver.as_ref().map(|_| quote!(self,));
    let arguments = names.function.arguments.iter().map(|argument| &argument.name);
    let uncached = names.public("uncached");
    let as_written = names.function.generics.turbofish_as_written();
    if !names.function.is_async() {
        let what = format_ident!("{what}_blocking");
        return quote!(__hc_cache.#what(__hc_key, move || #owner::#uncached #as_written(#itself #(#arguments),*)));
    }
    if names.args.inline {
        let what = format_ident!("{what}_inline");
        return quote! {
            __hc_cache.#what(__hc_key, ::std::boxed::Box::pin(#owner::#uncached #as_written(#itself #(#arguments),*))).await
        };
    }
    let (what, load) = (format_ident!("{what}"), names.hidden("load"));
    quote!(__hc_cache.#what(__hc_key, #owner::#load #turbofish(#itself #(#arguments),*)))
}

/// ```text
/// fn __load(id: u64, lang: &str) -> Pin<Box<dyn Future<Output = R> + Send>> {
///     let lang = <&str as Own>::own(lang);
///     is_cached_so_it_must_be_send(async move { product::uncached(id, borrow(&lang)).await })
/// }
/// ```
///
/// Not in the function itself: it names the type of its future, so that a body may call its own function. (The
/// compiler could not find out there whether a future that contains itself is `Send`.)
pub(crate) fn hidden(names: &Names<'_>) -> Option<TokenStream> {
    let Names { private, function, args, .. } = names;
    if args.inline || !function.is_async() {
        return None;
    }
    let (load, generics) = (names.hidden("load"), &function.generics);
    let arguments = receiver(function).into_iter().chain(function.arguments.iter().map(typed));
    let arguments = quote!(#(#arguments),*);
    let parameters = generics.parameters(Which::All, &arguments);
    let constraints = generics.constraints(Which::All);
    let taken: Vec<Taken<'_>> = all_taken(names).collect();
    let ours = taken.iter().filter_map(|taken| taken.owned(private));
    let lent = taken.iter().map(|taken| taken.lent(private));
    let (answer, owner) = (function.answer(), names.owner());
    let uncached = names.public("uncached");
    let turbofish = generics.turbofish_as_written();
    // At the name of the function: the compiler complains there when the body's future is not `Send`. The arguments stay
    // where they are: if it is because of one of them, it is underlined.
    let ends = Ends::of(&function.sig.ident);
    let [must_be_send, uncached] =
        [quote!(#private::is_cached_so_it_must_be_send), quote!(#owner::#uncached #turbofish)]
            .map(|path| placed(path, ends));
    let at = Span::call_site().located_at(function.sig.ident.span());
    let future = quote_spanned!(at=> #must_be_send(async move { #uncached(#(#lent),*).await }));
    Some(quote! {
        fn #load #parameters(#arguments) -> ::core::pin::Pin<::std::boxed::Box<
            dyn ::core::future::Future<Output = #answer> + ::core::marker::Send
        >> #constraints {
            #(#ours)*
            #future
        }
    })
}

/// An argument on its way into a load, the receiver included.
struct Taken<'a> {
    /// As it is given.
    given: Ident,
    /// As it is called in the load.
    name: Ident,
    ty: &'a Type,
    ownership: Ownership,
}

fn all_taken<'a>(names: &Names<'a>) -> impl Iterator<Item = Taken<'a>> {
    let receiver = names.function.receiver.iter().map(|Receiving { receiver, ownership }| Taken {
        given: Ident::new("self", receiver.self_token.span),
        name: Receiving::name(),
        ty: &receiver.ty,
        ownership: *ownership,
    });
    let arguments = names.function.arguments.iter().map(|Argument { name, ty, ownership, .. }| Taken {
        given: name.clone(),
        name: name.clone(),
        ty,
        ownership: *ownership,
    });
    receiver.chain(arguments)
}

impl Taken<'_> {
    fn owned(&self, private: &TokenStream) -> Option<TokenStream> {
        let Self { given, name, ty, ownership } = self;
        let ours = match ownership {
            Ownership::Borrowed => placed(quote!(<#ty as #private::Own>::own(#given)), Ends::of(ty)),
            Ownership::Owned if given == name => return None,
            Ownership::Owned => given.to_token_stream(),
        };
        Some(quote!(let #name = #ours;))
    }

    fn lent(&self, private: &TokenStream) -> TokenStream {
        let Self { name, ty, ownership, .. } = self;
        match ownership {
            Ownership::Owned => name.to_token_stream(),
            Ownership::Borrowed => placed(quote!(#private::borrow(&#name)), Ends::of(ty)),
        }
    }
}

pub(crate) fn typed(argument: &Argument) -> TokenStream {
    let Argument { name, ty, .. } = argument;
    quote!(#name: #ty)
}
