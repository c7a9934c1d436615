//! What a function is generic over, and which of it makes its answers different ones.
//!
//! `impl Trait` in an argument is a type parameter without a name; it has one in everything that is made of the function,
//! so that the instance can be named.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{
    GenericParam, Lifetime, LifetimeParam, Signature, Type, TypeParamBound, WherePredicate, parse_quote,
    visit_mut::{self, VisitMut},
};

/// The parameters of a function, those included that `impl Trait` stands for.
#[derive(Debug)]
pub(crate) struct Generics {
    lifetimes: Vec<LifetimeParam>,
    kinds: Vec<Kind>,
    predicates: Vec<WherePredicate>,
}

/// A type or a constant.
#[derive(Debug)]
struct Kind {
    name: Ident,
    declared: GenericParam,
    /// Whether it stands in the signature as `impl Trait`.
    unnamed: bool,
    /// Whether answers for different ones are different answers.
    tells_apart: bool,
}

/// Which parameters a generated function has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Those that tell answers apart.
    TellingApart,
}

impl Generics {
    /// Of a function with these types of arguments, those in the key and the skipped ones; `impl Trait` in them gets a name.
    pub(crate) fn of(signature: &Signature, arguments: &mut [Type]) -> Self {
        let (mut lifetimes, mut kinds) = (Vec::new(), Vec::new());
        for parameter in &signature.generics.params {
            let name = match parameter {
                GenericParam::Lifetime(parameter) => {
                    lifetimes.push(parameter.clone());
                    continue;
                }
                GenericParam::Type(parameter) => &parameter.ident,
                GenericParam::Const(parameter) => &parameter.ident,
            };
            let (name, declared) = (name.clone(), parameter.clone());
            kinds.push(Kind { name, declared, unnamed: false, tells_apart: true });
        }
        for ty in arguments {
            let mut naming = Naming { kinds: &mut kinds, lifetimes: &mut lifetimes };
            naming.visit_type_mut(ty);
        }
        let clause = signature.generics.where_clause.iter();
        let predicates = clause.flat_map(|clause| clause.predicates.iter().cloned()).collect();
        Self { lifetimes, kinds, predicates }
    }

    /// Finds out which parameters tell answers apart: all but those that only skipped arguments speak of, and what only their
    /// bounds speak of.
    pub(crate) fn tell_apart(&mut self, keyed: &TokenStream, skipped: &TokenStream) {
        for kind in &mut self.kinds {
            kind.tells_apart = mentions(keyed, &kind.name) || !mentions(skipped, &kind.name);
        }
        // Nor does what only the bounds of such a one speak of: `Fut` in `F: Fn() -> Fut`.
        while let Some(spoken_of) = self.spoken_of_by_others(keyed) {
            if let Some(kind) = self.kinds.get_mut(spoken_of) {
                kind.tells_apart = false;
            }
        }
        // What the bounds of the others speak of has to be there.
        while let Some(needed) = self.needed_by_bounds() {
            if let Some(kind) = self.kinds.get_mut(needed) {
                kind.tells_apart = true;
            }
        }
    }

    fn spoken_of_by_others(&self, keyed: &TokenStream) -> Option<usize> {
        let others: Vec<&Kind> = self.kinds.iter().filter(|kind| !kind.tells_apart).collect();
        let about_others = self.predicates.iter().map(ToTokens::to_token_stream);
        let about_others = about_others.filter(|about| others.iter().any(|kind| mentions(about, &kind.name)));
        let declared = others.iter().map(|kind| kind.declared.to_token_stream());
        let bounds: TokenStream = declared.chain(about_others).collect();
        self.kinds.iter().position(|kind| {
            kind.tells_apart && !mentions(keyed, &kind.name) && mentions(&bounds, &kind.name)
        })
    }

    fn needed_by_bounds(&self) -> Option<usize> {
        let bounds: TokenStream =
            self.declared(Which::TellingApart).chain(self.kept(Which::TellingApart)).collect();
        self.kinds.iter().position(|kind| !kind.tells_apart && mentions(&bounds, &kind.name))
    }

