//! `#[cached]` on functions of every shape it takes: they compile without warnings, under lints that say a lot, and
//! the second call is answered without the body.

#![warn(missing_docs, unreachable_pub, dead_code, clippy::pedantic)]

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hybrid_cache::cached;
use serde::{Deserialize, Serialize};

/// Something that any layer can keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    name: String,
}

/// Something that only memory can keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing(String);

/// An error that cannot be cloned.
#[derive(Debug, PartialEq, Eq)]
pub struct NotFound;

type Found<T> = Result<T, NotFound>;
type MaybeProduct = Option<Product>;

fn product_named(name: &str) -> Product {
    Product { name: name.to_owned() }
}

/// Finds a product.
///
/// # Errors
///
/// If `id` is zero.
#[cached(layers = "mem", ttl = 300, ttl(mem = "2m"), jitter = 0.1, capacity = 10_000, version = 2)]
pub async fn product(id: u64, lang: &str) -> Result<Product, NotFound> {
    if id == 0 {
        return Err(NotFound);
    }
    Ok(product_named(&format!("{id} in {lang}")))
}

#[tokio::test]
async fn companions_see_and_change_what_the_function_answers() {
    let first = product(1, "en").await;

    assert_eq!(first, product::uncached(1, "en").await);
    assert_eq!(product::peek(1, "en").await, first.ok());
    assert!(product::invalidate(1, "en").await.strict().is_ok());
    assert_eq!(product::peek(1, "en").await, None);

    product::put(1, "en", product_named("put")).await;
    assert_eq!(product(1, "en").await, Ok(product_named("put")));
    assert_eq!(product::refresh(1, "en").await, Ok(product_named("1 in en")));
    assert_eq!(product(1, "en").await, Ok(product_named("1 in en")));

    assert!(product::invalidate_all().await.strict().is_ok());
    assert_eq!(product::peek(1, "en").await, None);
    assert!(product::key(1, "en").as_str().ends_with(":id=1,lang=en"));
}

#[tokio::test]
async fn question_marks_and_returns_of_the_body_keep_their_meaning() {
    /// # Errors
    ///
    /// If `id` is zero.
    #[cached(layers = "mem")]
    async fn question(id: u64) -> Found<MaybeProduct> {
        fn positive(id: u64) -> Found<u64> {
            if id == 0 { Err(NotFound) } else { Ok(id) }
        }
        let id = positive(id)?;
        if id == 1 {
            return Ok(None);
        }
        Ok(Some(product_named("more")))
    }

    assert_eq!(question(0).await, Err(NotFound));
    assert_eq!(question(1).await, Ok(None));
    assert_eq!(question(2).await, Ok(Some(product_named("more"))));
}

#[tokio::test]
async fn an_alias_of_a_result_is_recognised_so_that_errors_are_not_kept() {
    static CALLS: AtomicU64 = AtomicU64::new(0);

    #[cached(layers = "mem")]
    async fn second_time_lucky() -> Found<u64> {
        if CALLS.fetch_add(1, Relaxed) == 0 { Err(NotFound) } else { Ok(7) }
    }

    assert_eq!(second_time_lucky().await, Err(NotFound));
    assert_eq!(second_time_lucky().await, Ok(7));
    assert_eq!(second_time_lucky().await, Ok(7));
    assert_eq!(CALLS.load(Relaxed), 2);
}

#[tokio::test]
async fn an_alias_of_an_option_is_recognised_so_that_none_is_kept_for_none_ttl() {
    static CALLS: AtomicU64 = AtomicU64::new(0);

    #[cached(layers = "mem", none_ttl = 0)]
    async fn second_time_lucky() -> Found<MaybeProduct> {
        let first = CALLS.fetch_add(1, Relaxed) == 0;
        Ok((!first).then(|| product_named("found")))
    }

    assert_eq!(second_time_lucky().await, Ok(None));
    assert_eq!(second_time_lucky().await, Ok(Some(product_named("found"))));
    second_time_lucky().await.unwrap();
    assert_eq!(CALLS.load(Relaxed), 2);
}

#[tokio::test]
async fn borrowed_arguments_of_every_kind_are_lent_to_the_body_and_part_of_the_key() {
    #[cached(layers = "mem")]
    async fn drawn(
        tags: &[u32],
        path: &Path,
        lang: Option<&str>,
        other: Option<&Product>,
        this: &Product,
        title: &'static str,
    ) -> Drawing {
        Drawing(format!("{tags:?} {} {lang:?} {other:?} {this:?} {title}", path.display()))
    }

    let this = product_named("this");
    let (path, other) = (Path::new("a"), Some(&this));
    let full = drawn(&[1, 2], path, Some("en"), other, &this, "t").await;
    let bare = drawn(&[], path, None, None, &this, "t").await;

    assert_eq!(full, drawn::uncached(&[1, 2], path, Some("en"), other, &this, "t").await);
    assert_eq!(drawn::peek(&[1, 2], path, Some("en"), other, &this, "t").await, Some(full));
    assert_eq!(drawn::peek(&[], path, None, None, &this, "t").await, Some(bare));
    assert_eq!(drawn::peek(&[1], path, None, None, &this, "t").await, None);
}

