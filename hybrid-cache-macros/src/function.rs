//! What we need to know of the function under the attribute. The body stays a heap of tokens: nothing here
//! or later looks into it, so that it means in the expansion what it means outside.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, FnArg, Ident, Pat, PatType, Receiver, ReturnType, Signature, Type, Visibility,
    ext::IdentExt as _,
    parse::{Parse, ParseStream},
    parse_quote,
};

use crate::{
    args::Args,
    generics::{Generics, mentions},
    pattern,
    place::Place,
    spelling::{Ends, borrow_in, generic_of, generics_of, impl_trait_in, is_static_borrow, reference},
};

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The block, braces included.
    pub(crate) body: TokenStream,
    pub(crate) receiver: Option<Receiving>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) generics: Generics,
    pub(crate) place: Place,
    /// What the `impl` that it stands in is generic over, `Self` included; that alone where it is not known.
    outer_generics: Vec<String>,
}

/// `&self`, `self: &Arc<Self>`, …
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(crate) receiver: Receiver,
    pub(crate) ownership: Ownership,
}

#[derive(Debug)]
pub(crate) struct Argument {
    /// What it is called in what is generated: a pattern has no name of its own.
    pub(crate) name: Ident,
    /// With a name in the place of each `impl Trait`.
    pub(crate) ty: Type,
    pub(crate) ownership: Ownership,
    /// What the body knows of it: its name, or the names in its pattern.
    pub(crate) bindings: Vec<Ident>,
    /// Unless it is a plain name.
    pub(crate) pattern: Option<Pat>,
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

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some()
    }

    /// The argument that the body knows by this name, or a part of it.
    pub(crate) fn argument(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| argument.is_named(name))
    }

    /// All names that the body knows of its arguments.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = &Ident> {
        self.arguments.iter().flat_map(|argument| &argument.bindings)
    }

    pub(crate) fn typed_inputs(&self) -> impl Iterator<Item = &PatType> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        })
    }

    pub(crate) fn has_argument(&self, name: &Ident) -> bool {
        let name = name.unraw().to_string();
        self.argument(&name).is_some() || (name == "self" && self.receiver.is_some())
    }

    pub(crate) fn answer(&self) -> Type {
        match &self.sig.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => Type::clone(ty),
        }
    }

    /// Whether the type of the answer means the same outside of the function.
    pub(crate) fn has_plain_answer(&self) -> bool {
        let answer = self.answer();
        !self.has_generic_answer() && borrow_in(&answer).is_none() && impl_trait_in(&answer).is_none()
    }

    /// Whether the answer is another type in each instance, as far as can be seen from here.
    pub(crate) fn has_generic_answer(&self) -> bool {
        let answer = self.answer();
        let mut outer = self.outer_generics.iter();
        self.generics.are_in(&answer)
            || outer.any(|name| mentions(&answer.to_token_stream(), &format_ident!("{name}")))
    }

    /// Whether the answer is spelled as a `Result`: for where the compiler cannot be asked.
    pub(crate) fn is_spelled_fallible(&self) -> bool {
        match self.answer() {
            Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Result"),
            _ => false,
        }
    }

    /// Whether the value to keep is spelled with a `&'static`. The compiler cannot be asked: it forgets lifetimes
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

    /// What the attribute says that the function itself does not tell.
    pub(crate) fn heed(&mut self, args: &Args) {
        if args.in_impl && self.place == Place::Free {
            self.place = Place::Impl;
        }
        let (skipped, keyed): (Vec<_>, Vec<_>) =
            self.arguments.iter().partition(|argument| args.skips_whole(argument));
        let types = |arguments: Vec<&Argument>| {
            let types = arguments.iter().map(|argument| &argument.ty);
            quote!(#(#types)*)
        };
        let (answer, keyed) = (self.answer(), types(keyed));
        self.generics.tell_apart(&quote!(#keyed #answer), &types(skipped));
    }

    /// Finds out where it stands: what its source file says, else what itself tells.
    fn find_place(&mut self) {
        let itself = Ident::new("Self", Span::call_site());
        let Self { sig, body, .. } = self;
        let tells = self.receiver.is_some() || mentions(&quote!(#sig), &itself) || mentions(body, &itself);
        let unknown = || vec!["Self".to_owned()];
        (self.place, self.outer_generics) = match Place::of(self.sig.ident.span()) {
            Some((Place::Free, _)) | None if tells => (Place::Impl, unknown()),
            Some((place, generics)) if generics.is_empty() => (place, generics),
            Some((place, generics)) => (place, [generics, unknown()].concat()),
            None => (Place::Free, unknown()),
        };
    }
}

impl Receiving {
    fn of(receiver: &Receiver) -> Self {
        Self { receiver: receiver.clone(), ownership: Ownership::of(&receiver.ty) }
    }

    /// What it is called where the word `self` cannot stand.
    pub(crate) fn name() -> Ident {
        Ident::new("__hc_self", Span::mixed_site())
    }
}

impl Argument {
    /// Whether the body knows it, or a part of it, by this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.bindings.iter().any(|binding| binding.unraw() == name)
    }

    /// The `at`-th argument.
    fn of(at: usize, typed: &PatType) -> Self {
        let bindings = pattern::bindings(&typed.pat);
        let (name, pattern) = match &*typed.pat {
            Pat::Ident(plain) if plain.subpat.is_none() && plain.by_ref.is_none() => {
                (plain.ident.clone(), None)
            }
            other => (format_ident!("argument_{}", at + 1), Some(other.clone())),
        };
        let ty = Type::clone(&typed.ty);
        Self { name, ownership: Ownership::of(&ty), ty, bindings, pattern }
    }
}

/// A name as it stands in keys, without `r#`.
pub(crate) fn key_name(binding: &Ident) -> String {
    binding.unraw().to_string()
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
        let inputs = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(input) => Some(input),
            FnArg::Receiver(_) => None,
        });
        let mut arguments: Vec<_> = inputs.enumerate().map(|(at, input)| Argument::of(at, input)).collect();
        let mut types: Vec<Type> = arguments.iter().map(|argument| argument.ty.clone()).collect();
        let generics = Generics::of(&sig, &mut types);
        arguments.iter_mut().zip(types).for_each(|(argument, ty)| argument.ty = ty);
        let receiver = sig.receiver().map(Receiving::of);
        let (place, outer_generics) = (Place::Free, Vec::new());
        let mut function =
            Self { attrs, vis, sig, body, receiver, arguments, generics, place, outer_generics };
        function.find_place();
        Ok(function)
    }
}

fn not_a_function(input: ParseStream<'_>) -> Option<syn::Error> {
    let words =
        ["struct", "enum", "union", "trait", "impl", "mod", "type", "static", "use", "macro_rules", "let"];
    let word = input.fork().call(Ident::parse_any).ok().filter(|word| words.iter().any(|w| word == w))?;
    let article = if word == "enum" || word == "impl" { "an" } else { "a" };
    Some(syn::Error::new(
        word.span(),
        format!(
            "`#[cached]` goes on a function; this is {article} `{word}`: put it on each function to cache"
        ),
    ))
}

/// Whether this is the attribute, in whichever way it is named.
pub(crate) fn is_cached(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "cached")
}

impl ToTokens for Function {
    /// The function as the user wrote it, without a second attribute, which would have companions of its own.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body, .. } = self;
        let attrs = attrs.iter().filter(|attribute| !is_cached(attribute));
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
            ("pub enum Price {}", "this is an `enum`"),
            ("impl Price {}", "this is an `impl`"),
            ("async fn price(&self) -> u64;", "without a body"),
        ];
        for (item, expected) in cases {
            let message = Function::parse(&item.parse().unwrap()).unwrap_err().to_string();
            assert!(message.contains(expected), "{item}: {message}");
        }
    }
}
