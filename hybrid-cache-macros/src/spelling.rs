//! How a type is spelled. What it *is* only the compiler knows, so this serves spans, messages and the
//! ownership of arguments, and never decides what is cached.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    GenericArgument, Lifetime, ParenthesizedGenericArguments, PathArguments, Type, TypeBareFn, TypeImplTrait,
    TypeReference,
    visit::{self, Visit},
};

/// The first generic argument of a type whose last path segment is `name`.
pub(crate) fn generic_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    generics_of(ty, name).next()
}

/// The generic arguments of a type whose last path segment is `name`, as far as they are types.
pub(crate) fn generics_of<'a>(ty: &'a Type, name: &str) -> impl Iterator<Item = &'a Type> {
    let last = match ty {
        Type::Path(path) => path.path.segments.last().filter(|segment| segment.ident == name),
        _ => None,
    };
    let arguments = last.and_then(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(generics) => Some(&generics.args),
        _ => None,
    });
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The `&` of `&T` and of `Option<&T>`.
pub(crate) fn reference(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Reference(reference) => Some(reference),
        // Parentheses, and what a macro that wrote the function puts around a type.
        Type::Paren(inner) => self::reference(&inner.elem),
        Type::Group(inner) => self::reference(&inner.elem),
        _ => match generic_of(ty, "Option") {
            Some(Type::Reference(reference)) => Some(reference),
            _ => None,
        },
    }
}

/// A type as its user wrote it, more or less: for messages.
pub(crate) fn spelled(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    let tight =
        [(" <", "<"), ("< ", "<"), (" >", ">"), (" ,", ","), (" ::", "::"), (":: ", "::"), ("& ", "&")];
    tight.into_iter().fold(text, |text, (loose, tight)| text.replace(loose, tight))
}

/// The two ends of a piece of source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    first: Span,
    last: Span,
}

impl Ends {
    pub(crate) fn of(tokens: &impl ToTokens) -> Self {
        let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
        let first = spans.next().unwrap_or_else(Span::call_site);
        Self { first, last: spans.last().unwrap_or(first) }
    }

    /// From one end to the other.
    pub(crate) fn span(self) -> Span {
        self.first.join(self.last).unwrap_or(self.first)
    }
}

/// The same tokens, as if they stood there: what the compiler has to say about them it says at that place. Names
/// keep their hygiene.
pub(crate) fn placed(tokens: TokenStream, ends: Ends) -> TokenStream {
    let count = tokens.clone().into_iter().count();
    let tokens = tokens.into_iter().enumerate().map(|(at, mut token)| {
        // A span from the first to the last token covers the whole place.
        let end = if at + 1 < count { ends.first } else { ends.last };
        if let TokenTree::Group(group) = token {
            token = Group::new(group.delimiter(), placed(group.stream(), ends)).into();
        }
        token.set_span(token.span().located_at(end));
        token
    });
    tokens.collect()
}

/// The first reference or lifetime in a type that is not `'static`.
pub(crate) fn borrow_in(ty: &Type) -> Option<Span> {
    let mut search = Borrows::default();
    search.visit_type(ty);
    search.found
}

/// Whether a type is spelled with a `&'static` in it: such a value can be written as bytes and never read back. What a
/// lifetime in a path means only the type knows: a `Cow<'static, str>` comes back as an owned one.
pub(crate) fn is_static_borrow(ty: &Type) -> bool {
    let mut search = Statics::default();
    search.visit_type(ty);
    search.found
}

/// The first `impl Trait` in a type.
pub(crate) fn impl_trait_in(ty: &Type) -> Option<Span> {
    let mut search = Unnamed::default();
    search.visit_type(ty);
    search.found
}

#[derive(Default)]
struct Borrows {
    found: Option<Span>,
}

impl<'ast> Visit<'ast> for Borrows {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference.lifetime.is_none() {
            self.found.get_or_insert(reference.and_token.span);
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.found.get_or_insert(lifetime.span());
        }
    }

    // What a function takes it does not hold.
    fn visit_type_bare_fn(&mut self, _: &'ast TypeBareFn) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}

#[derive(Default)]
struct Statics {
    found: bool,
}

impl<'ast> Visit<'ast> for Statics {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        self.found |= reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
        visit::visit_type_reference(self, reference);
    }
}

#[derive(Default)]
struct Unnamed {
    found: Option<Span>,
}

impl<'ast> Visit<'ast> for Unnamed {
    fn visit_type_impl_trait(&mut self, unnamed: &'ast TypeImplTrait) {
        self.found.get_or_insert(unnamed.impl_token.span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_borrowed_for_ever_is_told_from_what_has_a_lifetime_as_an_argument() {
        let is_static_borrow = |ty| is_static_borrow(&syn::parse_str(ty).unwrap());
        for ty in [
            "&'static str",
            "Option<Vec<&'static [u8]>>",
            "Cow<'static, [&'static str]>",
            "(u8, &'static u8)",
        ] {
            assert!(is_static_borrow(ty), "{ty}");
        }
        for ty in ["String", "Cow<'static, str>", "Option<Arc<Page<'static>>>", "Box<dyn Page + 'static>"] {
            assert!(!is_static_borrow(ty), "{ty}");
        }
    }
}
