//! Methods and associated functions of inherent `impl` blocks.

use std::{io, marker::PhantomData, sync::Arc};

use hybrid_cache::{Answer, cached};

use crate::Runs;

/// A shop of one of many tenants.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    tenant: u32,
}

static RUNS: Runs = Runs::none();

impl Shop {
    /// What an article costs here.
    ///
    /// # Errors
    ///
    /// If there is no such article.
    #[cached(layers = "mem", key = "{self.tenant}:{id}")]
    pub(crate) async fn price(&self, id: u64) -> io::Result<u64> {
        RUNS.one_more();
        if id == 0 {
            return Err(io::Error::other("no such article"));
        }
        Ok(id * u64::from(self.tenant))
    }

    /// The same for all.
    #[cached(layers = "mem", skip(self))]
    pub(crate) async fn tax(&self, country: &str) -> usize {
        country.len()
    }

    /// Through an `Arc`.
    #[cached(layers = "mem", key = "{self.tenant}")]
    async fn name(self: &Arc<Self>) -> String {
        format!("shop {}", self.tenant)
    }

    #[cached(layers = "mem", key = "{self.tenant}:{id}")]
    async fn shared(self: &Arc<Self>, id: u8) -> u32 {
        self.tenant + u32::from(id)
    }

    #[cached(layers = "mem", key = "{self.tenant}:{id}")]
    async fn owned(self: Arc<Self>, id: u8) -> u32 {
        self.tenant + u32::from(id)
    }

    /// Its body alone changes it.
    #[cached(layers = "mem", key = "{self.tenant}")]
    async fn raised(mut self) -> u32 {
        self.tenant += 1;
        self.tenant
    }

    #[cached(layers = "mem")]
    async fn open(tenant: u32) -> Arc<Self> {
        Arc::new(Self { tenant })
    }

    /// Looks like a free function: neither a receiver nor `Self`.
    #[cached(layers = "mem")]
    async fn count(of: u64) -> u64 {
        of + 1
    }

    #[cached(layers = "mem", skip(self))]
    #[expect(clippy::unused_self, reason = "a shape")]
    fn rounded(&self, cents: u64) -> u64 {
        cents / 100
    }
}

/// Not `Clone`, and generic.
#[derive(Debug)]
struct Repo<B> {
    backend: PhantomData<B>,
    name: &'static str,
}

#[derive(Clone)]
struct Page<T> {
    items: Vec<T>,
}

impl<T: Clone + Send + Sync + 'static> Page<T> {
    #[cached(layers = "mem", key = "{at}", skip(self))]
    async fn item(&self, at: usize) -> Option<T> {
        self.items.get(at).cloned()
    }
}

/// Where things are.
trait Backend: Send + Sync + 'static {
    const NAME: &'static str;
}

struct Sqlite;
struct Postgres;

impl Backend for Sqlite {
    const NAME: &'static str = "sqlite";
}

impl Backend for Postgres {
    const NAME: &'static str = "postgres";
}

impl<B: Backend> Repo<B> {
    #[cached(layers = "mem", skip(self))]
    async fn product(self: &Arc<Self>, id: u64) -> Result<String, io::Error> {
        Ok(format!("{id} from {} in {}", B::NAME, self.name))
    }

    #[cached(inline, layers = "mem", key = "{self.name}:{id}")]
    async fn inline(&self, id: u64) -> String {
        format!("{id} from {}", B::NAME)
    }

    #[cached(layers = "mem")]
    async fn kind(verbose: bool) -> String {
        if verbose { format!("backend {}", B::NAME) } else { B::NAME.to_owned() }
    }
}

#[tokio::test]
async fn the_field_of_self_that_the_key_names_tells_answers_apart() {
    let (one, two) = (Shop { tenant: 1 }, Shop { tenant: 2 });

    assert_eq!(one.price(7).await.unwrap(), 7);
    assert_eq!(two.price(7).await.unwrap(), 14);
    assert_eq!(Shop { tenant: 1 }.price(7).await.unwrap(), 7);

    assert_eq!(RUNS.count(), 2);
    assert!(one.price_invalidate(7).await.strict().is_ok());
    assert_eq!(one.price_peek(7).await, None);
    assert_eq!(two.price_peek(7).await, Some(14));
    assert!(one.price(0).await.is_err());
    assert!(one.price_key(7).as_str().ends_with("Shop.price:1:7"), "{}", one.price_key(7));
}

