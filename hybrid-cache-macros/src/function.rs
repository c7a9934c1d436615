//! What we need to know of the function under the attribute. The body stays a heap of tokens: nothing here
//! or later looks into it, so that it means in the expansion what it means outside.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, GenericParam, Ident, Pat, PatType, ReturnType, Signature, Type, Visibility,
    ext::IdentExt as _,
    parse::{Parse, ParseStream},
    parse_quote,
};

use crate::spelling::{Ends, borrow_in, generic_of, generics_of, impl_trait_in, is_static_borrow, reference};

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The block, braces included.
    pub(crate) body: TokenStream,
    /// The arguments that have a plain name; the others are an error by the time anything is expanded.
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) ownership: Ownership,
}

/// What it takes to move an argument into a load, which may outlive the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Moved as it is.
    Owned,
    /// `&T` or `Option<&T>`: made owned when a load starts, lent to the body again.
    Borrowed,
}

impl Function {
    pub(crate) fn parse(item: &TokenStream) -> syn::Result<Self> {
        syn::parse2(item.clone())
    }

    /// The name without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    pub(crate) fn argument(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| argument.is_named(name))
    }

    pub(crate) fn typed_inputs(&self) -> impl Iterator<Item = &PatType> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        })
    }

    pub(crate) fn has_argument(&self, name: &Ident) -> bool {
        self.argument(&name.unraw().to_string()).is_some()
    }

    pub(crate) fn answer(&self) -> Type {
        match &self.sig.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => Type::clone(ty),
        }
    }

    /// Whether the type of the answer means the same outside of the signature.
    pub(crate) fn has_plain_answer(&self) -> bool {
        let answer = self.answer();
        let generic =
            self.sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
        !generic && borrow_in(&answer).is_none() && impl_trait_in(&answer).is_none()
    }

    /// Whether the value to keep is spelled with a `'static` borrow. The compiler cannot be asked: it forgets lifetimes
    /// when it looks for an implementation, and complains about them afterwards.
    pub(crate) fn has_static_borrow(&self) -> bool {
        match &self.sig.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => is_static_borrow(generic_of(ty, "Result").unwrap_or(ty)),
        }
    }

    /// Where a complaint about the cached value belongs: at `T` of `T`, `Option<T>`, `Result<T, E>`.
    ///
    /// Only for spans: what really is a `Result` is found out by type.
    pub(crate) fn value_ends(&self) -> Ends {
        match &self.sig.output {
            ReturnType::Default => Ends::of(&self.sig.ident),
            ReturnType::Type(_, ty) => {
                let value = generic_of(ty, "Result").unwrap_or(ty);
                Ends::of(generic_of(value, "Option").unwrap_or(value))
            }
        }
    }

    /// Where a complaint about the error belongs: at `E` of `Result<T, E>`, if it is spelled like that.
    pub(crate) fn error_ends(&self) -> Option<Ends> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => generics_of(ty, "Result").nth(1).map(Ends::of),
        }
    }
}

impl Argument {
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name.unraw() == name
    }

    /// The name without `r#`, as it stands in keys.
    pub(crate) fn key_name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Nothing if the argument is a pattern.
    pub(crate) fn of(typed: &PatType) -> Option<Self> {
        let Pat::Ident(pattern) = &*typed.pat else { return None };
        let ty = Type::clone(&typed.ty);
        Some(Self { name: pattern.ident.clone(), ownership: Ownership::of(&ty), ty })
    }
}

impl Ownership {
    fn of(ty: &Type) -> Self {
        match reference(ty).map(|reference| &reference.lifetime) {
            Some(Some(lifetime)) if lifetime.ident == "static" => Self::Owned,
            Some(_) => Self::Borrowed,
            None => Self::Owned,
        }
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if let Some(error) = not_a_function(input) {
            return Err(error);
        }
        let sig: Signature = input.parse()?;
        if input.peek(syn::Token![;]) {
            return Err(syn::Error::new(
                sig.ident.span(),
                "a method without a body cannot be cached; \
                 put `#[cached]` on a free function and call that from the implementation",
            ));
        }
        let body = input.parse()?;
        let mut function = Self { attrs, vis, sig, body, arguments: Vec::new() };
        function.arguments = function.typed_inputs().filter_map(Argument::of).collect();
        Ok(function)
    }
}

fn not_a_function(input: ParseStream<'_>) -> Option<syn::Error> {
    let words =
        ["struct", "enum", "union", "trait", "impl", "mod", "type", "static", "use", "macro_rules", "let"];
    let word = input.fork().call(Ident::parse_any).ok().filter(|word| words.iter().any(|w| word == w))?;
    Some(syn::Error::new(word.span(), format!("`#[cached]` goes on an `async fn`; this is a `{word}`")))
}

impl ToTokens for Function {
    /// The function as the user wrote it.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body, .. } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ownership(ty: &str) -> Ownership {
        Ownership::of(&syn::parse_str(ty).unwrap())
    }

    #[test]
    fn what_is_lent_is_made_owned_and_the_rest_is_moved() {
        for ty in ["&str", "&'a [u8]", "Option<&str>", "std::option::Option<&'a T>", "(&str)"] {
            assert_eq!(ownership(ty), Ownership::Borrowed, "{ty}");
        }
        for ty in ["u64", "String", "&'static str", "Option<String>", "Option<&'static str>", "Arc<str>"] {
            assert_eq!(ownership(ty), Ownership::Owned, "{ty}");
        }
    }

    #[test]
    fn what_is_no_function_is_called_by_its_name() {
        let cases = [
            ("struct Price { id: u64 }", "this is a `struct`"),
            ("pub enum Price {}", "this is a `enum`"),
            ("impl Price {}", "this is a `impl`"),
            ("async fn price(&self) -> u64;", "without a body"),
        ];
        for (item, expected) in cases {
            let message = Function::parse(&item.parse().unwrap()).unwrap_err().to_string();
            assert!(message.contains(expected), "{item}: {message}");
        }
    }
}
