//! A hit in memory takes nothing from the heap and gives nothing back, and so does writing its key.
//!
//! In a program of its own because it counts every allocation; only those of its own thread, so what the cache does
//! in the background is not part of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::sleep,
    time::Duration,
};

use allocation_counter::{AllocationInfo, measure};
use futures_util::FutureExt as _;
use hybrid_cache::cached;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Product {
    name: String,
}

/// An answer that is shared, as large ones should be.
#[cached(layers = "mem")]
async fn product(id: u64, lang: &str) -> Arc<Product> {
    Arc::new(Product { name: format!("number {id} in {lang}") })
}

/// One that can fail, of one number.
#[cached(layers = "mem")]
async fn by_number(id: u64) -> Result<Arc<Product>, std::io::Error> {
    Ok(Arc::new(Product { name: format!("number {id}") }))
}

/// One for which some arguments are absent, and are more than one kind.
#[cached(layers = "mem")]
async fn of_many_kinds(id: i32, flag: bool, lang: Option<&str>, letter: char) -> Option<Arc<str>> {
    Some(format!("{id} {flag} {lang:?} {letter}").into())
}

/// One with a key of its own.
#[cached(layers = "mem", key = "{lang}/{id}", skip(db))]
async fn with_a_template(db: &Arc<str>, id: u64, lang: &str) -> Arc<str> {
    format!("{db} {id} {lang}").into()
}

#[tokio::test]
async fn a_hit_in_memory_allocates_nothing_and_frees_nothing() {
    let db: Arc<str> = "db".into();
    product(42, "en").await;
    by_number(42).await.unwrap();
    of_many_kinds(-42, true, Some("en"), 'x').await;
    of_many_kinds(-42, true, None, 'ß').await;
    with_a_template(&db, 42, "en").await;

    let taken = measure(|| {
        for _ in 0..200 {
            product(42, "en").now_or_never().unwrap();
            by_number(42).now_or_never().unwrap().unwrap();
            of_many_kinds(-42, true, Some("en"), 'x').now_or_never().unwrap();
            of_many_kinds(-42, true, None, 'ß').now_or_never().unwrap();
            with_a_template(&db, 42, "en").now_or_never().unwrap();
        }
    });

    assert_eq!(taken, AllocationInfo::default());
    let stats = [product::stats(), by_number::stats(), with_a_template::stats()];
    assert!(stats.iter().all(|stats| stats.loads() == 1 && stats.memory_hits() == 200), "{stats:?}");
}

#[tokio::test]
async fn hits_allocate_nothing_for_as_long_as_they_go_on() {
    #[cached(layers = "mem")]
    async fn square(id: u64) -> Arc<u64> {
        Arc::new(id * id)
    }
    square(3).await;
    // Over a second and more: what is done only now and then is also part of a hit if a caller has to do it.
    for _ in 0..30 {
        sleep(Duration::from_millis(50));
        let taken = measure(|| {
            for _ in 0..500 {
                square(3).now_or_never().unwrap();
            }
        });
        assert_eq!(taken, AllocationInfo::default());
    }
}

#[tokio::test]
async fn hits_among_ten_thousand_entries_allocate_nothing() {
    #[cached(layers = "mem", capacity = 20_000)]
    async fn square(id: u64) -> Arc<u64> {
        Arc::new(id * id)
    }
    for id in 0..10_000 {
        square(id).await;
    }
    let taken = measure(|| {
        for id in 0..10_000 {
            assert_eq!(*square(id).now_or_never().unwrap(), id * id);
        }
    });
    assert_eq!(taken, AllocationInfo::default());
}

/// Counts how often it is made owned.
#[derive(Debug, serde::Serialize)]
struct Counted(u64);

static MADE_OWNED: AtomicUsize = AtomicUsize::new(0);

impl Clone for Counted {
    fn clone(&self) -> Self {
        MADE_OWNED.fetch_add(1, SeqCst);
        Self(self.0)
    }
}

#[cached(layers = "mem")]
async fn of_borrowed(text: &str, counted: &Counted) -> Arc<str> {
    format!("{text} {}", counted.0).into()
}

#[tokio::test]
async fn arguments_are_made_owned_when_a_load_starts_and_never_by_a_hit() {
    let (text, counted) = ("a text that does not fit into a few bytes".repeat(3), Counted(7));
    of_borrowed(&text, &counted).await;
    assert_eq!(MADE_OWNED.load(SeqCst), 1);

    let taken = measure(|| {
        for _ in 0..200 {
            of_borrowed(&text, &counted).now_or_never().unwrap();
        }
    });

    assert_eq!((taken, MADE_OWNED.load(SeqCst)), (AllocationInfo::default(), 1));
}

#[derive(Clone)]
struct Shop<B> {
    tenant: u32,
    backend: B,
}

impl<B: Clone + Send + Sync + ToString + 'static> Shop<B> {
    #[cached(layers = "mem", key = "{self.tenant}:{id}")]
    async fn price(&self, id: u64) -> Arc<str> {
        format!("{id} from {}", self.backend.to_string()).into()
    }
}

#[cached(layers = "mem")]
async fn of_any<T: ToString + serde::Serialize + Send + 'static, const N: usize>(
    id: T,
    (a, b): (u8, u8),
) -> Arc<str> {
    format!("{} {N} {a} {b}", id.to_string()).into()
}

#[cached(layers = "mem")]
fn blocking(id: u64) -> Arc<u64> {
    Arc::new(id)
}

#[tokio::test]
async fn a_hit_of_a_method_a_generic_or_a_blocking_function_allocates_nothing() {
    let (one, two) = (Shop { tenant: 1, backend: 'a' }, Shop { tenant: 1, backend: 2_u8 });
    assert_eq!((&*one.price(7).await, &*two.price(7).await), ("7 from a", "7 from 2"));
    of_any::<u64, 3>(1, (2, 3)).await;
    of_any::<&str, 4>("1", (2, 3)).await;
    blocking(1);

    let taken = measure(|| {
        for _ in 0..200 {
            one.price(7).now_or_never().unwrap();
            two.price(7).now_or_never().unwrap();
            of_any::<u64, 3>(1, (2, 3)).now_or_never().unwrap();
            of_any::<&str, 4>("1", (2, 3)).now_or_never().unwrap();
            blocking(1);
        }
    });

    assert_eq!(taken, AllocationInfo::default());
    assert_eq!((of_any::stats().loads(), blocking::stats().loads()), (2, 1));
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(Box::new(1))).count_total, 1);
}
