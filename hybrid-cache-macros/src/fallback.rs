//! What is emitted after an error: the message, the function as the user wrote it, and companions that do
//! nothing. So ours is the only error shown, and an editor keeps working.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    args::Args,
    companions,
    expand::{self, Names},
    function::Function,
};

/// For what we could not read: the item and nothing beside it.
pub(crate) fn untouched(error: &syn::Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

pub(crate) fn with_stubs(errors: &syn::Error, args: &Args, function: &Function) -> TokenStream {
    if function.sig.receiver().is_some() {
        // A struct cannot stand in an `impl`.
        return untouched(errors, &quote!(#function));
    }
    let names = Names::new(args, function);
    let errors = errors.to_compile_error();
    let companion = companions::item(&names);
    let unreachable = quote!(::core::unimplemented!());
    let function_impl = function.has_plain_answer().then(|| expand::function_impl(&names, &unreachable));
    let stubs = companions::stubs(&names);
    quote!(#errors #function #companion #function_impl #stubs)
}
