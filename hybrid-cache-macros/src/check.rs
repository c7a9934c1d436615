//! Every rule, one small function each. All broken rules are reported at once.
//!
//! To add a rule: a function in the file it belongs to, a line in that file's list, and an ui test.

mod arguments;
mod key;
mod layers;
mod neighbours;
mod options;
mod signature;
mod tags;

use proc_macro2::Span;

use crate::{args::Args, function::Function, layer::Features, value};

/// One use of the attribute.
#[derive(Debug, Clone, Copy)]
struct Input<'a> {
    args: &'a Args,
    function: &'a Function,
    features: Features,
}

/// The errors of those who break it.
type Rule = fn(Input<'_>) -> Vec<syn::Error>;

/// `malformed` are the options that could not even be read; they are reported with the rest.
pub(crate) fn all(malformed: Vec<syn::Error>, args: &Args, function: &Function) -> syn::Result<()> {
    let input = Input { args, function, features: Features::OF_THIS_BUILD };
    value::combined(malformed.into_iter().chain(broken(input))).map_or(Ok(()), Err)
}

fn broken(input: Input<'_>) -> impl Iterator<Item = syn::Error> {
    // In a trait it cannot stand, whatever else there is to say.
    let in_a_trait = signature::in_a_trait(input);
    let elsewhere = in_a_trait.is_empty();
    let rules = [
        signature::RULES,
        layers::RULES,
        options::RULES,
        key::RULES,
        arguments::RULES,
        tags::RULES,
        neighbours::RULES,
    ]
    .into_iter()
    .flatten()
    .filter(move |_| elsewhere);
    in_a_trait.into_iter().chain(rules.flat_map(move |rule| rule(input)))
}

fn error(span: Span, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new(span, message)
}

/// The items that an earlier item is equal to.
fn repeated<'a, T, K: PartialEq>(items: &'a [T], key: impl Fn(&T) -> K + 'a) -> impl Iterator<Item = &'a T> {
    items.iter().enumerate().filter_map(move |(at, item)| {
        let mut earlier = items.iter().take(at);
        earlier.any(|other| key(other) == key(item)).then_some(item)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Features = Features { redis: true, disk: true, moka: true };
    const NONE: Features = Features { redis: false, disk: false, moka: false };

    fn messages(args: &str, function: &str, features: Features) -> Vec<String> {
        let (args, malformed) = Args::parse(args.parse().unwrap());
        assert!(malformed.is_empty(), "{malformed:?}");
        let mut function = Function::parse(&function.parse().unwrap()).unwrap();
        function.heed(&args);
        broken(Input { args: &args, function: &function, features }).map(|error| error.to_string()).collect()
    }

    #[test]
    fn what_keeps_all_rules_has_no_errors() {
        let cases = [
            ("", "async fn f() -> u64 { 1 }"),
            (
                "",
                "pub async fn f<'a>(id: u64, lang: &'a str, tag: Option<&[u8]>) -> Result<Option<u8>, E> { 1 }",
            ),
            (
                "",
                "async fn f(name: &'static str, call: fn(&str) -> u64, c: Box<dyn Fn(&str)>) -> &'static str { name }",
            ),
            ("layers = \"redis,disk\", ttl(disk = 5)", "async fn f() -> Result<(), E> { 1 }"),
            ("key = \"{a}{b.0}\", skip(c)", "async fn f(a: u8, b: (u8, u8), c: &Db) -> u64 { 1 }"),
            (
                "inline, stale_if_error = 1, err_ttl = 0, skip(c)",
                "async fn f(a: &[&str], b: Cow<'_, str>, c: Ctx<'_>) -> Result<u64, E> { 1 }",
            ),
            (
                "stale = 1, refresh_ahead = \"xfetch\", deadline = 60, wait = 1, layers = \"mem,redis\", err_ttl = 1",
                "async fn f() -> Result<u64, E> { 1 }",
            ),
            (
                "skip(r#type), none_ttl = 0, jitter = 0, name = \"a.b-c_d\"",
                "async fn f(r#type: u8) -> u64 { 1 }",
            ),
        ];
        for (args, function) in cases {
            assert_eq!(messages(args, function, ALL), Vec::<String>::new(), "{args}: {function}");
        }
    }

    #[test]
    fn all_broken_rules_are_reported_at_once() {
        let messages = messages(
            "layers = \"disk,mem,mem,tape\", ttl = 0, jitter = 1.0, capacity = 0, skip(nobody), stale = 0, inline, \
             refresh_ahead = 1.0, wait = 0, deadline = \"0s\", stale_if_error = 0, max_loads = 0",
            "unsafe fn price(&self, _: u64) {}",
            ALL,
        );

        assert_eq!(messages.len(), 21, "{messages:#?}");
    }

    #[test]
    fn a_layer_whose_feature_is_off_names_the_line_for_cargo_toml() {
        let function = "async fn f() -> u64 { 1 }";
        let messages = messages("layers = \"mem,redis,disk\"", function, NONE);

        assert_eq!(messages.len(), 2, "{messages:#?}");
        assert_eq!(
            messages[0],
            "layer `redis` needs the feature `redis` of hybrid-cache; in Cargo.toml: \
             hybrid-cache = { version = \"0.1\", features = [\"redis\"] }"
        );
        assert_eq!(self::messages("ttl(disk = 5)", function, NONE).len(), 1);
        assert_eq!(self::messages("layers = \"mem\", ttl(mem = 5)", function, NONE).len(), 0);
    }

    #[test]
    fn an_argument_is_in_the_key_or_skipped() {
        let function = "async fn f(id: u64, db: Db) -> u64 { 1 }";

        assert!(
            messages("key = \"{id}\"", function, ALL)[0].starts_with("`db` is in neither `key` nor `skip`")
        );
        assert_eq!(messages("key = \"{id}\", skip(db)", function, ALL).len(), 0);
        assert_eq!(messages("skip(db)", function, ALL).len(), 0);
    }

    #[test]
    fn a_skip_that_cannot_be_read_is_not_held_against_the_arguments() {
        let (args, malformed) = Args::parse("key = \"{id}\", skip = db".parse().unwrap());
        let function = Function::parse(&"async fn f(id: u64, db: Db) -> u64 { 1 }".parse().unwrap()).unwrap();

        let errors = all(malformed, &args, &function).unwrap_err();

        assert_eq!(errors.into_iter().count(), 1);
    }
}
