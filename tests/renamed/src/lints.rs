//! What is generated stays quiet under lints that few turn on: those that the compiler allows by default, and what clippy has
//! beside its defaults.

#![warn(
    deprecated_safe_2024,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    impl_trait_redundant_captures,
    let_underscore_drop,
    missing_copy_implementations,
    missing_debug_implementations,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::nursery,
    clippy::restriction
)]
#![allow(
    clippy::arbitrary_source_item_ordering,
    clippy::blanket_clippy_restriction_lints,
    clippy::impl_trait_in_params,
    clippy::implicit_return,
    clippy::missing_inline_in_public_items,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::tests_outside_test_module,
    clippy::unseparated_literal_suffix,
    clippy::separated_literal_suffix,
    reason = "what is written here is as everywhere; that what is generated keeps to them is seen without this list"
)]

use std::{fmt::Debug, sync::Arc};

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Area(u64);

/// Of an area without sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flat;

/// Async, with borrowed arguments.
///
/// # Errors
///
/// Without a name.
#[hc::cached(crate = hc, layers = "mem", ttl = 60, err_ttl = 1)]
pub async fn named(name: &str, times: u64) -> Result<Area, Flat> {
    if name.is_empty() { Err(Flat) } else { Ok(Area(times)) }
}

/// With all that an attribute can say of an answer's life.
#[hc::cached(crate = hc, layers = "mem", ttl = 60, stale = 10, stale_if_error = 60, refresh_ahead = 0.8, max_loads = 4, wait = 5)]
pub async fn lively(id: u64) -> Option<Area> {
    Some(Area(id))
}

/// Not async.
#[hc::cached(crate = hc, layers = "mem")]
pub fn squared(side: u64) -> Area {
    Area(side.saturating_pow(2))
}

/// Of any type.
#[hc::cached(crate = hc, layers = "mem")]
pub async fn shown<T: Debug + serde::Serialize + Send + Sync + 'static>(value: T) -> String {
    format!("{value:?}")
}

/// A handle for somebody's lifetime.
pub trait Handle<'conn>: Send {}

impl Handle<'_> for &u64 {}

/// Whose handle is lent.
#[hc::cached(crate = hc, layers = "mem", skip(handle))]
pub async fn handled(handle: impl Handle<'_>, id: u64) -> Area {
    drop(handle);
    Area(id)
}

/// Whose lifetimes have names.
#[hc::cached(crate = hc, layers = "mem", inline)]
pub async fn longest<'text>(one: &'text str, other: &'text str) -> usize {
    one.len().max(other.len())
}

/// Of two lifetimes' worth of arguments, one of which is in the key.
#[hc::cached(crate = hc, layers = "mem", inline, skip(shorter))]
pub async fn leading<'text>(longer: &'text str, shorter: &'text str) -> usize {
    longer.len().saturating_sub(shorter.len())
}

/// Changes an answer.
///
/// # Errors
///
/// Without an id.
#[hc::invalidates(crate = hc, lively(id))]
pub async fn change(id: u64) -> Result<(), Flat> {
    if id == 0 { Err(Flat) } else { Ok(()) }
}

/// Computes an answer anew.
///
/// # Errors
///
/// Without a side.
#[hc::updates(crate = hc, squared(side))]
pub fn square(side: u64) -> Result<Area, Flat> {
    if side == 0 { Err(Flat) } else { Ok(Area(side)) }
}

/// With methods.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Figure<T> {
    /// Of the shape.
    sides: Arc<[T]>,
}

impl<T: Clone + Debug + Send + Sync + 'static> Figure<T> {
    /// A method.
    #[hc::cached(crate = hc, layers = "mem", skip(self))]
    pub async fn scaled(&self, by: u64) -> Area {
        Area(by.saturating_mul(u64::try_from(self.sides.len()).unwrap_or(u64::MAX)))
    }

    /// An associated function.
    #[hc::cached(crate = hc, layers = "mem")]
    pub fn corners(id: u64) -> Area {
        Area(id)
    }
}

#[cfg(test)]
#[tokio::test]
async fn functions_under_many_lints_are_cached() {
    for _ in 0..2_u8 {
        assert_eq!(named("square", 2).await, Ok(Area(2)));
        assert_eq!(lively(1).await, Some(Area(1)));
        assert_eq!(squared(3), Area(9));
        assert_eq!(shown(4_u8).await, "4");
        assert_eq!(handled(&5, 6).await, Area(6));
        assert_eq!(longest("one", "three").await, 5);
        assert_eq!(leading("three", "one").await, 2);
        let figure = Figure { sides: Arc::from([1_u8, 2]) };
        assert_eq!((figure.scaled(2).await, Figure::<u8>::corners(3)), (Area(4), Area(3)));
    }
    assert_eq!((change(1).await, lively::peek(1).await), (Ok(()), None));
    assert_eq!((square(3), squared::peek(3)), (Ok(Area(3)), Some(Area(3))));
    let loads = [
        named::stats(),
        lively::stats(),
        squared::stats(),
        shown::stats(),
        handled::stats(),
        longest::stats(),
    ];
    assert_eq!(loads.map(|stats| stats.loads()), [1; 6]);
    assert_eq!(Figure::<u8>::scaled_stats().loads(), 1);
}
