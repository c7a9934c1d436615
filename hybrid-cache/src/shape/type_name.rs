//! The fingerprint of a type by its name: all that can be known of a type before there is a value of it.

use std::any::type_name;

use twox_hash::XxHash3_64;

/// The fingerprint of the name of `T`.
///
/// Modules are left out, as two services that share answers have their types in different ones; so is what is written
/// as what stands in it, `Box`, `Arc` and `Rc`. The compiler may spell a name otherwise one day: then what is stored is a
/// miss once.
pub(crate) fn of_type<T: ?Sized>() -> u64 {
    XxHash3_64::oneshot(as_written(type_name::<T>()).as_bytes())
}

/// `alloc::vec::Vec<alloc::sync::Arc<shop::Product>>` is `[Product]`.
fn as_written(name: &str) -> String {
    // A type in the body of an async function stands in a closure, as the compiler sees it; lifetimes tell nothing apart.
    let name = name.replace("{{closure}}::", "").replace("'_, ", "").replace("<'_>", "");
    let mut written = String::with_capacity(name.len());
    // What closes each `<` that is open.
    let mut closing = Vec::new();
    let mut rest = name.as_str();
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()));
        if let Some(behind) = behind.strip_prefix("::") {
            // A module.
            rest = behind;
            continue;
        }
        let mut behind = behind.chars();
        let (word, next) = match (word, behind.next()) {
            ("Box" | "Arc" | "Rc", Some('<')) => {
                closing.push("");
                ("", "")
            }
            // The elements of both come one behind the other.
            ("Vec", Some('<')) => {
                closing.push("]");
                ("", "[")
            }
            (word, Some('<')) => {
                closing.push(">");
                (word, "<")
            }
            (word, Some('>')) if !written.ends_with('-') => (word, closing.pop().unwrap_or(">")),
            (word, _) => (word, rest.get(word.len()..rest.len() - behind.as_str().len()).unwrap_or_default()),
        };
        written.push_str(if word == "String" { "str" } else { word });
        written.push_str(next);
        rest = behind.as_str();
    }
    written
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use std::{
        borrow::Cow,
        collections::{BTreeMap, HashMap},
        rc::Rc,
        sync::Arc,
    };

    use super::*;

    mod old {
        pub(super) struct Product;
    }
    mod new {
        pub(super) struct Product;
        pub(super) struct Account;
    }

    #[test]
    fn a_type_in_another_module_has_the_same_one() {
        assert_eq!(of_type::<old::Product>(), of_type::<new::Product>());
        assert_eq!(of_type::<Option<old::Product>>(), of_type::<Option<new::Product>>());
        assert_ne!(of_type::<new::Account>(), of_type::<new::Product>());
    }

    #[test]
    fn what_is_written_as_what_stands_in_it_has_the_same_one() {
        assert_eq!(of_type::<Vec<Arc<old::Product>>>(), of_type::<Box<[Rc<new::Product>]>>());
        assert_eq!(of_type::<Arc<Option<Box<u8>>>>(), of_type::<Option<u8>>());
        assert_eq!(of_type::<Arc<str>>(), of_type::<String>());
        assert_ne!(of_type::<Option<u8>>(), of_type::<u8>());
    }

    #[test]
    fn other_parameters_make_another_one() {
        assert_ne!(of_type::<BTreeMap<u8, u16>>(), of_type::<BTreeMap<u16, u8>>());
        assert_ne!(of_type::<(u8, Vec<u16>)>(), of_type::<(u8, u16)>());
        assert_ne!(of_type::<[u8; 3]>(), of_type::<[u8; 4]>());
    }

    #[test]
    fn names_of_every_form_are_read_to_their_end() {
        for (name, expected) in [
            ("u8", "u8"),
            ("alloc::vec::Vec<alloc::sync::Arc<shop::Product>>", "[Product]"),
            ("(shop::A, &[shop::B; 3])", "(A, &[B; 3])"),
            ("fn(a::A) -> alloc::boxed::Box<b::B>", "fn(A) -> B"),
            ("dyn core::ops::Fn(a::A) -> b::B + core::marker::Send", "dyn Fn(A) -> B + Send"),
            ("a::f::{{closure}}::B", "B"),
            ("my::Vector<my::Boxed<u8>>", "Vector<Boxed<u8>>"),
            (">>", ">>"),
        ] {
            assert_eq!(as_written(name), expected, "{name}");
        }
        for name in [type_name::<Cow<'_, str>>(), type_name::<HashMap<String, &'static [u8]>>()] {
            assert!(!as_written(name).contains("::"), "{name}");
        }
    }
}
