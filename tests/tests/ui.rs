//! What the compiler shows for each mistake: one file of `hybrid-cache-macros/tests/ui` each, with what is expected.
//!
//! After a message was changed on purpose: `TRYBUILD=overwrite cargo test -p hybrid-cache-tests --test ui`, and read
//! the difference.

#[test]
fn every_mistake_is_explained_at_the_word_to_change() {
    trybuild::TestCases::new().compile_fail("../hybrid-cache-macros/tests/ui/*.rs");
}
