//! Whether an answer can become bytes, and whose encoding its bytes are.
//!
//! What stands in an `Arc` is stored as it would be without, and needs no feature of serde's for it. An `Arc` under
//! another name does not look like one, so the expansion asks the compiler, as in `outcome.rs`. It asks twice. First by
//! steps of method look-up ([`CodecProbe`]): is `V` an `Arc`, an `Option`, or both? An inherent method wins over one of a
//! trait, and that over one for a reference. Then whether what was found in it is `Serialize + DeserializeOwned`.
//!
//! The first step does not look at what a type can do. So the answer is the same whether some crate of the build
//! switched serde's feature `rc` on or not, and a complaint is about the type that the user can do something about.

use std::{marker::PhantomData, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::record::codec::Codec;

/// Asks which type's encoding the bytes of a `V` are.
#[derive(Debug)]
pub struct CodecProbe<V>(PhantomData<fn() -> V>);

/// Answers `V` have the encoding of `T`, or of an `Option` of it: the answer of [`CodecProbe`].
#[derive(Debug)]
pub struct EncodedAs<V, T: ?Sized>(PhantomData<fn(&T) -> V>);

impl<V> CodecProbe<V> {
    /// A question that has not been asked yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: ?Sized> CodecProbe<Arc<T>> {
    /// That of what it points to.
    #[must_use]
    pub fn encoding(self) -> EncodedAs<Arc<T>, T> {
        EncodedAs(PhantomData)
    }
}

impl<T: ?Sized> CodecProbe<Option<Arc<T>>> {
    /// That of what it points to, if there is something.
    #[must_use]
    pub fn encoding(self) -> EncodedAs<Option<Arc<T>>, T> {
        EncodedAs(PhantomData)
    }
}

/// The answer of [`CodecProbe`] for what is no `Arc`.
pub trait OwnEncoding {
    /// An [`EncodedAs`].
    type Found;

    /// That of what is in an `Option`, if there is something; of everything else, its own.
    #[must_use]
    fn encoding(self) -> Self::Found;
}

impl<T> OwnEncoding for CodecProbe<Option<T>> {
    type Found = EncodedAs<Option<T>, T>;

    fn encoding(self) -> Self::Found {
        EncodedAs(PhantomData)
    }
}

// The last step: the look-up takes a reference only where nothing has the method without.
impl<V> OwnEncoding for &CodecProbe<V> {
    type Found = EncodedAs<V, V>;

    fn encoding(self) -> Self::Found {
        EncodedAs(PhantomData)
    }
}

/// What an answer `V` must be, or have in it, to be kept in Redis or on disk.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in Redis or on disk",
    label = "`{Self}` is not `Serialize + DeserializeOwned`",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}` or to the types in it, or keep it in memory only with `layers = \"mem\"`",
    note = "an `Arc` within `{Self}` needs serde's feature `rc`"
)]
pub trait Storable<V> {
    /// How a `V` becomes bytes and comes back.
    #[must_use]
    fn codec() -> Codec<V>;
}

// Else the compiler would speak of serde's traits, one error each, in place of the message above.
#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned> Storable<V> for V {
    fn codec() -> Codec<V> {
        Codec::new()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable<Option<T>> for T {
    fn codec() -> Codec<Option<T>> {
        Codec::new()
    }
}

// Of `str` and of slices only a `Box` can be read back; of every other type one can where the type itself can.
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Storable<Arc<T>> for T
where
    Box<T>: DeserializeOwned,
{
    fn codec() -> Codec<Arc<T>> {
        Codec::of_shared()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Storable<Option<Arc<T>>> for T
where
    Box<T>: DeserializeOwned,
{
    fn codec() -> Codec<Option<Arc<T>>> {
        Codec::of_optional_shared()
    }
}

impl<V, T: Storable<V> + ?Sized> EncodedAs<V, T> {
    /// How it becomes bytes.
    #[must_use]
    pub fn codec(&self) -> Option<Codec<V>> {
        Some(T::codec())
    }
}

/// The answer of [`EncodedAs`] for everything that cannot become bytes: it stays in memory.
pub trait NoCodec<V> {
    /// It cannot.
    fn codec(&self) -> Option<Codec<V>> {
        None
    }
}

impl<V, T: ?Sized> NoCodec<V> for EncodedAs<V, T> {}

/// The codec of a type that a byte layer was named for; fails to compile where there is none.
#[must_use]
pub fn require_codec<V, T: Storable<V> + ?Sized>(_: EncodedAs<V, T>) -> Codec<V> {
    T::codec()
}

#[cfg(test)]
mod tests;
