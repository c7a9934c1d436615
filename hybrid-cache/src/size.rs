//! How large an answer is, for `max_bytes` and `mem_max_bytes`: as large as its encoding, where nobody says otherwise.
//!
//! Whether a type has an encoding only the compiler knows. The expansion asks it as in `outcome.rs`, in three steps of method
//! look-up: an inherent method wins over one of a trait, and that over one for a reference. The steps are these:
//! `V: Serialize`; `V` is an `Arc` of such a type, for which serde needs a feature of its own; everything else.

use std::{marker::PhantomData, sync::Arc};

use postcard::{ser_flavors::Size, serialize_with_flavor};
use serde::Serialize;

use crate::{
    record::codec::guarded,
    shape::{self, ShapeError},
};

/// How large a value is, in bytes.
pub type Weigh<V> = fn(&V) -> usize;

/// Counts what would be written, and writes nothing. What cannot be encoded is larger than any bound, and so is what is
/// too deep to be followed, or panics.
pub(crate) fn encoded_size<V: Serialize + ?Sized>(value: &V) -> usize {
    let size = || match shape::fingerprint(value) {
        Err(ShapeError::TooDeep) => None,
        _ => serialize_with_flavor(value, Size::default()).ok(),
    };
    guarded(size).flatten().unwrap_or(usize::MAX)
}

/// Asks how large a `V` is.
#[derive(Debug)]
pub struct SizeProbe<V>(PhantomData<fn() -> V>);

impl<V: 'static> SizeProbe<V> {
    /// The question, as a reference: the steps of the look-up begin there.
    pub const ASK: &'static Self = &Self(PhantomData);
}

/// The answer of [`SizeProbe`] where the size can be told.
#[derive(Debug)]
pub struct Measured<V>(Weigh<V>);

/// The answer of [`SizeProbe`] where it cannot.
#[derive(Debug)]
pub struct Unmeasured<V>(PhantomData<fn() -> V>);

impl<V: Serialize> SizeProbe<V> {
    /// It is as large as its encoding.
    #[must_use]
    pub fn size(&self) -> Measured<V> {
        Measured(encoded_size::<V>)
    }
}

/// The answer of [`SizeProbe`] for what stands in an `Arc`.
pub trait SharedSize<V> {
    /// It is as large as the encoding of what it points to.
    #[must_use]
    fn size(&self) -> Measured<V>;
}

impl<T: Serialize + ?Sized> SharedSize<Arc<T>> for SizeProbe<Arc<T>> {
    fn size(&self) -> Measured<Arc<T>> {
        Measured(|shared| encoded_size::<T>(shared))
    }
}

impl<T: Serialize + ?Sized> SharedSize<Option<Arc<T>>> for SizeProbe<Option<Arc<T>>> {
    fn size(&self) -> Measured<Option<Arc<T>>> {
        Measured(|shared| encoded_size(&shared.as_deref()))
    }
}

/// The answer of [`SizeProbe`] for everything else.
pub trait NoSize<V> {
    /// Nobody can tell.
    #[must_use]
    fn size(&self) -> Unmeasured<V>;
}

impl<V> NoSize<V> for &SizeProbe<V> {
    fn size(&self) -> Unmeasured<V> {
        Unmeasured(PhantomData)
    }
}

/// What an answer must be for `max_bytes` without `weigh`.
#[diagnostic::on_unimplemented(
    message = "`max_bytes` cannot tell how large `{V}` is",
    label = "`{V}` is not `Serialize`, so it has no encoding whose size would be its own",
    note = "say it with `weigh = path`, where `path` is a `fn(&{V}) -> usize` that returns bytes; or derive `serde::Serialize` for `{V}`; or bound the number of answers with `capacity`"
)]
pub trait TellsSize<V>: MayTellSize<V> {}

impl<V> TellsSize<V> for Measured<V> {}

/// What [`SizeProbe`] answers, whatever it is.
pub trait MayTellSize<V> {
    /// How large a value is; `None`: nobody can tell.
    fn weigh_if_told(self) -> Option<Weigh<V>>;
}

impl<V> MayTellSize<V> for Measured<V> {
    fn weigh_if_told(self) -> Option<Weigh<V>> {
        Some(self.0)
    }
}

impl<V> MayTellSize<V> for Unmeasured<V> {
    fn weigh_if_told(self) -> Option<Weigh<V>> {
        None
    }
}

/// The same; fails to compile where nobody can tell.
#[must_use]
pub fn require_size<V, S: TellsSize<V>>(size: S) -> S {
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Product {
        id: u64,
        name: &'static str,
        tags: Vec<String>,
    }

    fn product() -> Product {
        Product { id: 300, name: "tea", tags: vec!["green".into(), "loose".into()] }
    }

    #[test]
    fn an_answer_is_as_large_as_its_encoding() {
        let encoded = postcard::to_extend(&product(), Vec::new()).unwrap();
        let Measured(weigh) = require_size(SizeProbe::<Product>::ASK.size());
        assert_eq!(weigh(&product()), encoded.len());
    }

    #[test]
    fn what_stands_in_an_arc_is_as_large_as_without() {
        let size = encoded_size(&product());
        assert_eq!((require_size(SizeProbe::<Arc<Product>>::ASK.size()).0)(&Arc::new(product())), size);
        let Measured(optional) = require_size(SizeProbe::<Option<Arc<Product>>>::ASK.size());
        assert_eq!((optional(&Some(Arc::new(product()))), optional(&None)), (size + 1, 1));
        assert_eq!((require_size(SizeProbe::<Arc<str>>::ASK.size()).0)(&Arc::from("tea")), 4);
    }

    #[test]
    fn of_what_has_no_encoding_no_size_can_be_told() {
        struct Opaque;
        assert!(SizeProbe::<Opaque>::ASK.size().weigh_if_told().is_none());
        assert_eq!(SizeProbe::<u8>::ASK.size().weigh_if_told().map(|weigh| weigh(&7)), Some(1));
    }

    #[test]
    fn what_cannot_be_encoded_is_larger_than_any_bound() {
        struct Never;
        impl Serialize for Never {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("not today"))
            }
        }
        assert_eq!(encoded_size(&Never), usize::MAX);
    }

    #[test]
    fn measuring_allocates_nothing() {
        let product = product();
        let info = allocation_counter::measure(|| {
            encoded_size(&product);
        });
        assert_eq!(info.count_total, 0);
    }
}