#[tokio::test]
async fn the_companions_of_a_method_stand_beside_it_and_need_self_only_if_the_key_does() {
    let shop = Shop { tenant: 3 };
    assert_eq!(shop.tax("no").await, 2);

    assert_eq!(Shop::tax_peek("no").await, Some(2));
    Shop::tax_put("no", 25).await;
    assert_eq!(shop.tax("no").await, 25);
    assert_eq!(shop.tax_refresh("no").await, 2);
    assert_eq!(shop.tax_uncached("isl").await, 3);
    assert_eq!(shop.tax_with_info("no").await.layer(), Some(hybrid_cache::LayerKind::Memory));
    assert_eq!(shop.tax_warm(["se", "fi"]).await.loaded(), 2);
    assert_eq!(Shop::tax_peek("fi").await, Some(2));
    assert!(Shop::tax_invalidate_many(["se", "fi"]).await.strict().is_ok());
    assert_eq!(Shop::tax_peek("fi").await, None);
    assert!(Shop::tax_expire("no").await.strict().is_ok());
    assert!(Shop::tax_invalidate_all().await.strict().is_ok());
    assert_eq!(Shop::tax_stats().loads(), 4);
}

#[tokio::test]
async fn receivers_of_every_kind_can_be_cached() {
    let shop = Arc::new(Shop { tenant: 4 });

    assert_eq!(shop.name().await, "shop 4");
    assert_eq!(shop.name_peek().await, Some("shop 4".to_owned()));
    assert_eq!(shop.shared_warm([1, 2]).await.loaded(), 2);
    assert_eq!((shop.shared_peek(2).await, shop.shared(2).await), (Some(6), 6));
    assert_eq!(Arc::clone(&shop).owned(1).await, 5);
    assert_eq!(shop.owned_peek(1).await, Some(5));
    assert_eq!(Shop::clone(&shop).raised().await, 5);
    assert_eq!(shop.raised_peek().await, Some(5));
    assert_eq!(Arc::clone(&shop).owned_refresh(1).await, 5);
    assert_eq!(shop.rounded(250), 2);
    assert_eq!(Shop::rounded_peek(250), Some(2));
}

#[tokio::test]
async fn associated_functions_can_be_cached_whether_or_not_they_speak_of_self() {
    assert!(Arc::ptr_eq(&Shop::open(5).await, &Shop::open(5).await));
    assert_eq!(Shop::open_peek(5).await.map(|shop| shop.tenant), Some(5));

    assert_eq!(Shop::count(1).await, 2);
    assert_eq!(Shop::count_peek(1).await, Some(2));
    Shop::count_invalidate(1).await;
    assert_eq!(Shop::count_peek(1).await, None);
}

#[tokio::test]
async fn each_instance_of_a_generic_type_has_answers_of_its_own() {
    let sqlite = Arc::new(Repo::<Sqlite> { backend: PhantomData, name: "a" });
    let postgres = Arc::new(Repo::<Postgres> { backend: PhantomData, name: "a" });

    assert_eq!(sqlite.product_warm([1]).await.loaded(), 1);
    assert_eq!(sqlite.product(1).await.unwrap(), "1 from sqlite in a");
    assert_eq!(postgres.product(1).await.unwrap(), "1 from postgres in a");
    assert_eq!(sqlite.inline(1).await, "1 from sqlite");
    assert_eq!(postgres.inline(1).await, "1 from postgres");
    assert_eq!(Repo::<Sqlite>::kind(false).await, "sqlite");
    assert_eq!(Repo::<Postgres>::kind(false).await, "postgres");

    Repo::<Sqlite>::product_invalidate_all().await;
    assert_eq!(Repo::<Sqlite>::product_peek(1).await, None);
    assert_eq!(Repo::<Postgres>::product_peek(1).await.as_deref(), Some("1 from postgres in a"));
    assert_eq!(Page { items: vec![1_u8] }.item(0).await, Some(1));
    assert_eq!(Page { items: vec!["one"] }.item(0).await, Some("one"));
    let answer: Answer<String> = sqlite.inline_with_info(1).await;
    assert_eq!(answer.value(), "1 from sqlite");
}
