//! Where a function stands: beside other items, or in an `impl` block, where no struct can be declared.
//!
//! An attribute is given the function and nothing around it. A receiver, or `Self`, tells an `impl`. A function without
//! either looks like a free one; and an `impl` of a type looks, from inside, like that of a trait. So the source file is
//! asked, if there is one: which braces are open where the function stands? If it cannot be asked (the function was
//! written by a macro; an editor expands it), what the function itself tells has to do, and `in_impl` says the rest.

mod source;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use proc_macro2::Span;

/// What is around a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A module, or the body of another function.
    Free,
    /// `impl Type { .. }`.
    Impl,
    /// `impl Trait for Type { .. }`.
    TraitImpl,
    /// `trait Trait { .. }`.
    Trait,
}

impl Place {
    /// What the source file says of what stands at `span`, with what an `impl` is generic over; `None` if it cannot be asked.
    pub(crate) fn of(span: Span) -> Option<(Self, Vec<String>)> {
        if !proc_macro::is_available() {
            return None;
        }
        let span = span.unwrap();
        let source = text(span.local_file()?)?;
        let header = source::innermost_header(&source, span.line(), span.column())?;
        Some((Self::after(&header), source::parameters(&header)))
    }

    /// Inside of braces that `header` stands in front of.
    fn after(header: &str) -> Self {
        let mut words =
            header.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        let item = words
            .find(|word| !matches!(*word, "pub" | "crate" | "unsafe" | "default" | "in" | "super" | "self"));
        match item {
            Some("trait") => Self::Trait,
            Some("impl") if source::without_brackets(header).split_whitespace().any(|word| word == "for") => {
                Self::TraitImpl
            }
            Some("impl") => Self::Impl,
            _ => Self::Free,
        }
    }

    /// Whether companions are siblings of the function.
    pub(crate) const fn is_in_impl(self) -> bool {
        !matches!(self, Self::Free)
    }
}

/// The text of a source file, read once: a crate may have hundreds of functions in it.
fn text(path: PathBuf) -> Option<Arc<str>> {
    static READ: Mutex<Option<HashMap<PathBuf, Option<Arc<str>>>>> = Mutex::new(None);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let files = read.get_or_insert_default();
    let text = files.entry(path).or_insert_with_key(|path| std::fs::read_to_string(path).ok().map(Arc::from));
    text.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_front_of_the_braces_tells_where_one_is() {
        let cases = [
            ("impl Repo", Place::Impl),
            ("impl<T: Into<u8>> Repo<T> where T: Clone", Place::Impl),
            ("impl<F> Repo<F> where for<'a> F: Fn(&'a str)", Place::Impl),
            ("unsafe impl<'a> Store for Repo<'a>", Place::TraitImpl),
            ("impl<T> Store<for<'a> fn(&'a T)> for Repo", Place::TraitImpl),
            ("pub(crate) trait Store: Send", Place::Trait),
            ("mod shop", Place::Free),
            ("pub async fn implement(&self) -> u64", Place::Free),
            ("", Place::Free),
        ];
        for (header, expected) in cases {
            assert_eq!(Place::after(header), expected, "{header}");
        }
    }
}
