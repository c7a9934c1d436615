//! Other attributes above and below, and functions in functions.

#![allow(clippy::unused_async, reason = "what is tested is the shape")]

use hybrid_cache::cached;
use tracing::instrument;

/// Above.
#[instrument]
#[cached(layers = "mem")]
async fn above(id: u64) -> u64 {
    id + 1
}

/// Below.
#[cached(layers = "mem")]
#[instrument(skip(id))]
pub(crate) async fn below(id: u64) -> u64 {
    id + 1
}

#[tokio::test]
async fn spans_may_be_above_and_below() {
    assert_eq!((above(1).await, below(1).await), (2, 2));
    assert_eq!((above::peek(1).await, below::peek(1).await), (Some(2), Some(2)));
}

#[tokio::test]
async fn functions_of_one_name_in_different_bodies_have_names_of_their_own() {
    fn first() -> String {
        #[cached(layers = "mem")]
        async fn inner(id: u64) -> u64 {
            id
        }
        inner::key(1).to_string()
    }
    async fn second() -> String {
        #[cached(layers = "mem")]
        async fn inner(id: u64) -> u64 {
            id
        }
        inner(1).await;
        inner::key(1).to_string()
    }
    let (first, second) = (first(), second().await);
    assert!(first.ends_with("first.inner:id=1") && second.ends_with("second.inner:id=1"), "{first} {second}");
}

struct Outer;

impl Outer {
    fn method_with_a_function_in_it() -> String {
        #[cached(layers = "mem")]
        async fn inner(id: u64) -> u64 {
            id
        }
        inner::key(1).to_string()
    }
}

#[test]
fn a_function_in_the_body_of_a_method_is_no_method() {
    assert!(Outer::method_with_a_function_in_it().ends_with("inner:id=1"));
}
