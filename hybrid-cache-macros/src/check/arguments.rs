//! Types of arguments that can be written into a key and should not be: equal values would be written differently.
//!
//! Goes by the spelling of the type: an alias hides what it stands for.

use syn::{
    Type, TypePath,
    visit::{self, Visit},
};

use super::{Input, Rule};
use crate::function::Argument;

pub(super) const RULES: &[Rule] = &[order_of_its_own];

/// What is equal whatever its order and is serialised in that order, with the type to take instead. (The keys of maps and
/// the elements of a `HashSet` are sorted in ours. These are not: a function may go by their order.)
const UNORDERED: [(&str, &str); 2] = [("IndexSet", "a `BTreeSet`"), ("BinaryHeap", "a sorted `Vec`")];

fn order_of_its_own(input: Input<'_>) -> Vec<syn::Error> {
    let arguments = input.function.arguments.iter().filter(|argument| is_written(input, argument));
    arguments
        .filter_map(|argument| {
            let (ty, name, instead) = unordered_in(&argument.ty)?;
            let argument = &argument.name;
            Some(syn::Error::new_spanned(
                ty,
                format!(
                    "equal `{name}`s can differ in their order, so equal arguments would have different keys; take \
                     {instead}, leave the argument out with `skip({argument})`, or name what matters of it in `key = \"..\"`"
                ),
            ))
        })
        .collect()
}

/// Whether the argument itself stands in the key, and not only fields of it.
fn is_written(Input { args, .. }: Input<'_>, argument: &Argument) -> bool {
    match &args.key {
        Some(key) => key.places().any(|place| place.fields.is_empty() && argument.is_named(&place.argument)),
        None => !args.skips_whole(argument) && !args.is_malformed("key") && !args.is_malformed("skip"),
    }
}

fn unordered_in(ty: &Type) -> Option<(&TypePath, &'static str, &'static str)> {
    let mut search = Unordered { found: None };
    search.visit_type(ty);
    search.found
}

struct Unordered<'ast> {
    found: Option<(&'ast TypePath, &'static str, &'static str)>,
}

impl<'ast> Visit<'ast> for Unordered<'ast> {
    fn visit_type_path(&mut self, path: &'ast TypePath) {
        let last = path.path.segments.last();
        let unordered = UNORDERED.into_iter().find(|(name, _)| last.is_some_and(|last| last.ident == name));
        match unordered {
            Some((name, instead)) if self.found.is_none() => self.found = Some((path, name, instead)),
            _ => visit::visit_type_path(self, path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unordered(ty: &str) -> Option<&'static str> {
        unordered_in(&syn::parse_str(ty).unwrap()).map(|(_, name, _)| name)
    }

    #[test]
    fn what_has_an_order_of_its_own_is_found_wherever_it_is_spelled() {
        let set = Some("IndexSet");
        for ty in [
            "IndexSet<u8>",
            "&IndexSet<u8>",
            "Vec<indexmap::IndexSet<u8, S>>",
            "Option<(u8, &[IndexSet<u8>])>",
        ] {
            assert_eq!(unordered(ty), set, "{ty}");
        }
        assert_eq!(unordered("Arc<BinaryHeap<u8>>"), Some("BinaryHeap"));
        for ty in ["BTreeSet<u8>", "HashSet<u8>", "HashMap<u8, u8>", "Vec<u8>", "IndexSetting"] {
            assert_eq!(unordered(ty), None, "{ty}");
        }
    }
}
