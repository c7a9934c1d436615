//! What the macro emits, to be read: `effects/snapshots/*.rs`. `UPDATE_EXPECT=1 cargo test -p hybrid-cache-macros`
//! rewrites them.

use expect_test::{ExpectFile, expect_file};

use super::{Effect, expansion};

fn check(effect: Effect, args: &str, item: &str, expected: &ExpectFile) {
    let tokens = expansion(effect, args.parse().unwrap(), &item.parse().unwrap());
    let pretty = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    expected.assert_eq(&format!("// #[{name}({args})]\n// {item}\n\n{pretty}", name = effect.name()));
}

#[test]
fn two_answers_and_a_function() {
    check(
        Effect::Invalidates,
        "product(id = user.id, lang = &user.lang), Repo::count(shop, \"all\"), all(list)",
        "#[doc = \" Saves.\"] pub async fn save(user: User, shop: &str) -> Result<(), DbError> \
         { db::save(user).await?; Ok(()) }",
        &expect_file!["snapshots/invalidates.rs"],
    );
}

#[test]
fn an_answer_put_in_by_a_plain_method() {
    check(
        Effect::Updates,
        "product(user.id), crate = crate::memo",
        "fn save(&self, user: User) -> Answer<impl Display> { db::save(user) }",
        &expect_file!["snapshots/updates.rs"],
    );
}
