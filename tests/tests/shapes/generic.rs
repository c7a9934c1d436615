//! Functions with type and constant parameters, named and not.

use std::fmt::Debug;

use hybrid_cache::{
    cached, flush,
    testing::{Store, World},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::Runs;

trait Kind {
    const NAME: &'static str;
}

struct Round;
struct Square;

impl Kind for Round {
    const NAME: &'static str = "round";
}

impl Kind for Square {
    const NAME: &'static str = "square";
}

#[cached(layers = "mem")]
async fn drawn<K: Kind, const SIDES: usize>(size: u32) -> String {
    format!("{} with {SIDES} sides, {size} wide", K::NAME)
}

#[cached(layers = "mem")]
async fn shown(value: impl Debug + Serialize + Send + 'static) -> String {
    format!("{value:?}")
}

#[cached(layers = "mem")]
async fn parsed<T>(text: &str) -> Result<T, T::Err>
where
    T: std::str::FromStr<Err: Send> + Clone + Send + Sync + 'static,
{
    text.parse()
}

#[cached]
async fn decoded<T: Serialize + DeserializeOwned + Default + Clone + Send + Sync + 'static>(
    id: u8,
) -> Option<T> {
    (id > 0).then(T::default)
}

trait Executor: Send + Sync + 'static {
    fn run(&self) -> u64;
}

#[derive(Clone)]
struct Pool(u64);
struct Connection;

impl Executor for Pool {
    fn run(&self) -> u64 {
        self.0
    }
}

impl Executor for Connection {
    fn run(&self) -> u64 {
        2
    }
}

static QUERIES: Runs = Runs::none();

#[cached(layers = "mem", skip(db))]
async fn queried(db: impl Executor, id: u64) -> u64 {
    QUERIES.one_more();
    db.run() + id
}

#[cached(layers = "mem", key = "row {id}", skip(db))]
async fn by_template<E, I>(db: &E, id: I) -> String
where
    E: Executor + Clone,
    I: Serialize + Debug + Send + 'static,
{
    format!("{id:?} of {}", db.run())
}

#[cached(layers = "mem")]
async fn padded<'a, const N: usize>(text: &'a str) -> usize
where
    'a: 'a,
{
    text.len() + N
}

#[tokio::test]
async fn types_and_constants_that_no_argument_speaks_of_tell_answers_apart() {
    assert_eq!(drawn::<Round, 0>(3).await, "round with 0 sides, 3 wide");
    assert_eq!(drawn::<Square, 4>(3).await, "square with 4 sides, 3 wide");
    assert_eq!(drawn::<Square, 5>(3).await, "square with 5 sides, 3 wide");

    assert_eq!(drawn::peek::<Square, 4>(3).await.as_deref(), Some("square with 4 sides, 3 wide"));
    let key = drawn::key::<Round, 0>(3).to_string();
    assert!(
        key.ends_with("drawn:K=shapes.generic.Round,SIDES='0',size=3")
            || key.ends_with("drawn:K=shapes.generic.Round,SIDES=0,size=3"),
        "{key}"
    );
    assert_eq!(drawn::stats().loads(), 3);
    drawn::invalidate_all().await;
    assert_eq!(drawn::peek::<Square, 4>(3).await, None);
    assert_eq!(drawn::peek::<Round, 0>(3).await, None);
}

#[tokio::test]
async fn arguments_without_a_named_type_are_cached_for_each_type() {
    assert_eq!(shown(1_u8).await, "1");
    assert_eq!(shown("one").await, "\"one\"");
    assert_eq!(shown(String::from("one")).await, "\"one\"");

    assert_eq!(shown::peek("one").await.as_deref(), Some("\"one\""));
    assert_eq!(shown::stats().loads(), 3);
    shown::invalidate("one").await;
    assert_eq!(shown::peek("one").await, None);
    assert!(shown::peek(String::from("one")).await.is_some());
    shown::invalidate_all().await;
    assert_eq!(shown::peek(1_u8).await, None);
    assert_eq!(shown::warm([1_u8, 2]).await.loaded(), 2);
}

#[tokio::test]
async fn generic_answers_are_kept_and_errors_among_them_are_not() {
    assert_eq!(parsed::<u64>("7").await, Ok(7));
    assert_eq!(parsed::<i8>("7").await, Ok(7));
    assert!(parsed::<u64>("x").await.is_err());

    assert_eq!(parsed::peek::<u64>("7").await, Some(7));
    assert_eq!(parsed::peek::<u64>("x").await, None);
    assert_eq!(decoded::<String>(1).await.as_deref(), Some(""));
    assert_eq!(decoded::<Vec<u8>>(1).await, Some(Vec::new()));
    assert_eq!(decoded::peek::<u64>(1).await, None);
}

#[tokio::test]
async fn a_type_that_only_skipped_arguments_have_makes_no_difference() {
    assert_eq!(queried(Pool(1), 1).await, 2);
    assert_eq!(queried(Connection, 1).await, 2);

    assert_eq!(QUERIES.count(), 1);
    queried::invalidate(1).await;
    assert_eq!(queried::peek(1).await, None);
    assert_eq!(by_template(&Pool(1), 5_u8).await, "5 of 1");
    assert_eq!(by_template::peek(5_u8).await.as_deref(), Some("5 of 1"));
    assert!(by_template::key(5_u8).to_string().ends_with(":I=u8,row%%205"), "{}", by_template::key(5_u8));
}

