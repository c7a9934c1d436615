//! `#[invalidates]` and `#[updates]`: what becomes of cached answers when a function succeeds, and when it does not.

#![warn(missing_docs, unreachable_pub, dead_code, clippy::pedantic)]

use std::{
    error::Error,
    fmt,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use futures_util::poll;
use hybrid_cache::{
    cached, invalidates,
    testing::{Store, World, isolated},
    updates,
};
use tokio::{
    runtime::Builder,
    task::{LocalSet, yield_now},
};

#[derive(Clone, Debug, PartialEq, Default)]
struct Product {
    id: u64,
    lang: String,
    name: String,
}

impl Product {
    fn of(id: u64, lang: &str) -> Self {
        Self { id, lang: lang.to_owned(), name: "new".to_owned() }
    }
}

/// Only decides when a test that hangs is a failed test.
const PATIENCE: Duration = Duration::from_mins(1);

/// Not `Send`, as many errors are not.
type Failure = Box<dyn Error>;

#[cached(layers = "mem")]
async fn product(id: u64, lang: &str) -> Product {
    Product { name: "old".to_owned(), ..Product::of(id, lang) }
}

#[cached(layers = "mem")]
async fn found(id: u64, lang: Option<&str>) -> Option<Product> {
    lang.is_none().then(|| Product::of(id, "en"))
}

#[cached(layers = "mem")]
async fn shared(ids: Vec<u64>) -> Arc<Product> {
    Arc::new(Product { name: format!("{ids:?}"), ..Product::default() })
}

/// A module, as most cached functions are in one.
mod shop {
    use hybrid_cache::cached;

    #[cached(layers = "mem")]
    pub(crate) async fn count() -> u64 {
        7
    }
}

async fn fill() {
    product(1, "en").await;
    product(1, "de").await;
    product(2, "en").await;
    found(1, None).await;
    found(1, Some("en")).await;
    shared(vec![1, 2]).await;
    shop::count().await;
}

/// What is kept of that: `product` three times, `found` twice, `shared`, `count`.
async fn kept() -> String {
    [
        product::peek(1, "en").await.is_some(),
        product::peek(1, "de").await.is_some(),
        product::peek(2, "en").await.is_some(),
        found::peek(1, None).await.is_some(),
        found::peek(1, Some("en")).await.is_some(),
        shared::peek(vec![1, 2]).await.is_some(),
        shop::count::peek().await.is_some(),
    ]
    .map(|kept| if kept { 'x' } else { '.' })
    .iter()
    .collect()
}

#[tokio::test]
async fn the_named_answers_are_forgotten_and_no_others() {
    #[invalidates(product(id = item.id, lang = &item.lang), found(item.id, None), shop::count())]
    async fn save(item: Product) -> Result<u64, Failure> {
        yield_now().await;
        drop(item);
        Ok(3)
    }

    isolated(async {
        fill().await;
        assert_eq!(save(Product::of(1, "en")).await.unwrap(), 3);
        assert_eq!(kept().await, ".xx.xx.");
    })
    .await;
}

#[tokio::test]
async fn all_answers_of_a_function_are_forgotten() {
    #[invalidates(all(product, shop::count), shared(vec![1, 2]))]
    async fn import(lines: &[&str]) -> Result<usize, Failure> {
        Ok(lines.len())
    }

    isolated(async {
        fill().await;
        assert_eq!(import(&["a", "b"]).await.unwrap(), 2);
        assert_eq!(kept().await, "...xx..");
    })
    .await;
}

#[tokio::test]
async fn on_an_error_nothing_is_forgotten() {
    #[invalidates(product(id, "en"), all(found))]
    async fn rename(id: u64, name: &str) -> Result<(), Failure> {
        if name.is_empty() {
            return Err("a product needs a name".into());
        }
        let _: u64 = name.parse()?;
        Ok(())
    }

    isolated(async {
        fill().await;
        assert_eq!(rename(1, "").await.unwrap_err().to_string(), "a product needs a name");
        assert!(rename(1, "x").await.is_err());
        assert_eq!(kept().await, "xxxxxxx");
        rename(1, "5").await.unwrap();
        assert_eq!(kept().await, ".xx..xx");
    })
    .await;
}

#[tokio::test]
async fn what_a_function_that_panics_or_goes_away_would_have_changed_is_kept() {
    #[invalidates(product(id, "en"))]
    async fn rename(id: u64, panics: bool) -> Result<(), Failure> {
        yield_now().await;
        assert!(!panics, "this one");
        Ok(())
    }

    isolated(async {
        fill().await;
        let panicking = std::panic::AssertUnwindSafe(rename(1, true));
        assert!(futures_util::FutureExt::catch_unwind(panicking).await.is_err());
        {
            let mut going_away = std::pin::pin!(rename(1, false));
            assert!(poll!(&mut going_away).is_pending());
        }
        assert_eq!(kept().await, "xxxxxxx");
    })
    .await;
}

#[tokio::test]
async fn the_body_keeps_its_meaning() {
    type Answer<T = &'static str> = Result<T, Failure>;

    #[invalidates(product(1, "en"))]
    async fn early(way: u8) -> Answer {
        if way == 0 {
            return Ok("early");
        }
        // Turned into what the signature says, here and not before.
        let other: Result<Box<dyn fmt::Display>, Box<fmt::Error>> = Ok(Box::new(way));
        let other = other?;
        if way == 1 { Err(other.to_string())? } else { Ok("late") }
    }

    #[invalidates(product(1, "en"))]
    async fn boxed(way: u64) -> Result<Box<dyn Fn() -> u64>, Failure> {
        Ok(Box::new(move || way))
    }

    #[invalidates(product(1, "en"))]
    async fn unnamed(way: u64) -> Result<impl Iterator<Item = u64> + Send, Failure> {
        Ok(0..way)
    }

    #[invalidates(product(1, "en"))]
    async fn longest<'a, T, const N: usize>(
        mut all: [&'a T; N],
        (by, _): (usize, u8),
    ) -> Result<&'a str, Failure>
    where
        T: AsRef<str> + ?Sized + 'a,
    {
        all.sort_by_key(|one| one.as_ref().len() + by);
        let last: &'a T = all.last().ok_or("none")?;
        Ok(last.as_ref())
    }

    isolated(async {
        assert_eq!((early(0).await.unwrap(), early(2).await.unwrap()), ("early", "late"));
        assert_eq!(early(1).await.unwrap_err().to_string(), "1");
        assert_eq!(boxed(5).await.unwrap()(), 5);
        assert_eq!(unnamed(3).await.unwrap().sum::<u64>(), 3);
        assert_eq!(longest(["a", "bbb", "cc"], (0, 1)).await.unwrap(), "bbb");
    })
    .await;
}

#[tokio::test]
async fn it_goes_together_with_attributes_above_and_below() {
    #[tracing::instrument(err(Debug))]
    #[invalidates(product(id, "en"))]
    async fn below(id: u64) -> Result<(), Failure> {
        Ok(())
    }

    /// What it does.
    #[must_use]
    #[invalidates(product(id = id, lang = "en"))]
    #[tracing::instrument(skip(id))]
    #[inline]
    fn above(id: u64) -> Result<(), Failure> {
        Ok(())
    }

    isolated(async {
        for above_too in [false, true] {
            fill().await;
            if above_too {
                above(1).unwrap();
            } else {
                below(1).await.unwrap();
            }
            assert_eq!(kept().await, ".xxxxxx");
        }
    })
    .await;
}

#[test]
fn its_future_is_send_though_its_error_is_not() {
    #[invalidates(product(id, "en"))]
    async fn rename(id: u64) -> Result<(), Rc<str>> {
        Ok(())
    }

    fn sent<T: Send>(_: T) {}
    sent(async {
        let _ = rename(1).await.is_ok();
    });
}

/// Where products come from, and the methods of all kinds that change them.
#[derive(Default)]
struct Shelf {
    name: String,
    taken: AtomicU64,
}

trait Changes {
    async fn change(&self, id: u64) -> Result<(), Failure>;
}

impl Changes for Shelf {
    #[invalidates(product(id, &self.name))]
    async fn change(&self, id: u64) -> Result<(), Failure> {
        self.taken.fetch_add(id, SeqCst);
        Ok(())
    }
}

impl Shelf {
    #[invalidates(product(id, self.name.as_str()))]
    async fn rename(&mut self, id: u64) -> Result<&str, Failure> {
        "fr".clone_into(&mut self.name);
        let _ = id;
        Ok(&self.name)
    }

    #[invalidates(product(id = id, lang = &self.name))]
    async fn share(self: Arc<Self>, id: u64) -> Result<Arc<Self>, Failure> {
        Ok(self)
    }

    #[invalidates(product(id, &self.name))]
    fn sell(self, id: u64) -> Result<Self, Failure> {
        self.taken.fetch_sub(id, SeqCst);
        Ok(self)
    }

    #[invalidates(product(id, &self.name))]
    fn name_mut(&mut self, id: u64) -> Result<&mut String, Failure> {
        let _ = id;
        Ok(&mut self.name)
    }

    #[invalidates(product(id, "en"))]
    async fn of(id: u64) -> Result<Self, Failure> {
        Ok(Self { name: "en".to_owned(), taken: id.into() })
    }
}

#[tokio::test]
async fn methods_of_all_kinds_forget() {
    isolated(async {
        let forgets = async |changed: &str| {
            assert_eq!(kept().await, ".xxxxxx", "{changed}");
            fill().await;
        };
        fill().await;
        let shelf = Shelf::of(1).await.unwrap();
        forgets("of").await;
        shelf.change(1).await.unwrap();
        forgets("change").await;
        let shelf = Arc::new(shelf).share(1).await.unwrap();
        forgets("share").await;
        let mut shelf = Arc::into_inner(shelf).unwrap().sell(1).unwrap();
        forgets("sell").await;
        shelf.name_mut(1).unwrap().clone_from(&"en".to_owned());
        forgets("name_mut").await;
        assert_eq!(shelf.rename(1).await.unwrap(), "fr");
        forgets("rename").await;
    })
    .await;
}

#[derive(Clone)]
struct Drawer(u64);

impl Drawer {
    #[cached(layers = "mem", key = "{self.0}")]
    async fn content(&self) -> u64 {
        self.0
    }

    #[invalidates(Self::content(self))]
    async fn fill(&mut self, by: u64) -> Result<(), Failure> {
        self.0 += by;
        Ok(())
    }
}

#[tokio::test]
async fn what_is_changed_itself_is_forgotten_as_it_was() {
    isolated(async {
        let (before, mut drawer) = (Drawer(1), Drawer(1));
        before.content().await;
        Drawer(3).content().await;

        drawer.fill(2).await.unwrap();

        assert_eq!(before.content_peek().await, None);
        assert_eq!(drawer.content_peek().await, Some(3));
    })
    .await;
}

/// Costs more to clone than a function that only forgets should pay.
#[derive(serde::Serialize)]
struct Dear {
    id: u64,
}

impl Clone for Dear {
    fn clone(&self) -> Self {
        panic!("cloned");
    }
}

#[tokio::test]
async fn what_a_function_was_lent_is_lent_on() {
    #[cached(layers = "mem", inline)]
    async fn found(of: &Dear, by: Option<u64>) -> Option<u64> {
        by.map(|by| of.id + by)
    }

    #[invalidates(found(of = first, by = None), found(&of.0, Some(2)))]
    fn change(first: &Dear, of: &(Dear, u8)) -> Result<(), Failure> {
        Ok(())
    }

    isolated(async {
        let (first, of) = (Dear { id: 1 }, (Dear { id: 2 }, 0));
        assert_eq!((found(&first, None).await, found(&of.0, Some(2)).await), (None, Some(4)));
        change(&first, &of).unwrap();
        assert_eq!((found::peek(&first, None).await, found::peek(&of.0, Some(2)).await), (None, None));
    })
    .await;
}

/// A cached function of every form.
#[derive(Clone)]
struct Shop {
    tenant: u32,
}

impl Shop {
    #[cached(layers = "mem", key = "{self.tenant}:{id}")]
    async fn price(&self, id: u64) -> u64 {
        id * u64::from(self.tenant)
    }

    #[cached(layers = "mem", skip(self))]
    async fn tax(&self, r#in: &str) -> usize {
        r#in.len()
    }

    #[cached(layers = "mem")]
    fn rounded(cents: u64) -> u64 {
        cents / 100
    }

    #[invalidates(Self::price(self, id = id), Self::tax(r#in = "no"), Shop::rounded(cents = id))]
    async fn change(&self, id: u64) -> Result<(), Failure> {
        Ok(())
    }

    #[invalidates(Self::price(&self, id), all(Shop::tax), Self::rounded(id))]
    fn change_all(self, id: u64) -> Result<Self, Failure> {
        Ok(self)
    }

    async fn fill(&self) {
        self.price(1).await;
        self.tax("no").await;
        self.tax("se").await;
        Self::rounded(1);
    }

    async fn kept(&self) -> [bool; 4] {
        [
            self.price_peek(1).await.is_some(),
            Self::tax_peek("no").await.is_some(),
            Self::tax_peek("se").await.is_some(),
            Self::rounded_peek(1).is_some(),
        ]
    }
}

#[tokio::test]
async fn answers_of_methods_are_forgotten() {
    #[updates(Shop::price(shop, id))]
    async fn set(shop: &Shop, id: u64) -> Result<u64, Failure> {
        Ok(id + 100)
    }

    isolated(async {
        let (shop, other) = (Shop { tenant: 1 }, Shop { tenant: 2 });
        other.fill().await;
        shop.fill().await;
        shop.change(1).await.unwrap();
        assert_eq!(shop.kept().await, [false, false, true, false]);
        assert!(other.kept().await[0]);

        other.fill().await;
        let other = other.change_all(1).unwrap();
        assert_eq!(other.kept().await, [false; 4]);

        set(&other, 1).await.unwrap();
        assert_eq!(other.price(1).await, 101);
    })
    .await;
}

#[tokio::test]
async fn answers_of_generic_functions_are_forgotten() {
    #[cached(layers = "mem")]
    async fn padded<const N: usize>(text: &str) -> usize {
        text.len() + N
    }

    #[invalidates(padded::<2>(text = &text))]
    async fn change(text: String) -> Result<(), Failure> {
        Ok(())
    }

    #[invalidates(all(padded))]
    fn change_all() -> Result<(), Failure> {
        Ok(())
    }

    isolated(async {
        assert_eq!((padded::<1>("a").await, padded::<2>("a").await), (2, 3));
        change("a".to_owned()).await.unwrap();
        assert_eq!((padded::peek::<1>("a").await, padded::peek::<2>("a").await), (Some(2), None));
        change_all().unwrap();
        assert_eq!(padded::peek::<1>("a").await, None);
    })
    .await;
}

#[tokio::test]
async fn arguments_are_asked_in_order_before_the_body_runs() {
    static ASKED: AtomicU64 = AtomicU64::new(0);

    fn next(expected: u64) -> u64 {
        assert_eq!(ASKED.swap(expected, SeqCst), expected - 1);
        expected
    }

    #[invalidates(product(id = next(1), lang = item.lang.as_str()), found(next(2) - 1, item.lang.strip_prefix("x")))]
    async fn save(mut item: Product) -> Result<Product, Failure> {
        assert_eq!(ASKED.load(SeqCst), 2);
        item.lang = "fr".to_owned();
        Ok(item)
    }

    isolated(async {
        fill().await;
        assert_eq!(save(Product::of(5, "en")).await.unwrap().lang, "fr");
        assert_eq!(kept().await, ".xx.xxx");
    })
    .await;
}

#[tokio::test]
async fn an_expression_may_fail_or_wait_as_the_function_may() {
    async fn fetched(id: &str) -> Result<u64, Failure> {
        yield_now().await;
        Ok(id.parse()?)
    }

    #[invalidates(product(fetched(id).await?, "en"))]
    async fn save(id: &str, runs: &AtomicU64) -> Result<(), Failure> {
        runs.fetch_add(1, SeqCst);
        Ok(())
    }

    isolated(async {
        fill().await;
        let runs = AtomicU64::new(0);
        assert!(save("x", &runs).await.is_err());
        assert_eq!((kept().await.as_str(), runs.load(SeqCst)), ("xxxxxxx", 0));
        save("1", &runs).await.unwrap();
        assert_eq!((kept().await.as_str(), runs.load(SeqCst)), (".xxxxxx", 1));
    })
    .await;
}

#[tokio::test]
async fn the_answer_is_put_in() {
    #[updates(product(item.id, &item.lang), found(id = item.id, lang = None))]
    async fn save(item: Product) -> Result<Product, Failure> {
        if item.name.is_empty() { Err("no name".into()) } else { Ok(item) }
    }

    #[updates(shared(vec![item.id]))]
    fn share(item: &Product) -> Result<Product, Failure> {
        Ok(item.clone())
    }

    isolated(async {
        fill().await;
        assert!(save(Product { name: String::new(), ..Product::of(1, "en") }).await.is_err());
        assert_eq!(product(1, "en").await.name, "old");

        let saved = save(Product::of(1, "en")).await.unwrap();
        assert_eq!(product::peek(1, "en").await, Some(saved.clone()));
        assert_eq!(found::peek(1, None).await, Some(Some(saved.clone())));
        assert_eq!(product(1, "de").await.name, "old");

        share(&saved).unwrap();
        assert_eq!(shared::peek(vec![1]).await.as_deref(), Some(&saved));
    })
    .await;
}

#[tokio::test]
async fn one_function_may_put_in_and_forget() {
    #[updates(product(item.id, &item.lang))]
    #[invalidates(found(item.id, None))]
    #[invalidates(all(shop::count))]
    async fn save(item: Product) -> Result<Product, Failure> {
        Ok(item)
    }

    isolated(async {
        fill().await;
        save(Product::of(1, "en")).await.unwrap();
        assert_eq!(kept().await, "xxx.xx.");
        assert_eq!(product(1, "en").await.name, "new");
    })
    .await;
}

#[tokio::test]
async fn all_effects_have_begun_when_a_caller_goes_away() {
    #[cached(layers = "redis")]
    async fn one() -> u64 {
        1
    }

    #[cached(layers = "redis")]
    async fn other() -> u64 {
        1
    }

    #[invalidates(one(), all(other))]
    async fn change() -> Result<(), Failure> {
        Ok(())
    }

    let redis = Store::new();
    World::new()
        .redis(&redis)
        .enter(async {
            one().await;
            other().await;
            hybrid_cache::flush().await;
            assert_eq!((one::peek().await, other::peek().await), (Some(1), Some(1)));
            {
                let mut changing = std::pin::pin!(change());
                assert!(poll!(&mut changing).is_pending());
            }
            for _ in 0..1_000 {
                yield_now().await;
            }
            assert_eq!((one::peek().await, other::peek().await), (None, None));
        })
        .await;
}

#[cached(layers = "mem")]
async fn price(id: u64) -> u64 {
    id
}

#[invalidates(price(id))]
fn change_price(id: u64) -> Result<(), Failure> {
    Ok(())
}

async fn changes_price(id: u64) {
    price(id).await;
    for _ in 0..1_000 {
        assert!(change_price(id).is_ok());
    }
    assert_eq!(price::peek(id).await, None);
}

#[test]
fn a_function_that_is_not_async_waits_wherever_it_is_called() {
    let single = || Builder::new_current_thread().enable_all().build().unwrap();
    let multi = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();

    single().block_on(changes_price(1));
    single().block_on(LocalSet::new().run_until(changes_price(2)));
    // Neither timers nor sockets.
    Builder::new_current_thread().build().unwrap().block_on(changes_price(3));
    multi.block_on(changes_price(4));
    multi.block_on(async { tokio::spawn(changes_price(5)).await.unwrap() });
    multi.block_on(async { LocalSet::new().run_until(changes_price(6)).await });
    multi.block_on(async { tokio::task::spawn_blocking(|| change_price(7).unwrap()).await.unwrap() });

    single().block_on(async { price(8).await });
    change_price(8).unwrap();
    assert_eq!(single().block_on(price::peek(8)), None);
}

/// An answer that changes another when it ends where effects come about.
#[derive(Clone)]
struct Meddler(Sender<()>);

impl Drop for Meddler {
    fn drop(&mut self) {
        if thread::current().name() == Some("hybrid-cache-effects") {
            assert!(change_price(9).is_ok());
            let _ = self.0.send(());
        }
    }
}

#[test]
fn an_answer_whose_end_changes_another_holds_nobody_up() {
    #[cached(layers = "mem", cache_if = never, skip(tell))]
    async fn meddler(tell: Sender<()>) -> Meddler {
        Meddler(tell)
    }

    fn never(_: &Meddler) -> bool {
        false
    }

    #[updates(meddler())]
    fn meddle(meddler: Meddler) -> Result<Meddler, Failure> {
        Ok(meddler)
    }

    let (tell, told) = channel();
    let meddling = thread::spawn(|| meddle(Meddler(tell)).is_ok());
    told.recv_timeout(PATIENCE).unwrap();
    assert!(meddling.join().unwrap());
}
