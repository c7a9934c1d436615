//! Bounds that stand elsewhere than at the parameter they are about, and arguments that only their caller can lend.

use std::{
    borrow::Cow,
    fmt::{Debug, Display},
    marker::PhantomData,
    ops::Deref,
};

use hybrid_cache::cached;

/// A handle for as long as a connection lives.
pub(crate) trait Executor<'c>: Send {
    /// What it adds.
    fn one(self) -> u64;
}

/// What lends itself to many at a time.
#[derive(Debug, Clone)]
pub(crate) struct Pool(u64);

impl Executor<'_> for &Pool {
    fn one(self) -> u64 {
        self.0
    }
}

/// What lends itself to one at a time.
#[derive(Debug)]
pub(crate) struct Connection(u64);

impl Executor<'_> for &mut Connection {
    fn one(self) -> u64 {
        self.0 += 1;
        self.0
    }
}

#[cached(layers = "mem", skip(db))]
async fn lent(db: impl Executor<'_>, id: u64) -> Result<u64, String> {
    Ok(id + db.one())
}

#[cached(layers = "mem", skip(db))]
async fn lent_by_name<'c, E>(id: u64, db: E) -> u64
where
    E: Executor<'c>,
{
    id + db.one()
}

#[cached(layers = "mem", skip(db))]
async fn lent_at_the_parameter<'c, E: Executor<'c>>(db: E, id: &str) -> u64 {
    id.len() as u64 + db.one()
}

#[cached(layers = "mem", skip(db))]
async fn lent_mutably(db: &mut Connection, id: u64) -> u64 {
    id + db.one()
}

#[cached(layers = "mem", skip(db))]
async fn lent_mutably_and_unnamed(db: &mut impl Display, id: u64) -> String {
    format!("{id}{db}")
}

#[cached(layers = "mem", skip(db))]
fn lent_to_a_thread<'c>(db: impl Executor<'c>, id: u64) -> u64 {
    id + db.one()
}

#[cached(layers = "mem", skip(text))]
async fn outlived<'a>(text: impl Deref<Target = str> + Send + 'a, id: u64) -> usize {
    text.len() + usize::try_from(id).unwrap_or_default()
}

#[cached(layers = "mem")]
async fn joined<'a>(parts: impl IntoIterator<Item = &'a str> + serde::Serialize) -> String {
    parts.into_iter().collect()
}

#[cached(layers = "mem", skip(pick))]
async fn picked(text: &str, pick: impl for<'a> Fn(&'a str) -> &'a str + Send + Sync + 'static) -> String {
    pick(text).to_owned()
}

#[cached(layers = "mem", inline, skip(show, name))]
async fn shown(show: Box<dyn Display + '_>, name: &(dyn Debug + Sync), text: Cow<'_, str>) -> String {
    format!("{show}{name:?}{text}")
}

#[tokio::test]
async fn an_argument_that_its_caller_lends_is_taken_along_and_no_further() {
    let (pool, mut connection) = (Pool(1), Connection(1));
    assert_eq!(lent(&pool, 1).await, Ok(2));
    assert_eq!(lent(&mut connection, 1).await, Ok(2), "kept under the same key");
    assert_eq!(lent_by_name(1, &pool).await, 2);
    assert_eq!(lent_by_name(1, &mut connection).await, 2);
    assert_eq!(lent_at_the_parameter(&pool, "a").await, 2);
    assert_eq!(lent_mutably(&mut connection, 1).await, 3);
    assert_eq!(lent_mutably(&mut connection, 1).await, 3);
    assert_eq!(connection.0, 2, "one body has run");
    assert_eq!(lent_mutably_and_unnamed(&mut 'a', 1).await, "1a");
    assert_eq!(lent_to_a_thread(&pool, 1), 2);
    let text = "ab".to_owned();
    assert_eq!(outlived(text.as_str(), 1).await, 3);
    assert_eq!(joined([text.as_str(), "c"]).await, "abc");
    assert_eq!(picked("abc", |text| text.trim_start_matches('a')).await, "bc");
    assert_eq!(shown(Box::new(&text), &1, Cow::Borrowed(&text)).await, "ab1ab");
}

