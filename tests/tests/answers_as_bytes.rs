//! What becomes of answers on their way through bytes: they come back as they were, or are computed again.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use hybrid_cache::{
    Stats, cached, flush,
    testing::{Store, World},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What `program` returns in a process of its own, whose answers are all stored by then.
async fn in_process<F: Future>(redis: &Store, program: F) -> F::Output {
    World::new()
        .redis(redis)
        .enter(async {
            let output = program.await;
            flush().await;
            output
        })
        .await
}

/// The answers to these calls, in one process and in the next, and what the next one counted.
macro_rules! in_two_processes {
    ($function:ident, [$($argument:expr),* $(,)?]) => {{
        let redis = Store::new();
        // Stored one after the other: the first one decides whether values of its type can be.
        let first = in_process(&redis, async { [$({ let answer = $function($argument).await; flush().await; answer }),*] });
        let first = first.await;
        let here = in_process(&redis, async { ([$($function($argument).await),*], $function::stats()) }).await;
        (first, here.0, here.1)
    }};
}

fn loads_and_hits(stats: &Stats) -> (u64, u64) {
    (stats.loads(), stats.redis_hits())
}

#[tokio::test]
async fn a_field_that_serde_skips_keeps_a_function_in_memory_and_its_stats_say_so() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct User {
        id: u8,
        #[serde(skip)]
        roles: Vec<String>,
    }
    #[cached(layers = "mem,redis")]
    async fn user(id: u8) -> Arc<User> {
        Arc::new(User { id, roles: vec!["admin".into()] })
    }
    let redis = Store::new();
    let stats = in_process(&redis, async {
        user(1).await;
        flush().await;
        user(2).await;
        flush().await;
        (user::stats(), hybrid_cache::stats())
    })
    .await;
    assert_eq!(
        (stats.0.unkept_answers(), stats.0.lost_byte_layers()),
        (1, 1),
        "the second was not even tried"
    );
    assert_eq!(stats.1.lost_byte_layers(), 1);
    assert!(stats.0.to_string().contains("memory only"), "{}", stats.0);
    let there = in_process(&redis, async { user(1).await }).await;
    assert_eq!(there.roles, ["admin"]);
}

#[tokio::test]
async fn what_is_lost_of_a_later_answer_only_is_found_out_too() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Basket {
        #[serde(skip)]
        discount: u8,
        items: Vec<u8>,
    }
    #[cached(layers = "mem,redis")]
    async fn basket(n: u8) -> Basket {
        Basket { discount: n / 10, items: vec![n] }
    }
    let (first, second, stats) = in_two_processes!(basket, [1, 2, 30, 4]);
    assert_eq!(first, second);
    assert_eq!(stats.redis_hits(), 2, "what was stored before it is as good as it was");
}

#[tokio::test]
async fn a_field_that_is_left_out_of_some_answers_only_costs_these_alone_their_copies() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Page {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<u8>,
        left: u8,
        right: u8,
    }
    #[cached(layers = "mem,redis")]
    async fn page(n: u8) -> Page {
        Page { title: n.is_multiple_of(2).then_some(1), left: n, right: n }
    }
    let (first, second, stats) = in_two_processes!(page, [0, 1, 2, 3]);
    assert_eq!(first, second);
    assert_eq!(loads_and_hits(&stats), (2, 2));
}

#[tokio::test]
async fn sets_and_maps_of_enums_are_found_by_the_next_process() {
    #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    enum Right {
        Read,
        Write(u8),
        Admin { until: u64 },
    }
    type Rights = HashSet<Right>;
    #[cached(layers = "mem,redis")]
    async fn rights(n: u8) -> (Rights, HashMap<Right, Vec<Rights>>) {
        let set =
            || HashSet::from([Right::Read, Right::Write(n), Right::Write(1), Right::Admin { until: 9 }]);
        let map = set().into_iter().map(|right| (right, vec![set(), HashSet::new(), set()]));
        (set(), map.collect())
    }
    let (first, second, stats) = in_two_processes!(rights, [2, 3, 4, 5]);
    assert_eq!(first, second);
    assert_eq!(loads_and_hits(&stats), (0, 4));
}