#[tokio::test]
async fn lifetimes_and_constants_stand_side_by_side() {
    let text = String::from("abc");
    assert_eq!(padded::<2>(&text).await, 5);
    assert_eq!(padded::<3>(&text).await, 6);
    assert_eq!(padded::peek::<2>(&text).await, Some(5));
}

#[cached(layers = "mem,redis", name = "shapes.stored")]
async fn stored<K: Kind>(id: u64) -> u64 {
    id + K::NAME.len() as u64
}

/// The same function in a program that only forgets.
mod elsewhere {
    use hybrid_cache::cached;

    #[cached(layers = "mem,redis", name = "shapes.stored")]
    pub(super) async fn stored<K: super::Kind>(id: u64) -> u64 {
        id + K::NAME.len() as u64
    }
}

#[tokio::test]
async fn all_instances_are_forgotten_by_a_process_that_has_used_none() {
    let redis = Store::new();
    let one = World::new().redis(&redis);
    one.enter(async {
        assert_eq!((stored::<Round>(1).await, stored::<Square>(1).await), (6, 7));
        flush().await;
    })
    .await;
    let restarted = World::new().redis(&redis);
    assert_eq!(restarted.enter(stored::peek::<Square>(1)).await, Some(7));

    let another = World::new().redis(&redis);
    assert!(another.enter(elsewhere::stored::invalidate_all()).await.strict().is_ok());

    let restarted = World::new().redis(&redis);
    assert_eq!(restarted.enter(stored::peek::<Round>(1)).await, None);
    assert_eq!(restarted.enter(stored::peek::<Square>(1)).await, None);
}

#[test]
fn an_instance_is_made_once_however_many_threads_are_first() {
    static LOADS: Runs = Runs::none();

    #[cached(layers = "mem")]
    fn slow<const N: usize>(id: usize) -> usize {
        LOADS.one_more();
        id + N
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (slow::<0>(1), slow::<1>(1), slow::<2>(1)));
        }
    });
    assert_eq!((LOADS.count(), slow::stats().loads()), (3, 3));
}

#[cached(layers = "mem", inline)]
async fn inline_of<T: Serialize>(value: &T) -> usize {
    size_of_val(value)
}

#[cached(layers = "mem")]
fn pages<'a>(pages: &[&'a str], of: &'a str) -> usize {
    pages.len() + of.len()
}

#[derive(Clone)]
struct View<'a>(&'a str);

impl<'a> View<'a> {
    #[cached(layers = "mem", key = "{self.0}:{other.0}")]
    fn together(&self, other: &View<'a>) -> usize {
        self.0.len() + other.0.len()
    }
}

#[cached(layers = "mem", skip(compute))]
async fn computed<F, Fut>(id: u64, compute: F) -> u64
where
    F: FnOnce(u64) -> Fut + Send + 'static,
    Fut: Future<Output = u64> + Send,
{
    compute(id).await
}

#[tokio::test]
async fn references_to_what_lives_shortly_can_be_arguments_where_the_body_stays_with_its_caller() {
    let text = String::from("text");
    assert_eq!(inline_of(&text.as_str()).await, size_of::<&str>());
    assert_eq!(pages(&[text.as_str()], &text), 5);
    assert_eq!(pages::peek(&[text.as_str()], &text), Some(5));
    pages::invalidate_many([(&[text.as_str()][..], text.as_str())]);
    assert_eq!(pages::peek(&[text.as_str()], &text), None);
    assert_eq!(View(&text).together(&View("ab")), 6);
    assert!(View(&text).together_key(&View("ab")).to_string().ends_with("View.together:text:ab"));
}

#[tokio::test]
async fn a_type_that_only_the_bounds_of_skipped_ones_speak_of_makes_no_difference() {
    assert_eq!(computed(1, |id| async move { id + 1 }).await, 2);
    assert_eq!(computed(1, |id| std::future::ready(id + 2)).await, 2);
    assert_eq!(computed::peek(1).await, Some(2));
}

/// Two types that the compiler calls by the same name.
fn of_one_name() -> (impl Kind, impl Kind) {
    (
        {
            struct Same;
            impl Kind for Same {
                const NAME: &'static str = "first";
            }
            Same
        },
        {
            struct Same;
            impl Kind for Same {
                const NAME: &'static str = "second";
            }
            Same
        },
    )
}

#[tokio::test]
async fn types_of_the_same_name_share_no_answers() {
    #[cached(layers = "redis")]
    async fn name_of<K: Kind>(id: u64) -> String {
        format!("{id} {}", K::NAME)
    }
    async fn ask<K: Kind>(_: K) -> String {
        let name = name_of::<K>(1).await;
        flush().await;
        name
    }
    let redis = Store::new();
    World::new()
        .redis(&redis)
        .enter(async {
            let (first, second) = of_one_name();
            assert_eq!((ask(first).await.as_str(), ask(second).await.as_str()), ("1 first", "1 second"));
        })
        .await;
}