#[tokio::test]
async fn companions_of_functions_with_lent_arguments_do_without_those_that_are_skipped() {
    let pool = Pool(1);
    assert_eq!(lent::refresh(&pool, 7).await, Ok(8));
    assert_eq!(lent::peek(7).await, Some(8));
    assert_eq!(lent::with_info(&pool, 7).await.value(), &Ok(8));
    assert!(lent::invalidate(7).await.strict().is_ok());
    assert_eq!(lent_by_name::peek(7).await, None);
    assert!(lent_by_name::invalidate_many([7, 8]).await.strict().is_ok());
    lent_by_name::put(7, 1).await;
    assert_eq!(lent_by_name(7, &pool).await, 1);
    let warmed = lent::warm([(&pool, 20), (&pool, 21)]).await;
    assert_eq!((warmed.loaded(), lent::peek(21).await), (2, Some(22)));
    assert_eq!(lent_mutably::peek(7).await, None);
    assert_eq!(lent_to_a_thread::refresh(&pool, 7), 8);
    assert_eq!(lent_to_a_thread::peek(7), Some(8));
}

/// Some tenant's.
pub(crate) trait Tenant {
    /// Whose.
    type Id: Clone + Debug + Send + Sync + 'static;
    /// Its number.
    const ID: u64;
}

/// One with bounds that only some of its methods have.
#[derive(Debug, Clone)]
pub(crate) struct Repo<T, const N: usize>(PhantomData<T>);

impl<T: Clone + Send + Sync + 'static, const N: usize> Repo<T, N> {
    #[cached(layers = "mem", skip(self))]
    async fn about_the_type(&self, id: u64) -> String
    where
        T: Debug + Default,
    {
        format!("{id}{:?}", T::default())
    }

    #[cached(layers = "mem")]
    async fn about_itself(id: u64) -> u64
    where
        Self: Debug + Sized,
        [u8; N]: Default,
    {
        id + [u8::default(); N].len() as u64
    }

    #[cached(layers = "mem", skip(text))]
    async fn about_lifetimes<'a, 'b>(id: u64, name: &'a str, text: &'b str) -> usize
    where
        T: for<'c> PartialEq<&'c str>,
        'b: 'a,
    {
        usize::try_from(id).unwrap_or_default() + name.len() + text.len()
    }

    #[cached(layers = "mem")]
    async fn about_both<K>(key: K, id: u64) -> Vec<K>
    where
        K: Clone + serde::Serialize + Send + Sync + 'static,
        T: From<K>,
    {
        let _: T = key.clone().into();
        vec![key; usize::try_from(id).unwrap_or_default()]
    }

    #[cached(layers = "mem")]
    fn about_an_associated_type(id: u64) -> Option<T::Id>
    where
        T: Tenant,
    {
        (id == T::ID).then(|| panic!("nobody has this one"))
    }

    #[cached(layers = "mem", skip(self))]
    async fn about_nothing(&self, id: u64) -> u64
    where
        String: Debug,
    {
        id
    }
}

impl Tenant for u64 {
    type Id = u8;
    const ID: Self = 5;
}

#[tokio::test]
async fn bounds_of_a_method_about_its_type_hold_for_its_companions() {
    let repo = Repo::<u64, 2>(PhantomData);
    assert_eq!(repo.about_the_type(1).await, "10");
    assert_eq!(Repo::<u64, 2>::about_the_type_peek(1).await.as_deref(), Some("10"));
    assert_eq!(Repo::<u64, 2>::about_the_type_stats().loads(), 1);
    assert!(Repo::<u64, 2>::about_the_type_invalidate_all().await.strict().is_ok());
    assert!(Repo::<u64, 2>::about_the_type_invalidate_many([1]).await.strict().is_ok());
    assert_eq!(Repo::<u64, 2>::about_itself(1).await, 3);
    assert_eq!(Repo::<u64, 2>::about_itself_stats().loads(), 1);
    assert_eq!(Repo::<&'static str, 1>::about_lifetimes(1, "a", "bc").await, 4);
    assert_eq!(Repo::<&'static str, 1>::about_lifetimes_peek(1, "a").await, Some(4));
    assert_eq!(Repo::<u64, 2>::about_both(1_u8, 2).await, [1, 1]);
    assert_eq!(Repo::<u64, 2>::about_both(1_u16, 1).await, [1]);
    assert!(Repo::<u64, 2>::about_both_invalidate_all().await.strict().is_ok());
    assert_eq!(Repo::<u64, 2>::about_an_associated_type(1), None);
    assert_eq!(Repo::<u64, 2>::about_an_associated_type_stats().loads(), 1);
    assert_eq!(repo.about_nothing(1).await, 1);
    assert_eq!(Repo::<u64, 2>::about_nothing_stats().loads(), 1);
}