#[tokio::test]
async fn lifetimes_of_the_function_are_repeated_in_the_companions() {
    #[cached(layers = "mem")]
    async fn longest<'a, 'b: 'a>(one: &'a str, other: &'b str) -> usize {
        let longer: &'a str = if one.len() > other.len() { one } else { other };
        longer.len()
    }

    assert_eq!(longest("a", "bc").await, 2);
    assert_eq!(longest::refresh("a", "bc").await, 2);
    assert_eq!(longest::peek("a", "bc").await, Some(2));
}

#[tokio::test]
async fn a_body_may_call_its_own_function() {
    #[cached(layers = "mem")]
    async fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1).await + fibonacci(n - 2).await }
    }

    let answer = tokio::spawn(fibonacci(50)).await.unwrap();

    assert_eq!(answer, 12_586_269_025);
    assert_eq!(fibonacci::stats().loads(), 51);
}

#[tokio::test]
async fn a_key_is_written_as_its_template_says() {
    #[cached(layers = "mem", key = "user:{user.name}:{r#type}", skip(db), companion = Described)]
    async fn described(db: &Arc<AtomicU64>, user: &Product, r#type: u8) -> Arc<str> {
        db.fetch_add(1, Relaxed);
        format!("{user:?} {type}").into()
    }

    let calls = Arc::new(AtomicU64::new(0));
    let (ann, bob) = (product_named("ann"), product_named("bob"));
    let first = described(&calls, &ann, 3).await;

    assert_eq!(described(&Arc::default(), &ann, 3).await, first);
    assert_eq!(described(&calls, &bob, 3).await, Described::uncached(&Arc::default(), &bob, 3).await);
    assert_eq!(calls.load(Relaxed), 2);
    assert!(Described::key(&ann, 3).as_str().ends_with(":user:ann:3"), "{}", Described::key(&ann, 3));
}

#[tokio::test]
async fn arguments_may_have_any_name() {
    #[cached(layers = "mem")]
    async fn sum(value: u8, key: u8, answer: u8, result: u8, self_: u8, r#fn: u8, _unused: u8) -> u8 {
        value + key + answer + result + self_ + r#fn
    }

    assert_eq!(sum(1, 2, 3, 4, 5, 6, 7).await, 21);
    sum::put(1, 2, 3, 4, 5, 6, 7, 0).await;
    assert_eq!(sum(1, 2, 3, 4, 5, 6, 7).await, 0);
    let key = sum::key(1, 2, 3, 4, 5, 6, 7);
    assert!(key.as_str().ends_with(":_unused=7,answer=3,fn=6,key=2,result=4,self_=5,value=1"), "{key}");
}

mod shadowed {
    //! A module in which everything means something else.
    #![expect(dead_code, non_camel_case_types, reason = "these are here to be in the way")]

    struct Option;
    struct String;
    struct Vec;
    struct Box;
    struct Some;
    struct Send;
    struct Future;
    type u64 = u8;
    type Result<T> = ::std::result::Result<T, ()>;
    mod std {}
    mod core {}
    mod hybrid_cache {}

    #[::hybrid_cache::cached(layers = "mem", ttl = "5m")]
    pub(super) async fn doubled(number: u64) -> Result<u64> {
        Ok(number * 2)
    }
}

#[tokio::test]
async fn a_module_that_shadows_the_prelude_is_no_obstacle() {
    assert_eq!(shadowed::doubled(4).await, Ok(8));
    assert_eq!(shadowed::doubled::peek(4).await, Some(8));
}

mod under_another_name {
    //! As if the crate were called differently in Cargo.toml.
    pub(crate) use hybrid_cache as memo;
}

#[tokio::test]
async fn the_runtime_may_be_known_under_another_name() {
    #[cached(layers = "mem", crate = under_another_name::memo)]
    async fn one() -> u64 {
        1
    }

    assert_eq!(one().await, 1);
    assert_eq!(one::peek().await, Some(1));
}

const LIFE: Duration = Duration::from_secs(7);

/// Everything about an answer's life, over an alias that hides what is returned.
///
/// # Errors
///
/// If the source refuses.
#[cached(
    layers = "mem",
    ttl = LIFE,
    stale = "60s",
    stale_if_error = LIFE,
    refresh_ahead = "xfetch",
    none_ttl = 1,
    err_ttl = LIFE,
    cache_if = Option::is_some,
    ttl_by = <Product as Perishable>::life,
    wait = LIFE,
    deadline = "5s",
    max_loads = 2,
)]
pub async fn perishable(id: u64) -> Lookup {
    if id == 0 { Err(Refused) } else { Ok(Some(product_named("fresh"))) }
}

type Lookup = Result<MaybeProduct, Refused>;

/// An error that can be kept and can tell of a deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused;

impl From<hybrid_cache::DeadlineExceeded> for Refused {
    fn from(_: hybrid_cache::DeadlineExceeded) -> Self {
        Self
    }
}

