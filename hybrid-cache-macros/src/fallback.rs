//! What is emitted after an error: the message, the function as the user wrote it, and companions that do
//! nothing. So ours is the only error shown, and an editor keeps working.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{args::Args, companions, expand, function::Function, names::Names, place::Place};

/// For what we could not read: the item and nothing beside it.
pub(crate) fn untouched(error: &syn::Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

pub(crate) fn with_stubs(errors: &syn::Error, args: &Args, function: &Function) -> TokenStream {
    let names = Names::new(args, function);
    if matches!(function.place, Place::Trait | Place::TraitImpl) {
        // Companions would be members of the trait.
        return untouched(errors, &quote!(#function));
    }
    let errors = errors.to_compile_error();
    let stubs = companions::stubs(&names);
    if names.is_in_impl() {
        return quote!(#errors #function #stubs);
    }
    let companion = companions::item(&names);
    let unreachable = quote!(::core::unimplemented!());
    let typed = (function.has_plain_answer() && names.is_typed()).then(|| expand::typed_impl(&names));
    let one_cache = function.has_plain_answer() && !names.has_instances();
    let function_impl = one_cache.then(|| expand::function_impl(&names, &unreachable));
    quote!(#errors #function #companion #typed #function_impl #stubs)
}

#[cfg(test)]
mod tests {
    fn after_an_error(args: &str, item: &str) -> String {
        crate::expansion(args.parse().unwrap(), &item.parse().unwrap()).to_string()
    }

    #[test]
    fn the_function_stands_as_it_was_written() {
        let items = [
            "struct Price { id : u64 }",
            "async fn price (& self , id : u64) -> u64 { id }",
            "# [doc = \"\"] pub (crate) async fn price < T > (mut id : T) -> u64 where T : Into < u64 > { id . into () }",
        ];
        for item in items {
            let expansion = after_an_error("ttl = 0", item);
            assert!(expansion.contains(item), "{expansion}");
            assert!(expansion.contains("compile_error"), "{expansion}");
        }
    }

    #[test]
    fn companions_stand_in_a_struct_or_beside_a_method() {
        assert!(after_an_error("ttl = 0", "async fn price(id: u64) -> u64 { id }").contains("struct price"));
        let method = after_an_error("ttl = 0", "async fn price(&self) -> u64 { 1 }");
        assert!(!method.contains("struct price") && method.contains("fn price_invalidate"), "{method}");
    }

    #[test]
    fn what_is_expanded_after_an_error_is_still_rust() {
        let items = [
            "async fn price((id, _): (u64, u64), _: u8) -> u64 { id }",
            "async fn price<T: Copy, const N: usize>(id: T) -> [T; N] { [id; N] }",
            "async fn price(id: &str) -> &str { id }",
            "async fn price(id: u64) -> impl Iterator<Item = u64> { 0..id }",
            "unsafe fn price(id: u64) {}",
        ];
        for item in items {
            let expansion = after_an_error("skip(nobody), ttl = 0", item);
            syn::parse_str::<syn::File>(&expansion).expect(item);
        }
        let method = after_an_error("skip(self)", "fn price(&self, (a, _): (u8, u8)) -> &str { a }");
        syn::parse_str::<syn::ItemImpl>(&format!("impl Shop {{ {method} }}")).expect(&method);
    }
}
