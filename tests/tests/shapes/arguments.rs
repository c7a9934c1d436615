//! Patterns, attributes and names of arguments.

#![allow(clippy::unused_async, reason = "what is tested is the shape")]

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use hybrid_cache::cached;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
struct Point {
    x: u32,
    y: u32,
    label: String,
}

fn point(x: u32) -> Point {
    Point { x, y: 2, label: "p".into() }
}

#[cached(layers = "mem")]
async fn counted_down(mut from: u64) -> u64 {
    let mut steps = 0;
    while from > 0 {
        from -= 1;
        steps += 1;
    }
    steps
}

#[cached(layers = "mem")]
async fn area((width, mut height): (u64, u64)) -> u64 {
    height += 1;
    width * height
}

#[cached(layers = "mem")]
async fn column(Point { x, .. }: Point) -> u32 {
    x
}

#[cached(layers = "mem", key = "{x}/{y}", skip(label))]
async fn named(Point { x, y, label }: Point) -> String {
    format!("{label} at {x},{y}")
}

#[cached(layers = "mem")]
async fn counted(ids: &HashSet<u64>, kinds: Vec<HashSet<u8>>) -> usize {
    ids.len() + kinds.len()
}

#[cached(layers = "mem", key = "{ids}")]
async fn counted_by_template(ids: HashSet<u64>) -> usize {
    ids.len()
}

#[cached(layers = "mem")]
async fn doubled(&number: &u64, [first, _]: [u8; 2]) -> u64 {
    number * 2 + u64::from(first)
}

#[cached(layers = "mem")]
#[allow(clippy::too_many_arguments, reason = "as many as there are names that might clash")]
async fn awkward(
    key: u8,
    cache: u8,
    result: u8,
    self_: u8,
    value: u8,
    answer: u8,
    r#type: u8,
    arguments: u8,
) -> u16 {
    [key, cache, result, self_, value, answer, r#type, arguments].map(u16::from).iter().sum()
}

#[cached(layers = "mem")]
async fn r#match(r#in: &str) -> usize {
    r#in.len()
}

#[cached(layers = "mem")]
async fn linted(
    #[allow(unused_variables, reason = "a shape")] id: u64,
    #[expect(unused_variables, reason = "a shape")] other: u8,
) -> u64 {
    7
}

#[cached(layers = "mem")]
async fn conditional(id: u64, #[cfg(any())] never: String, #[cfg(not(any()))] always: u8) -> u64 {
    id + u64::from(always)
}

#[cached(layers = "mem")]
async fn nothing() -> Arc<BTreeMap<String, Vec<u8>>> {
    Arc::new(BTreeMap::new())
}

#[tokio::test]
async fn a_mutable_argument_is_the_bodys_own() {
    assert_eq!(counted_down(3).await, 3);
    assert_eq!(counted_down::peek(3).await, Some(3));
}

#[tokio::test]
async fn an_argument_that_is_taken_apart_is_keyed_by_what_the_body_knows_of_it() {
    assert_eq!(area((2, 3)).await, 8);
    assert!(area::key((2, 3)).to_string().ends_with(":height=3,width=2"), "{}", area::key((2, 3)));
    assert_eq!(column(point(5)).await, 5);
    assert_eq!(column::peek(Point { y: 9, ..point(5) }).await, Some(5));
    assert!(named::key(point(1)).to_string().ends_with(":1/2"));
    assert_eq!(named(point(1)).await, "p at 1,2");
    assert_eq!(named::peek(Point { label: "other".into(), ..point(1) }).await.as_deref(), Some("p at 1,2"));
    assert_eq!(doubled(&4, [1, 2]).await, 9);
    assert_eq!(doubled::peek(&4, [1, 77]).await, Some(9));
}

#[tokio::test]
async fn no_name_of_an_argument_is_in_the_way() {
    assert_eq!(awkward(1, 2, 3, 4, 5, 6, 7, 8).await, 36);
    assert_eq!(awkward::peek(1, 2, 3, 4, 5, 6, 7, 8).await, Some(36));
    awkward::put(1, 2, 3, 4, 5, 6, 7, 8, 99).await;
    assert_eq!(awkward(1, 2, 3, 4, 5, 6, 7, 8).await, 99);
    awkward::invalidate_many([(1, 2, 3, 4, 5, 6, 7, 8)]).await;
    assert_eq!(awkward::peek(1, 2, 3, 4, 5, 6, 7, 8).await, None);
    assert_eq!(r#match("abc").await, 3);
    assert_eq!(r#match::peek("abc").await, Some(3));
}

#[tokio::test]
async fn attributes_of_arguments_are_heeded() {
    assert_eq!(linted(1, 2).await, 7);
    assert_eq!(conditional(1, 2).await, 3);
    assert!(conditional::key(1, 2).to_string().ends_with(":always=2,id=1"));
    assert!(Arc::ptr_eq(&nothing().await, &nothing().await));
    assert_eq!(nothing::peek().await.map(|map| map.len()), Some(0));
}

#[cached(layers = "mem")]
async fn shared(name: Arc<str>, list: &Arc<[u8]>, id: u8) -> usize {
    name.len() + list.len() + usize::from(id)
}

#[cached(layers = "mem", key = "{name}/{of}")]
async fn shared_by_template(name: Arc<str>, of: &Arc<Point>) -> usize {
    name.len() + of.label.len()
}

#[tokio::test]
async fn what_an_arc_points_to_stands_in_the_key_as_it_does_without() {
    let list: Arc<[u8]> = Arc::from([1, 2]);
    assert_eq!(shared("tea".into(), &list, 4).await, 9);
    assert!(shared::key("tea".into(), &list, 4).to_string().ends_with(":id=4,list=[1,2],name=tea"));
    assert_eq!(shared::peek(Arc::from("tea"), &Arc::from([1, 2]), 4).await, Some(9));
    assert_eq!(shared_by_template("tea".into(), &Arc::new(point(1))).await, 4);
    assert!(shared_by_template::key("tea".into(), &Arc::new(point(1))).to_string().contains(":tea/{x=1"));
}

#[tokio::test]
async fn sets_that_are_equal_have_one_key_in_whatever_order_they_come() {
    for _ in 0..16 {
        // Each set has an order of its own.
        let (ids, kinds) = ((0..32).collect(), (0..32).collect());
        assert_eq!(counted(&ids, vec![kinds]).await, 33);
        assert_eq!(counted_by_template(ids).await, 32);
    }
    assert_eq!((counted::stats().loads(), counted_by_template::stats().loads()), (1, 1));
}
