//! What a function returns, taken apart by its type: the value to keep, the error to pass on.
//!
//! An attribute sees only tokens, and `type Loaded<T> = Result<T, DbError>` does not look like a `Result`. So the
//! expansion asks the compiler instead: an associated constant of an inherent `impl` wins over one of a trait, so
//! [`Probe::<O>::FALLIBLE`](Probe) is `true` for every spelling of `Result` and [`Infallible::FALLIBLE`] otherwise. The
//! constant then selects one of two implementations of [`Outcome`]. The abilities that are asked for by value
//! ([`CodecProbe`], [`OptionProbe`], [`CloneProbe`]) use inherent methods in the same way.

use std::{convert, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{error::DeadlineExceeded, record::codec::Codec};

/// How the return type of a cached function divides into a value that is kept and an error that is not.
pub trait Outcome: 'static {
    /// The return type itself.
    type Output: 'static;
    /// What is kept.
    type Value: Clone + Send + Sync + 'static;
    /// What is returned and not kept.
    type Error: Send + 'static;

    /// Takes the function's answer apart.
    ///
    /// # Errors
    ///
    /// The function's own.
    fn split(output: Self::Output) -> Result<Self::Value, Self::Error>;

    /// Makes the function's answer of a kept value, or of an error.
    fn join(result: Result<Self::Value, Self::Error>) -> Self::Output;
}

/// The [`Outcome`] of a function that returns `O`, with `FALLIBLE` as [`Probe`] found it.
#[derive(Debug)]
pub struct Returns<O, const FALLIBLE: bool>(PhantomData<fn() -> O>);

impl<T, E> Outcome for Returns<Result<T, E>, true>
where
    T: Clone + Send + Sync + 'static,
    E: Send + 'static,
{
    type Output = Result<T, E>;
    type Value = T;
    type Error = E;

    fn split(output: Result<T, E>) -> Result<T, E> {
        output
    }

    fn join(result: Result<T, E>) -> Result<T, E> {
        result
    }
}

impl<T: Clone + Send + Sync + 'static> Outcome for Returns<T, false> {
    type Output = T;
    type Value = T;
    type Error = convert::Infallible;

    fn split(output: T) -> Result<T, convert::Infallible> {
        Ok(output)
    }

    fn join(result: Result<T, convert::Infallible>) -> T {
        match result {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }
}

/// Asks whether `O` is a `Result`.
#[derive(Debug)]
pub struct Probe<O>(PhantomData<fn() -> O>);

impl<T, E> Probe<Result<T, E>> {
    /// It is.
    pub const FALLIBLE: bool = true;
}

/// The answer of [`Probe`] for everything that is not a `Result`.
pub trait Infallible {
    /// It is not a `Result`.
    const FALLIBLE: bool = false;
}

impl<O> Infallible for Probe<O> {}

/// Whether a kept value is a `None`.
pub type IsNone<V> = fn(&V) -> bool;

/// How to give several waiters the same error.
pub type CloneError<E> = fn(&E) -> E;

/// How a deadline becomes the function's own error.
pub type DeadlineError<E> = fn(DeadlineExceeded) -> E;

/// Asks whether `V` is an `Option`.
#[derive(Debug)]
pub struct OptionProbe<V>(PhantomData<fn() -> V>);

/// Asks whether `E` can be cloned.
#[derive(Debug)]
pub struct CloneProbe<E>(PhantomData<fn() -> E>);

/// Asks whether `V` can be turned into bytes and back.
#[derive(Debug)]
pub struct CodecProbe<V>(PhantomData<fn() -> V>);

macro_rules! probes {
    ($($probe:ident)*) => {
        $(impl<T> $probe<T> {
            /// A question that has not been asked yet.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "only generated code makes one")]
            pub const fn new() -> Self {
                Self(PhantomData)
            }
        })*
    };
}

probes! { OptionProbe CloneProbe CodecProbe }

