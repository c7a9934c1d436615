//! How the companions of a cached function are called, given the function's path.

use quote::format_ident;
use syn::{ExprPath, Ident, PathArguments, PathSegment, ext::IdentExt as _};

/// A companion of any cached function.
#[derive(Debug, Clone, Copy)]
pub(super) enum Companion {
    Invalidate,
    InvalidateAll,
    Put,
    /// The names of its parameters that stand in the key.
    Parameters,
}

/// ```text
/// product          product::invalidate          product::__PARAMETERS
/// shop::product    shop::product::invalidate    shop::product::__PARAMETERS
/// Repo::product    Repo::product_invalidate     Repo::__product_PARAMETERS
/// ```
pub(super) fn path(of: &ExprPath, companion: Companion) -> ExprPath {
    let mut path = of.clone();
    let method = is_method(of);
    let Some(last) = path.path.segments.last_mut() else { return path };
    if method {
        last.ident = companion.of_method(&last.ident);
    } else {
        let ident = companion.of_function(&last.ident);
        path.path.segments.push(PathSegment { ident, arguments: PathArguments::None });
    }
    path
}

/// Goes by the spelling: types begin with an upper-case letter, modules do not.
fn is_method(of: &ExprPath) -> bool {
    let owner = of.path.segments.iter().rev().nth(1);
    let owner = owner.map(|owner| owner.ident.unraw().to_string());
    of.qself.is_some() || owner.is_some_and(|owner| owner.starts_with(char::is_uppercase))
}

impl Companion {
    fn of_function(self, function: &Ident) -> Ident {
        let name = match self {
            Self::Invalidate => "invalidate",
            Self::InvalidateAll => "invalidate_all",
            Self::Put => "put",
            Self::Parameters => "__PARAMETERS",
        };
        Ident::new(name, function.span())
    }

    fn of_method(self, method: &Ident) -> Ident {
        let (name, span) = (method.unraw(), method.span());
        match self {
            Self::Invalidate => format_ident!("{name}_invalidate", span = span),
            Self::InvalidateAll => format_ident!("{name}_invalidate_all", span = span),
            Self::Put => format_ident!("{name}_put", span = span),
            Self::Parameters => format_ident!("__{name}_PARAMETERS", span = span),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_of_functions_and_of_methods_are_called_differently() {
        let cases = [
            ("product", "product::invalidate", "product::__PARAMETERS"),
            (
                "crate::shop::product",
                "crate::shop::product::invalidate",
                "crate::shop::product::__PARAMETERS",
            ),
            ("Repo::product", "Repo::product_invalidate", "Repo::__product_PARAMETERS"),
            ("shop::Repo::r#type", "shop::Repo::type_invalidate", "shop::Repo::__type_PARAMETERS"),
            ("Self::product", "Self::product_invalidate", "Self::__product_PARAMETERS"),
            ("<Repo<u8>>::product", "<Repo<u8>>::product_invalidate", "<Repo<u8>>::__product_PARAMETERS"),
        ];
        for (of, invalidate, parameters) in cases {
            let of: ExprPath = syn::parse_str(of).unwrap();
            let spelled = |companion| super::super::args::spelled(&path(&of, companion));
            assert_eq!(spelled(Companion::Invalidate), invalidate);
            assert_eq!(spelled(Companion::Parameters), parameters);
        }
    }
}
