//! Arguments that are taken apart in the signature: `(a, b): (u64, u64)`. Knows patterns, and nothing of what they are for.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Pat, visit_mut, visit_mut::VisitMut};

/// The names that a pattern binds, from left to right.
pub(crate) fn bindings(pattern: &Pat) -> Vec<Ident> {
    match pattern {
        Pat::Ident(name) => {
            let below = name.subpat.iter().flat_map(|(_, below)| bindings(below));
            std::iter::once(name.ident.clone()).chain(below).collect()
        }
        Pat::Tuple(tuple) => tuple.elems.iter().flat_map(bindings).collect(),
        Pat::TupleStruct(tuple) => tuple.elems.iter().flat_map(bindings).collect(),
        Pat::Struct(fields) => fields.fields.iter().flat_map(|field| bindings(&field.pat)).collect(),
        Pat::Slice(slice) => slice.elems.iter().flat_map(bindings).collect(),
        Pat::Reference(reference) => bindings(&reference.pat),
        Pat::Paren(inner) => bindings(&inner.pat),
        Pat::Type(typed) => bindings(&typed.pat),
        _ => Vec::new(),
    }
}

/// The same pattern for a reference to what it takes apart: every name is a reference then.
///
/// `(mut a, &b)` is `(a, b)`.
pub(crate) fn by_reference(pattern: &Pat) -> Pat {
    let mut pattern = pattern.clone();
    Bare.visit_pat_mut(&mut pattern);
    pattern
}

struct Bare;

impl VisitMut for Bare {
    fn visit_pat_mut(&mut self, pattern: &mut Pat) {
        while let Pat::Reference(reference) = pattern {
            *pattern = Pat::clone(&reference.pat);
        }
        if let Pat::Ident(name) = pattern {
            (name.by_ref, name.mutability) = (None, None);
        }
        visit_mut::visit_pat_mut(self, pattern);
    }
}

/// The value that a pattern took apart, put together again: `Point { x, .. }` cannot be.
pub(crate) fn as_expression(pattern: &Pat) -> Option<TokenStream> {
    let all = |patterns: &syn::punctuated::Punctuated<Pat, syn::Token![,]>| {
        patterns.iter().map(as_expression).collect::<Option<Vec<_>>>()
    };
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            let name = &name.ident;
            Some(quote!(#name))
        }
        Pat::Tuple(tuple) => {
            let elements = all(&tuple.elems)?;
            Some(quote!((#(#elements,)*)))
        }
        Pat::TupleStruct(tuple) if tuple.qself.is_none() => {
            let (path, elements) = (&tuple.path, all(&tuple.elems)?);
            Some(quote!(#path(#(#elements),*)))
        }
        Pat::Struct(fields) if fields.qself.is_none() && fields.rest.is_none() => {
            let path = &fields.path;
            let members = fields.fields.iter().map(|field| {
                let (member, value) = (&field.member, as_expression(&field.pat)?);
                Some(quote!(#member: #value))
            });
            let members = members.collect::<Option<Vec<_>>>()?;
            Some(quote!(#path { #(#members),* }))
        }
        Pat::Slice(slice) => {
            let elements = all(&slice.elems)?;
            Some(quote!([#(#elements),*]))
        }
        Pat::Reference(reference) if reference.mutability.is_none() => {
            let inner = as_expression(&reference.pat)?;
            Some(quote!(&#inner))
        }
        Pat::Paren(inner) => as_expression(&inner.pat),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::parse::Parser as _;

    use super::*;

    fn pattern(text: &str) -> Pat {
        Pat::parse_single.parse_str(text).unwrap()
    }

    fn text(tokens: impl quote::ToTokens) -> String {
        tokens.to_token_stream().to_string().replace(' ', "")
    }

    #[test]
    fn a_pattern_is_read_by_reference_and_put_together_again() {
        let cases = [
            ("(mut a, &b)", "a,b", "(a,b)", Some("(a,&b,)")),
            ("Point { x, y: (z, _) }", "x,z", "Point{x,y:(z,_)}", None),
            ("Point { x, y: [a, b] }", "x,a,b", "Point{x,y:[a,b]}", Some("Point{x:x,y:[a,b]}")),
            ("Wrapped(ref inner)", "inner", "Wrapped(inner)", None),
            ("Point { x, .. }", "x", "Point{x,..}", None),
            ("whole @ (a, _)", "whole,a", "whole@(a,_)", None),
        ];
        for (written, names, read, again) in cases {
            let pattern = pattern(written);
            let bound: Vec<String> = bindings(&pattern).iter().map(ToString::to_string).collect();
            assert_eq!(bound.join(","), names, "{written}");
            assert_eq!(text(by_reference(&pattern)), read, "{written}");
            assert_eq!(as_expression(&pattern).map(text).as_deref(), again, "{written}");
        }
    }
}
