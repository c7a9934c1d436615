//! How a load gets the function's body: in a task of its own, with arguments made owned, or with `inline` in the task of
//! its caller, with the arguments as they are.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Signature;

use crate::{
    expand::Names,
    function::{Argument, Function, Ownership},
    spelling::{Ends, placed},
};

/// `load(__hc_key, product::__load(id, lang))`, to be called on the cache; `what` is `load` or `refresh`.
pub(crate) fn started(names: &Names<'_>, what: &str) -> TokenStream {
    let Names { companion, function, args, .. } = names;
    let arguments = function.arguments.iter().map(|argument| &argument.name);
    if args.inline {
        let what = format_ident!("{what}_inline");
        return quote!(#what(__hc_key, ::std::boxed::Box::pin(#companion::uncached(#(#arguments),*))));
    }
    let what = format_ident!("{what}");
    quote!(#what(__hc_key, #companion::__load(#(#arguments),*)))
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
    if names.args.inline {
        return None;
    }
    let Names { private, companion, function, .. } = names;
    let Signature { generics, ident, .. } = &function.sig;
    let constraints = &generics.where_clause;
    let arguments = function.arguments.iter().map(typed);
    let owned = borrowed(function).map(|Argument { name, ty, .. }| {
        let owned = placed(quote!(<#ty as #private::Own>::own(#name)), Ends::of(ty));
        quote!(let #name = #owned;)
    });
    let lent = function.arguments.iter().map(|Argument { name, ty, ownership }| match ownership {
        Ownership::Owned => name.to_token_stream(),
        Ownership::Borrowed => placed(quote!(#private::borrow(&#name)), Ends::of(ty)),
    });
    let answer = function.answer();
    // At the name of the function: the compiler complains there when the body's future is not `Send`. The arguments stay
    // where they are: if it is because of one of them, it is underlined.
    let [must_be_send, uncached] =
        [quote!(#private::is_cached_so_it_must_be_send), quote!(#companion::uncached)]
            .map(|path| placed(path, Ends::of(ident)));
    let at = Span::call_site().located_at(ident.span());
    let future = quote_spanned!(at=> #must_be_send(async move { #uncached(#(#lent),*).await }));
    Some(quote! {
        fn __load #generics (#(#arguments),*) -> ::core::pin::Pin<::std::boxed::Box<
            dyn ::core::future::Future<Output = #answer> + ::core::marker::Send
        >> #constraints {
            #(#owned)*
            #future
        }
    })
}

fn borrowed(function: &Function) -> impl Iterator<Item = &Argument> {
    function.arguments.iter().filter(|argument| argument.ownership == Ownership::Borrowed)
}

pub(crate) fn typed(argument: &Argument) -> TokenStream {
    let Argument { name, ty, .. } = argument;
    quote!(#name: #ty)
}