impl<T> OptionProbe<Option<T>> {
    /// It is.
    pub const OPTIONAL: bool = true;

    /// How to tell whether it is `None`.
    #[must_use]
    pub fn is_none(&self) -> Option<IsNone<Option<T>>> {
        Some(Option::is_none)
    }
}

/// The answer of [`OptionProbe`] for everything that is not an `Option`.
pub trait NeverNone<V> {
    /// It is not an `Option`.
    const OPTIONAL: bool = false;

    /// Nothing to tell.
    fn is_none(&self) -> Option<IsNone<V>> {
        None
    }
}

impl<V> NeverNone<V> for OptionProbe<V> {}

impl<E: Clone> CloneProbe<E> {
    /// How to clone it.
    #[must_use]
    pub fn clone_fn(&self) -> Option<CloneError<E>> {
        Some(E::clone)
    }
}

/// The answer of [`CloneProbe`] for everything that cannot be cloned.
pub trait NotClone<E> {
    /// It cannot.
    fn clone_fn(&self) -> Option<CloneError<E>> {
        None
    }
}

impl<E> NotClone<E> for CloneProbe<E> {}

impl<V: Serialize + DeserializeOwned> CodecProbe<V> {
    /// How it becomes bytes.
    #[must_use]
    pub fn codec(&self) -> Option<Codec<V>> {
        Some(Codec::new())
    }
}

/// The answer of [`CodecProbe`] for everything that cannot become bytes: it stays in memory.
pub trait NoCodec<V> {
    /// It cannot.
    fn codec(&self) -> Option<Codec<V>> {
        None
    }
}

impl<V> NoCodec<V> for CodecProbe<V> {}

/// What an answer must be to be kept in Redis or on disk.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in Redis or on disk",
    label = "is not `Serialize + DeserializeOwned`",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`, or keep it in memory only with `layers = \"mem\"`"
)]
pub trait Storable: Serialize + DeserializeOwned {}

// Else the compiler would speak of serde's traits, one error each, in place of the message above.
#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned> Storable for V {}

/// The codec of a type that a byte layer was named for.
#[must_use]
pub fn require_codec<V: Storable>() -> Codec<V> {
    Codec::new()
}

/// What an answer must be to be kept at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "is not `Clone + Send + Sync + 'static`",
    note = "a cached answer is handed to many callers on many threads; derive `Clone`, or return an `Arc<{Self}>`"
)]
pub trait Cacheable: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<V: Clone + Send + Sync + 'static> Cacheable for V {}

/// Fails to compile, at the user's type, where that cannot be kept.
pub const fn require_cacheable<V: Cacheable>() {}

/// What an error must be to be kept with `err_ttl`.
#[diagnostic::on_unimplemented(
    message = "`err_ttl` needs errors that can be cloned, and `{Self}` cannot",
    label = "is not `Clone`",
    note = "derive `Clone` for `{Self}`, return the error in an `Arc`, or leave `err_ttl` out"
)]
pub trait KeepableError: Clone {}

#[diagnostic::do_not_recommend]
impl<E: Clone> KeepableError for E {}

/// How errors are kept and given out again.
#[must_use]
pub fn require_clone_error<E: KeepableError>() -> CloneError<E> {
    E::clone
}

/// What an error must be for a function with a `deadline`.
#[diagnostic::on_unimplemented(
    message = "`deadline` needs a `Result` whose error can tell that the deadline has passed",
    label = "`{Self}` is not `From<hybrid_cache::DeadlineExceeded>`",
    note = "return a `Result`, write `impl From<hybrid_cache::DeadlineExceeded>` for its error, or leave `deadline` out"
)]
pub trait TellsDeadline: From<DeadlineExceeded> {}

#[diagnostic::do_not_recommend]
impl<E: From<DeadlineExceeded>> TellsDeadline for E {}

/// How a deadline becomes the function's own error.
#[must_use]
pub fn require_deadline_error<E: TellsDeadline>() -> DeadlineError<E> {
    E::from
}
