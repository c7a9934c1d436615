//! What the macro emits, to be read: `src/snapshots/*.rs`. `UPDATE_EXPECT=1 cargo test -p hybrid-cache-macros` rewrites them.

use expect_test::{ExpectFile, expect_file};

use crate::{args::Args, expand, function::Function};

fn check(args: &str, item: &str, expected: &ExpectFile) {
    let (args, malformed) = Args::parse(args.parse().unwrap());
    assert!(malformed.is_empty(), "{malformed:?}");
    let mut function = Function::parse(&item.parse().unwrap()).unwrap();
    function.heed(&args);
    let tokens = expand::cached(&args, &function);
    let pretty = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    expected.assert_eq(&format!("// #[cached({args})]\n// {item}\n\n{pretty}", args = args.source));
}

#[test]
fn the_smallest() {
    check("", "async fn answer() -> u64 { 42 }", &expect_file!["snapshots/smallest.rs"]);
}

#[test]
fn a_product() {
    check(
        "layers = \"mem,redis,disk\", ttl = 300",
        "pub async fn product(id: u64, lang: &str) -> Result<Product, DbError> { db::product(id, lang).await }",
        &expect_file!["snapshots/product.rs"],
    );
}

#[test]
fn every_option() {
    check(
        "layers = \"mem\", ttl = config::LIFE, ttl(mem = \"90s\"), jitter = 0.1, capacity = 10_000, eviction = \"s3fifo\", \
         key = \"user:{id}:{user.lang}\", skip(db), name = \"shop.greeting\", version = 2, none_ttl = 10, \
         err_ttl = config::PAUSE, stale = \"60s\", stale_if_error = config::LONG, refresh_ahead = 0.8, \
         cache_if = worth_keeping, ttl_by = Greeting::life, wait = \"5s\", deadline = \"2s\", max_loads = 16, \
         companion = Greetings, crate = crate::memo",
        "async fn greeting(db: &Db, user: &User, id: u64) -> Result<Option<String>, Failure> { Ok(None) }",
        &expect_file!["snapshots/every_option.rs"],
    );
}

#[test]
fn inline() {
    check(
        "inline, skip(shop)",
        "async fn greeting(shop: &Shop<'_>, names: &[&str]) -> String { shop.greet(names) }",
        &expect_file!["snapshots/inline.rs"],
    );
}

#[test]
fn attributes_and_lifetimes() {
    check(
        "layers = \"mem\"",
        "#[cfg(unix)] #[expect(clippy::ptr_arg)] #[inline] pub(crate) async fn longest<'a>(r#in: &'a String, _x: Option<&str>) \
         -> usize where 'a: 'a { r#in.len() }",
        &expect_file!["snapshots/attributes_and_lifetimes.rs"],
    );
}

#[test]
fn a_method_of_a_generic_type_that_is_not_async() {
    let (args, item) = (
        "layers = \"mem,disk\", key = \"{self.tenant}:{id}\"",
        "pub fn price(&self, id: impl Id + Serialize) -> Result<Money, NoPrice> { self.find(id) }",
    );
    let (parsed, malformed) = Args::parse(args.parse().unwrap());
    assert!(malformed.is_empty(), "{malformed:?}");
    let mut function = Function::parse(&item.parse().unwrap()).unwrap();
    function.heed(&parsed);
    let tokens = expand::cached(&parsed, &function);
    let pretty = prettyplease::unparse(&syn::parse2(quote::quote!(impl<B> Shop<B> { #tokens })).unwrap());
    expect_file!["snapshots/method.rs"].assert_eq(&format!("// #[cached({args})]\n// {item}\n\n{pretty}"));
}