    fn kinds(&self, which: Which) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter(move |kind| kind.tells_apart || which == Which::All)
    }

    fn declared(&self, which: Which) -> impl Iterator<Item = TokenStream> {
        self.kinds(which).map(|kind| kind.declared.to_token_stream())
    }

    /// The predicates about types that are there. Those about lifetimes alone are about arguments.
    fn kept(&self, which: Which) -> impl Iterator<Item = TokenStream> {
        let is_kept = move |predicate: &&WherePredicate| match predicate {
            WherePredicate::Type(predicate) if which == Which::TellingApart => {
                let about = predicate.bounded_ty.to_token_stream();
                !self.kinds.iter().any(|kind| !kind.tells_apart && mentions(&about, &kind.name))
            }
            _ => which == Which::All,
        };
        self.predicates.iter().filter(is_kept).map(ToTokens::to_token_stream)
    }

    /// The lifetimes that are spoken of by what is generated: the types of its arguments, and what is kept of the bounds.
    /// Others would be lifetimes that nobody uses, which the compiler says.
    fn lifetimes(&self, which: Which, arguments: &TokenStream) -> impl Iterator<Item = LifetimeParam> {
        let bounds = self.declared(which).chain(self.kept(which));
        let spoken_of: TokenStream = bounds.chain([arguments.clone()]).collect();
        let mut names = Vec::new();
        lifetimes_in(&spoken_of, &mut names);
        self.lifetimes.iter().filter_map(move |parameter| match which {
            Which::All => Some(parameter.clone()),
            // Without bounds: another lifetime in them need not be there.
            Which::TellingApart => names
                .contains(&parameter.lifetime.ident)
                .then(|| LifetimeParam::new(parameter.lifetime.clone())),
        })
    }

    /// Whether there are several instances, whose answers are different ones.
    pub(crate) fn are_told_apart(&self) -> bool {
        self.kinds.iter().any(|kind| kind.tells_apart)
    }

    /// `::<T, N>` for the function as the user wrote it: `impl Trait` has no place there.
    pub(crate) fn turbofish_as_written(&self) -> Option<TokenStream> {
        let mut names = self.kinds.iter().filter(|kind| !kind.unnamed).map(|kind| &kind.name).peekable();
        names.peek()?;
        Some(quote!(::<#(#names),*>))
    }

    /// Whether what is given for a parameter in a type may be borrowed from the caller: its bounds have a lifetime, as those of
    /// `impl Executor<'_>` do, for which `&Pool` is given. (That of `for<'a> Fn(&'a str)` is none of the function's.)
    pub(crate) fn may_borrow(&self, ty: &Type) -> bool {
        let ty = ty.to_token_stream();
        self.kinds.iter().filter(|kind| mentions(&ty, &kind.name)).any(|kind| {
            let bounds = self.bounds(kind);
            let mut names = Vec::new();
            lifetimes_in(&quote!(#(#bounds)*), &mut names);
            let outlives = |bound: &TypeParamBound| {
                matches!(bound, TypeParamBound::Lifetime(lifetime) if lifetime.ident == "static")
            };
            !bounds.iter().any(outlives) && names.iter().any(|name| self.declares(name))
        })
    }

    /// Whether the function itself has this lifetime.
    pub(crate) fn declares(&self, lifetime: &Ident) -> bool {
        self.lifetimes.iter().any(|declared| declared.lifetime.ident == *lifetime)
    }

    /// What is asked of a parameter, where it is declared and after `where`.
    fn bounds(&self, kind: &Kind) -> Vec<TypeParamBound> {
        let declared = match &kind.declared {
            GenericParam::Type(parameter) => Some(&parameter.bounds),
            _ => None,
        };
        let is_about = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident(&kind.name));
        let predicates = self.predicates.iter().filter_map(|predicate| match predicate {
            WherePredicate::Type(predicate) if is_about(&predicate.bounded_ty) => Some(&predicate.bounds),
            _ => None,
        });
        declared.into_iter().chain(predicates).flatten().cloned().collect()
    }

    /// What is asked of the type parameter that a type is, if it is one.
    pub(crate) fn bounds_of(&self, ty: &Type) -> Option<Vec<TypeParamBound>> {
        let Type::Path(path) = ty else { return None };
        let kind = self.kinds.iter().find(|kind| path.path.is_ident(&kind.name))?;
        matches!(kind.declared, GenericParam::Type(_)).then(|| self.bounds(kind))
    }

    /// Whether a type speaks of a parameter.
    pub(crate) fn are_in(&self, ty: &Type) -> bool {
        let ty = ty.to_token_stream();
        self.kinds.iter().any(|kind| mentions(&ty, &kind.name))
    }

    /// `<'a, T: Kind>`, or nothing, of a function with these arguments.
    pub(crate) fn parameters(&self, which: Which, arguments: &TokenStream) -> Option<TokenStream> {
        let lifetimes = self.lifetimes(which, arguments).map(|parameter| parameter.to_token_stream());
        let mut parameters = lifetimes.chain(self.declared(which)).peekable();
        parameters.peek()?;
        Some(quote!(<#(#parameters),*>))
    }

    /// `<'hc, 'a, T: Kind>`.
    pub(crate) fn parameters_and(
        &self,
        lifetime: &Lifetime,
        which: Which,
        arguments: &TokenStream,
    ) -> TokenStream {
        let (lifetimes, kinds) = (self.lifetimes(which, arguments), self.declared(which));
        quote!(<#lifetime, #(#lifetimes,)* #(#kinds),*>)
    }

    /// `where T: Kind`, or nothing.
    pub(crate) fn constraints(&self, which: Which) -> Option<TokenStream> {
        let mut predicates = self.kept(which).peekable();
        predicates.peek()?;
        Some(quote!(where #(#predicates),*))
    }

    /// The same, and that everything lives as long as a lifetime: needed where that stands behind `impl`, in what the language
    /// does not look at by itself.
    pub(crate) fn constraints_and(
        &self,
        lifetime: &Lifetime,
        which: Which,
        arguments: &TokenStream,
        in_impl: bool,
    ) -> TokenStream {
        let predicates = self.kept(which);
        let lifetimes = self.lifetimes(which, arguments).map(|parameter| parameter.lifetime);
        let types = self.kinds(which).filter(|kind| matches!(kind.declared, GenericParam::Type(_)));
        let types = types.map(|kind| &kind.name);
        let itself = in_impl.then(|| quote!(Self: #lifetime,));
        quote!(where #(#predicates,)* #(#lifetimes: #lifetime,)* #(#types: #lifetime,)* #itself)
    }

    /// `::<T, N>`, or nothing, from where all parameters have a name.
    pub(crate) fn turbofish(&self, which: Which) -> Option<TokenStream> {
        let mut names = self.kinds(which).map(|kind| &kind.name).peekable();
        names.peek()?;
        Some(quote!(::<#(#names),*>))
    }

    /// The same from the function itself, where `impl Trait` has none: `::<T, N, _>`.
    pub(crate) fn turbofish_from_outside(&self, which: Which) -> Option<TokenStream> {
        let mut names = self
            .kinds(which)
            .map(|kind| if kind.unnamed { quote!(_) } else { kind.name.to_token_stream() })
            .peekable();
        names.peek()?;
        Some(quote!(::<#(#names),*>))
    }

    /// The parameters that tell answers apart: the name of each, and whether it is a constant.
    pub(crate) fn in_key(&self) -> impl Iterator<Item = (&Ident, bool)> {
        self.kinds(Which::TellingApart)
            .map(|kind| (&kind.name, matches!(kind.declared, GenericParam::Const(_))))
    }
}

/// Gives `impl Trait` a name, and the lifetimes that are left out in it.
struct Naming<'a> {
    kinds: &'a mut Vec<Kind>,
    lifetimes: &'a mut Vec<LifetimeParam>,
}

impl VisitMut for Naming<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        // What stands in the bounds of an `impl Trait` first.
        visit_mut::visit_type_mut(self, ty);
        // A name needs no parentheses, and the compiler would say so.
        if let Type::Reference(reference) = ty
            && let Type::Paren(inner) = &mut *reference.elem
            && let Type::Path(_) = &*inner.elem
        {
            let name = std::mem::replace(&mut *inner.elem, Type::Verbatim(TokenStream::new()));
            *reference.elem = name;
        }
        if let Type::ImplTrait(unnamed) = ty {
            let count = self.kinds.iter().filter(|kind| kind.unnamed).count() + 1;
            let lifetime = Lifetime::new(&format!("'argument{count}"), Span::mixed_site());
            let mut elided = Elided { lifetime: &lifetime, found: false };
            elided.visit_type_impl_trait_mut(unnamed);
            if elided.found {
                self.lifetimes.push(LifetimeParam::new(lifetime.clone()));
            }
            let (name, bounds) = (format_ident!("Argument{count}"), &unnamed.bounds);
            let declared = parse_quote!(#name: #bounds);
            *ty = parse_quote!(#name);
            self.kinds.push(Kind { name, declared, unnamed: true, tells_apart: true });
        }
    }
}

/// The names of the lifetimes that stand in `tokens`.
fn lifetimes_in(tokens: &TokenStream, names: &mut Vec<Ident>) {
    let mut follows = false;
    for token in tokens.clone() {
        match &token {
            TokenTree::Ident(name) if follows => names.push(name.clone()),
            TokenTree::Group(group) => lifetimes_in(&group.stream(), names),
            _ => {}
        }
        follows = matches!(token, TokenTree::Punct(quote) if quote.as_char() == '\'');
    }
}

/// Whether `name` stands somewhere in `tokens`.
pub(crate) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}

/// Names the lifetimes that are left out in a type: needed where the language does not let them be left out.
pub(crate) fn with_lifetimes_named(ty: &Type, lifetime: &Lifetime) -> Type {
    let mut ty = ty.clone();
    Elided { lifetime, found: false }.visit_type_mut(&mut ty);
    ty
}

struct Elided<'a> {
    lifetime: &'a Lifetime,
    found: bool,
}

impl VisitMut for Elided<'_> {
    fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
        self.found |= reference.lifetime.is_none();
        reference.lifetime.get_or_insert_with(|| self.lifetime.clone());
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            self.found = true;
            *lifetime = self.lifetime.clone();
        }
    }

    // What a function takes has lifetimes of its own.
    fn visit_type_bare_fn_mut(&mut self, _: &mut syn::TypeBareFn) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generics(function: &str, keyed: usize) -> Generics {
        let signature: Signature = syn::parse_str(function).unwrap();
        let inputs = signature.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(input) => Some(Type::clone(&input.ty)),
            syn::FnArg::Receiver(_) => None,
        });
        let mut types: Vec<Type> = inputs.collect();
        let mut generics = Generics::of(&signature, &mut types);
        let (keyed, skipped) = types.split_at(keyed);
        generics.tell_apart(&quote!(#(#keyed)*), &quote!(#(#skipped)*));
        generics
    }

    fn telling_apart(function: &str, keyed: usize) -> String {
        let generics = generics(function, keyed);
        let names: Vec<String> = generics.in_key().map(|(name, _)| name.to_string()).collect();
        names.join(",")
    }

    #[test]
    fn only_what_skipped_arguments_alone_speak_of_does_not_tell_answers_apart() {
        let cases = [
            ("fn f<T, const N: usize>(a: T)", 1, "T,N"),
            ("fn f(a: impl Id, db: impl Executor)", 1, "Argument1"),
            ("fn f<D, E>(db: E, id: u64) where E: Executor<Database = D>", 0, ""),
            ("fn f<E: Executor<D>, D>(id: E, db: D)", 1, "E,D"),
            ("fn f<'a>(a: &'a str)", 1, ""),
            ("fn f<F, Fut>(id: u64, load: F) where F: FnOnce(u64) -> Fut, Fut: Future<Output = u64>", 1, ""),
            ("fn f<K: Kind, F: Fn(&K)>(id: u64, load: F)", 1, ""),
            ("fn f<K: Kind>(id: u64, load: fn())", 1, "K"),
        ];
        for (function, keyed, expected) in cases {
            assert_eq!(telling_apart(function, keyed), expected, "{function}");
        }
    }

    #[test]
    fn predicates_about_parameters_that_are_left_out_are_left_out() {
        let generics = generics("fn f<T, E>(id: T, db: E) where T: Id, E: Executor", 1);

        assert_eq!(generics.constraints(Which::TellingApart).unwrap().to_string(), "where T : Id");
        assert_eq!(generics.parameters(Which::TellingApart, &quote!()).unwrap().to_string(), "< T >");
        assert_eq!(generics.turbofish(Which::All).unwrap().to_string(), ":: < T , E >");
    }

    #[test]
    fn what_has_a_lifetime_in_its_bounds_may_be_borrowed() {
        let cases = [
            ("fn f(db: impl Executor<'_>)", true),
            ("fn f(db: impl Executor + '_)", true),
            ("fn f<'c>(db: impl Executor<'c>)", true),
            ("fn f<'c, E: Executor<'c>>(db: E)", true),
            ("fn f<'c, E>(db: E) where E: Send + Executor<'c>", true),
            ("fn f<'c, E>(db: Option<E>) where E: 'c", true),
            ("fn f(db: impl Iterator<Item = &str>)", true),
            ("fn f(db: impl Executor)", false),
            ("fn f(db: impl for<'a> Fn(&'a str) -> &'a str)", false),
            ("fn f(db: impl Fn(&str))", false),
            ("fn f<E>(db: E) where for<'c> E: Executor<'c>", false),
            ("fn f<'c, E: Executor<'c> + 'static>(db: E)", false),
            ("fn f(db: impl Executor<&'static str>)", false),
        ];
        for (function, expected) in cases {
            let signature: Signature = syn::parse_str(function).unwrap();
            let Some(syn::FnArg::Typed(input)) = signature.inputs.first() else { panic!("{function}") };
            let mut types = [Type::clone(&input.ty)];
            let generics = Generics::of(&signature, &mut types);
            assert_eq!(generics.may_borrow(&types[0]), expected, "{function}");
        }
    }

    #[test]
    fn what_is_generated_has_the_lifetimes_that_it_speaks_of_and_no_others() {
        let generics = generics("fn f<'a, 'b: 'a, T: Id<'b>>(id: T, db: &'a Db) where 'b: 'static", 1);

        let parameters =
            |which, arguments: &TokenStream| generics.parameters(which, arguments).unwrap().to_string();
        assert_eq!(parameters(Which::TellingApart, &quote!(id: T)), "< 'b , T : Id < 'b > >");
        assert_eq!(parameters(Which::All, &quote!(id: T, db: &'a Db)), "< 'a , 'b : 'a , T : Id < 'b > >");
        assert!(generics.constraints(Which::TellingApart).is_none());
    }

    #[test]
    fn lifetimes_that_are_left_out_get_a_name() {
        let lifetime = parse_quote!('hc);
        for (ty, expected) in [
            ("(u64, &str)", "(u64 , & 'hc str)"),
            ("Cow<'_, str>", "Cow < 'hc , str >"),
            ("&'static str", "& 'static str"),
            ("fn(&str) -> u8", "fn (& str) -> u8"),
        ] {
            let ty: Type = syn::parse_str(ty).unwrap();
            assert_eq!(with_lifetimes_named(&ty, &lifetime).to_token_stream().to_string(), expected);
        }
    }
}
