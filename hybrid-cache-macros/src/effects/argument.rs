//! An argument of an answer: an expression over the function's own arguments, asked before the body runs, which may
//! take them apart, and used afterwards.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Ident, UnOp};

use super::changer::Changer;
use crate::spelling::{Ends, placed};

/// How the value of an expression gets past the body.
pub(super) struct Taken<'a> {
    name: Ident,
    value: &'a Expr,
    way: Way,
}

enum Way {
    /// It is the same whenever it is asked for.
    Later,
    /// What it is made of is lent to the function, and as good after the body as before it.
    Cloned,
    /// What it is made of may be gone after the body: it is made owned, and lent again.
    Kept,
}

impl<'a> Taken<'a> {
    pub(super) fn new(changer: &Changer, name: Ident, value: &'a Expr) -> Self {
        let mentioned = mentioned(value.to_token_stream(), &|name| changer.is_argument(name));
        let lent = mentioned.iter().all(|name| changer.is_lent(name));
        let way = if is_constant(value) && lent {
            Way::Later
        } else if lent && !mentioned.is_empty() {
            Way::Cloned
        } else {
            Way::Kept
        };
        Self { name, value, way }
    }

    pub(super) fn before(&self, private: &TokenStream) -> TokenStream {
        let Self { name, value, way } = self;
        let ends = Ends::of(value);
        match way {
            Way::Later => TokenStream::new(),
            Way::Cloned => {
                let clone = placed(quote!(::core::clone::Clone::clone), ends);
                quote!(let #name = #clone(&(#value));)
            }
            Way::Kept => {
                let keep = placed(quote!(keep), ends);
                quote! {
                    let #name = {
                        #[allow(unused_imports)]
                        use #private::BeforeOwned as _;
                        #private::Before(&(#value)).#keep()
                    };
                }
            }
        }
    }

    pub(super) fn after(&self) -> TokenStream {
        let Self { name, value, way } = self;
        let ends = Ends::of(value);
        match way {
            Way::Later => value.to_token_stream(),
            Way::Cloned => placed(quote!(#name), ends),
            Way::Kept => placed(quote!(#name.get()), ends),
        }
    }
}

/// A literal; or a name, if it is not that of an argument, which the caller finds out.
fn is_constant(value: &Expr) -> bool {
    match value {
        Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && matches!(*unary.expr, Expr::Lit(_)),
        _ => false,
    }
}

/// The names in `tokens` that are arguments' names. (Some may be fields' names; then more is kept than needed.)
fn mentioned(tokens: TokenStream, is_argument: &dyn Fn(&Ident) -> bool) -> Vec<Ident> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) if is_argument(&name) => found.push(name),
            TokenTree::Group(group) => found.extend(mentioned(group.stream(), is_argument)),
            _ => {}
        }
    }
    found
}