#[tokio::test]
async fn an_answer_that_cannot_be_compared_or_is_no_number_is_kept() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Opaque(u8);
    #[cached(layers = "mem,redis")]
    async fn opaque(n: u8) -> Opaque {
        Opaque(n)
    }
    #[cached(layers = "mem,redis")]
    async fn ratio(n: u8) -> f64 {
        f64::from(n) / 0.0
    }
    assert_eq!(loads_and_hits(&in_two_processes!(opaque, [1]).2), (0, 1));
    assert_eq!(loads_and_hits(&in_two_processes!(ratio, [0]).2), (0, 1));
}

#[tokio::test]
async fn a_panic_in_serialize_costs_no_call_its_answer_and_no_other_answer_its_copy() {
    #[derive(Clone, Debug, PartialEq, Deserialize)]
    struct Fragile(u8);
    impl Serialize for Fragile {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 % 2 == 1 {
                resume_unwind(Box::new("on purpose"));
            }
            serializer.serialize_newtype_struct("Fragile", &self.0)
        }
    }
    #[cached(layers = "mem,redis")]
    async fn fragile(n: u8) -> Fragile {
        Fragile(n)
    }
    // Where memory is bounded by size, that is asked of `Serialize` too.
    #[cached(layers = "mem", max_bytes = "1MiB")]
    async fn measured(n: u8) -> Fragile {
        Fragile(n)
    }
    let (first, second, stats) = in_two_processes!(fragile, [1, 2, 3, 4]);
    assert_eq!((&first, &second), (&[1, 2, 3, 4].map(Fragile), &[1, 2, 3, 4].map(Fragile)));
    assert_eq!(loads_and_hits(&stats), (2, 2));
    assert_eq!((stats.unkept_answers(), stats.lost_byte_layers()), (2, 0));
    assert_eq!(in_two_processes!(measured, [1, 2]).1, [1, 2].map(Fragile));
}

/// Whether reading a [`Strict`] panics.
static STRICT: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Strict(u8);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        if STRICT.load(SeqCst) {
            resume_unwind(Box::new("on purpose"));
        }
        Ok(Self(number))
    }
}

#[tokio::test]
async fn a_panic_in_deserialize_is_a_refused_record() {
    mod stored {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(super) struct Wrapped(pub(super) super::Strict);
    }
    use stored::Wrapped;
    #[cached(layers = "redis")]
    async fn strict(n: u8) -> Wrapped {
        Wrapped(Strict(n))
    }
    let redis = Store::new();
    in_process(&redis, async { strict(7).await }).await;
    STRICT.store(true, SeqCst);
    let stats = in_process(&redis, async {
        assert_eq!(strict::peek(7).await, None);
        assert_eq!(strict(7).await, Wrapped(Strict(7)));
        strict::expire(7).await.strict().unwrap();
        strict::stats()
    })
    .await;
    assert_eq!((stats.loads(), stats.refused_records()), (1, 2));
    assert_eq!(stats.unkept_answers(), 1, "what could not be read again was not stored again");
}

/// How often something was read as a [`Counted`].
static READINGS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Counted {
    number: u8,
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READINGS.fetch_add(1, SeqCst);
        u8::deserialize(deserializer).map(|number| Self { number })
    }
}

