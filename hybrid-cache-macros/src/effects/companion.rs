//! How the companions of a cached function are called, given the function's path.

use std::mem;

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
/// parsed::<T>      parsed::invalidate::<T>      parsed::__PARAMETERS
/// Repo::product    Repo::product_invalidate     Repo::__product_PARAMETERS
/// ```
pub(super) fn path(of: &ExprPath, companion: Companion) -> ExprPath {
    let mut path = of.clone();
    let Some(function) = path.path.segments.last_mut() else { return path };
    let arguments = mem::replace(&mut function.arguments, PathArguments::None);
    let arguments = if companion.is_of_an_answer() { arguments } else { PathArguments::None };
    if is_method(of) {
        function.ident = companion.of_method(&function.ident);
        function.arguments = arguments;
    } else {
        let ident = companion.of_function(&function.ident);
        path.path.segments.push(PathSegment { ident, arguments });
    }
    path
}

/// Whether the path is that of a method or an associated function. Goes by the spelling: types begin with an
/// upper-case letter, modules do not.
pub(super) fn is_method(of: &ExprPath) -> bool {
    let owner = of.path.segments.iter().rev().nth(1);
    let owner = owner.map(|owner| owner.ident.unraw().to_string());
    of.qself.is_some() || owner.is_some_and(|owner| owner.starts_with(char::is_uppercase))
}

/// Whether types may stand in the path that mean something in their place only.
pub(super) fn names_types(path: &ExprPath) -> bool {
    let mut segments = path.path.segments.iter();
    path.qself.is_some() || segments.any(|segment| segment.ident == "Self" || !segment.arguments.is_none())
}

impl Companion {
    /// Whether it has the type parameters of the function.
    fn is_of_an_answer(self) -> bool {
        matches!(self, Self::Invalidate | Self::Put)
    }

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
            ("parsed::<u8>", "parsed::invalidate::<u8>", "parsed::__PARAMETERS"),
            ("Repo::<A>::of::<u8>", "Repo::<A>::of_invalidate::<u8>", "Repo::<A>::__of_PARAMETERS"),
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
