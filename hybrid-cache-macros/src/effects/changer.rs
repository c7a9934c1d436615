//! What we need to know of the function under the attribute. The body stays a heap of tokens.

use proc_macro2::{Span, TokenStream};
use syn::{
    Attribute, FnArg, Ident, Pat, ReturnType, Signature, Type, Visibility,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
    visit_mut::{self, VisitMut},
};

use super::Effect;
use crate::spelling::{Ends, generic_of};

/// A function that changes what cached answers were made of.
#[derive(Debug)]
pub(crate) struct Changer {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The block, braces included.
    pub(crate) body: TokenStream,
}

impl Changer {
    pub(crate) fn parse(effect: Effect, item: &TokenStream) -> syn::Result<Self> {
        let parser = |input: ParseStream<'_>| {
            let attrs = input.call(Attribute::parse_outer)?;
            let vis = input.parse()?;
            let start = input.fork();
            let sig: Signature =
                input.parse().map_err(|error| not_a_function(effect, &start).unwrap_or(error))?;
            if input.peek(syn::Token![;]) {
                return Err(syn::Error::new(
                    sig.ident.span(),
                    format!(
                        "a method without a body changes nothing; put `#[{}]` on its implementations",
                        effect.name()
                    ),
                ));
            }
            Ok(Self { attrs, vis, sig, body: input.parse()? })
        };
        parser.parse2(item.clone())
    }

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some()
    }

    /// The type of the answer as it may stand inside of the function, where an `impl Trait` has no meaning.
    pub(crate) fn answer(&self) -> Type {
        let mut answer = match &self.sig.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, ty) => Type::clone(ty),
        };
        Unnamed.visit_type_mut(&mut answer);
        answer
    }

    /// Where a complaint about the answer belongs.
    pub(crate) fn answer_ends(&self) -> Ends {
        match &self.sig.output {
            ReturnType::Default => Ends::of(&self.sig.ident),
            ReturnType::Type(_, ty) => Ends::of(ty),
        }
    }

    /// Where a complaint about the value in `Ok` belongs: at `T` of `Result<T, E>`, if it is spelled like that.
    pub(crate) fn value_ends(&self) -> Ends {
        match &self.sig.output {
            ReturnType::Default => self.answer_ends(),
            ReturnType::Type(_, ty) => Ends::of(generic_of(ty, "Result").unwrap_or(ty)),
        }
    }

    /// Whether `name` is a shared borrow, which is as good after the body as before it.
    pub(crate) fn is_lent(&self, name: &Ident) -> bool {
        self.sig.inputs.iter().any(|input| match input {
            FnArg::Receiver(receiver) => {
                name == "self"
                    && (receiver.reference.is_some() && receiver.mutability.is_none()
                        || is_shared(&receiver.ty))
            }
            FnArg::Typed(typed) => is_named(&typed.pat, name) && is_shared(&typed.ty),
        })
    }

    /// Whether `name` is bound by the arguments; in a pattern, any name may be.
    pub(crate) fn is_argument(&self, name: &Ident) -> bool {
        self.sig.inputs.iter().any(|input| match input {
            FnArg::Receiver(_) => name == "self",
            FnArg::Typed(typed) => is_named(&typed.pat, name) || !matches!(*typed.pat, Pat::Ident(_)),
        })
    }
}

fn is_named(pattern: &Pat, name: &Ident) -> bool {
    matches!(pattern, Pat::Ident(pattern) if pattern.ident.unraw() == name.unraw())
}

fn is_shared(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none())
}

struct Unnamed;

impl VisitMut for Unnamed {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = syn::parse_quote!(_);
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

fn not_a_function(effect: Effect, start: ParseStream<'_>) -> Option<syn::Error> {
    let words =
        ["struct", "enum", "union", "trait", "impl", "mod", "type", "static", "use", "macro_rules", "let"];
    let word = start.fork().call(Ident::parse_any).ok().filter(|word| words.iter().any(|w| word == w))?;
    let message =
        format!("`#[{}]` goes on a function that changes something; this is a `{word}`", effect.name());
    Some(syn::Error::new(word.span(), message))
}

/// For bindings that nobody else can see.
pub(crate) fn ours() -> Span {
    Span::mixed_site()
}