trait Perishable {
    fn life(answer: &MaybeProduct) -> Duration;
}

impl Perishable for Product {
    fn life(answer: &MaybeProduct) -> Duration {
        answer.as_ref().map_or(Duration::ZERO, |product| Duration::from_secs(product.name.len() as u64))
    }
}

#[tokio::test]
async fn every_option_of_an_answers_life_goes_with_every_other() {
    assert_eq!(perishable(0).await, Err(Refused));
    assert_eq!(perishable(1).await, Ok(Some(product_named("fresh"))));
    assert_eq!(perishable::peek(1).await, Some(Some(product_named("fresh"))));
    assert!(perishable::expire(1).await.strict().is_ok());
}

/// After half of its life it is computed anew.
#[cached(layers = "mem", refresh_ahead = 0.5, err_ttl = 0)]
async fn renewed(id: u64) -> Found<u64> {
    if id == 0 { Err(NotFound) } else { Ok(id) }
}

#[tokio::test]
async fn an_error_that_is_not_kept_need_not_be_clone() {
    assert_eq!(renewed(0).await, Err(NotFound));
    assert_eq!(renewed(1).await, Ok(1));
}

mod neighbours {
    //! Other attributes above and below.

    use super::{LIFE, cached};

    #[tracing::instrument]
    #[cached(layers = "mem", ttl = LIFE)]
    #[allow(clippy::no_effect_underscore_binding, reason = "also for the body")]
    pub(super) async fn above(number: u64) -> u64 {
        let _ignored = 1;
        number
    }

    #[cached(layers = "mem")]
    #[tracing::instrument]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "one of the two functions that this becomes would not fulfil it"
    )]
    #[must_use]
    pub(super) async fn below(text: String) -> usize {
        text.len()
    }

    #[cfg(any())]
    #[cached]
    async fn cut_out_above() -> Missing {
        Missing
    }

    #[cached]
    #[cfg(any())]
    async fn cut_out_below() -> Missing {
        Missing
    }
}

#[tokio::test]
async fn other_attributes_keep_their_meaning() {
    assert_eq!(neighbours::above(1).await, 1);
    assert_eq!(neighbours::below("four".to_owned()).await, 4);
    assert_eq!(neighbours::below::peek("four".to_owned()).await, Some(4));
}

#[tokio::test]
async fn futures_of_the_function_and_its_companions_can_be_spawned() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }

    // Of its own: another test forgets all that `product` has answered.
    #[cached(layers = "mem")]
    async fn item(id: u64, lang: &str) -> Result<Product, NotFound> {
        Ok(product_named(&format!("{id} in {lang}")))
    }

    sendable(item(9, "en")).await.unwrap();
    sendable(item::peek(9, "en")).await.unwrap();
    sendable(item::refresh(9, "en")).await.unwrap();
    sendable(item::put(9, "en", product_named("nine"))).await;
    sendable(item::expire(9, "en")).await;
    sendable(item::invalidate(9, "en")).await;
    sendable(item::uncached(9, "en")).await.unwrap();
}

#[cached]
async fn motto(number: u64) -> Result<&'static str, String> {
    Ok(if number == 0 { "none" } else { "some" })
}

#[tokio::test]
async fn an_answer_with_a_static_borrow_stays_in_memory_where_no_layers_are_named() {
    assert_eq!(motto(0).await, Ok("none"));
    assert_eq!(motto(0).await, Ok("none"));
    assert_eq!((motto::stats().loads(), motto::stats().memory_hits()), (1, 1));
}

mod of_one_name {
    /// In a module, so that the path says more than the function's own name.
    pub(crate) mod shop {
        #[hybrid_cache::cached(layers = "mem", name = "attribute.shared")]
        pub(crate) async fn price(id: u64) -> u64 {
            id
        }
    }

    /// The other one, a method.
    pub(crate) struct Stock;

    impl Stock {
        #[hybrid_cache::cached(layers = "mem", name = "attribute.shared")]
        pub(crate) async fn count(id: u64) -> u64 {
            id
        }
    }
}

#[test]
fn two_functions_of_one_name_are_told_apart_in_the_log_by_where_they_stand() {
    let (log, runtime) = (Log::default(), tokio::runtime::Builder::new_current_thread().enable_all().build());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    tracing::subscriber::with_default(subscriber.finish(), || {
        runtime.unwrap().block_on(async {
            of_one_name::shop::price(1).await;
            of_one_name::Stock::count(1).await;
        });
    });

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("two cached functions have the same name"), "{log}");
    for (path, name) in
        [("of_one_name::shop::price", "async fn price"), ("of_one_name::Stock", "async fn count")]
    {
        let mut source = include_str!("attribute.rs").lines();
        let function = source.position(|line| line.contains(&format!("{name}(id: u64) -> u64"))).unwrap();
        // Counted from one, and the attribute stands in the line before.
        assert!(log.contains(&format!("{path} ({}:{function})", file!())), "{log}");
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