#[tokio::test]
async fn nothing_of_a_record_is_read_that_another_version_or_type_wrote() {
    mod before {
        use super::*;
        #[cached(layers = "redis", name = "numbers.of_a_version")]
        pub(super) async fn of_a_version(n: u8) -> Counted {
            Counted { number: n }
        }
        #[cached(layers = "redis", name = "numbers.of_a_type")]
        pub(super) async fn of_a_type(n: u8) -> u8 {
            n
        }
    }
    mod after {
        use super::*;
        #[cached(layers = "redis", name = "numbers.of_a_version", version = 2)]
        pub(super) async fn of_a_version(n: u8) -> Counted {
            Counted { number: n }
        }
        #[cached(layers = "redis", name = "numbers.of_a_type")]
        pub(super) async fn of_a_type(n: u8) -> Counted {
            Counted { number: n }
        }
    }
    let redis = Store::new();
    in_process(&redis, async { (before::of_a_version(1).await, before::of_a_type(1).await) }).await;
    READINGS.store(0, SeqCst);
    let refused = in_process(&redis, async {
        assert_eq!(after::of_a_version::peek(1).await, None);
        assert_eq!(after::of_a_type::peek(1).await, None);
        hybrid_cache::stats().refused_records()
    })
    .await;
    assert_eq!((refused, READINGS.load(SeqCst)), (2, 0));
}

#[tokio::test]
async fn an_answer_that_is_too_deep_for_bytes_stays_in_memory_and_the_others_do_not() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Part {
        of: Option<Box<Part>>,
    }
    #[cached(layers = "mem,redis")]
    async fn part(depth: u32) -> Part {
        (0..depth).fold(Part { of: None }, |part, _| Part { of: Some(Box::new(part)) })
    }
    let (first, second, stats) = in_two_processes!(part, [1_000, 3]);
    assert_eq!(first, second);
    assert_eq!(loads_and_hits(&stats), (1, 1));
    assert_eq!((stats.unkept_answers(), stats.lost_byte_layers()), (1, 0));
}

#[tokio::test]
async fn an_answer_that_moved_to_another_module_is_found_and_one_that_changed_is_not() {
    mod here {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(super) struct Product {
            pub(super) id: u8,
        }
        #[hybrid_cache::cached(layers = "redis", name = "moved")]
        pub(super) async fn moved(id: u8) -> std::collections::BTreeMap<u8, Product> {
            std::collections::BTreeMap::from([(id, Product { id })])
        }
    }
    mod there {
        use super::*;
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct Product {
            pub(super) id: u8,
        }
        #[cached(layers = "redis", name = "moved")]
        pub(super) async fn moved(id: u8) -> BTreeMap<u8, Product> {
            unreachable!("{id} is stored")
        }
    }
    mod changed {
        use super::*;
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct Product {
            pub(super) number: u8,
        }
        #[cached(layers = "redis", name = "moved")]
        pub(super) async fn moved(id: u8) -> BTreeMap<u8, Product> {
            BTreeMap::from([(id, Product { number: 100 })])
        }
    }
    let redis = Store::new();
    in_process(&redis, here::moved(7)).await;
    assert_eq!(in_process(&redis, there::moved(7)).await[&7].id, 7);
    assert_eq!(in_process(&redis, changed::moved(7)).await[&7].number, 100);
}

#[tokio::test]
async fn what_may_be_borrowed_for_ever_comes_back_owned() {
    #[cached(layers = "mem,redis")]
    async fn motto(id: u8) -> Cow<'static, str> {
        if id == 0 { Cow::Borrowed("none") } else { Cow::Owned(format!("motto {id}")) }
    }
    let (first, second, stats) = in_two_processes!(motto, [0, 1]);
    assert_eq!((first, second), (["none", "motto 1"].map(Cow::from), ["none", "motto 1"].map(Cow::from)));
    assert_eq!(loads_and_hits(&stats), (0, 2));

    // Where the layers are those of the environment, the compiler is asked whether they could be kept as bytes.
    #[cached]
    async fn motto_anywhere(id: u8) -> Option<Cow<'static, str>> {
        (id == 0).then_some(Cow::Borrowed("none"))
    }
    assert_eq!(motto_anywhere(0).await, Some(Cow::Borrowed("none")));
}
