//! What a function returns, taken apart by its type: the value to keep, the error to pass on.
//!
//! An attribute sees only tokens, and `type Loaded<T> = Result<T, DbError>` does not look like a `Result`. So the
//! expansion asks the compiler instead: an associated constant of an inherent `impl` wins over one of a trait, so
//! [`Probe::<O>::FALLIBLE`](Probe) is `true` for every spelling of `Result` and [`Infallible::FALLIBLE`] otherwise.
//! The constant then selects one of two implementations of [`Divided`], and [`CacheProbe`] one of [`Outcome`]. The
//! abilities that are asked for by value ([`OptionProbe`], [`CloneProbe`], [`EqProbe`]) use inherent methods in the same way.

pub(crate) mod hold;
pub(crate) mod require;

use std::marker::PhantomData;

use self::{
    hold::{BOXED, Hold, Holding},
    require::{GivenToMany, GivenToThreads, PassedOn},
};
use crate::{definition::Abilities, error::DeadlineExceeded};

/// A return type taken apart, whatever its parts can do. What the user is spoken to about is named by this.
pub trait Divided {
    /// The return type itself.
    type Output;
    /// What is to be kept.
    type Value;
    /// What is returned and not kept.
    type Error;
}

/// What a function returns that returns `O`, with `FALLIBLE` as [`Probe`] found it.
#[derive(Debug)]
pub struct Returns<O, const FALLIBLE: bool>(PhantomData<fn() -> O>);

impl<T, E> Divided for Returns<Result<T, E>, true> {
    type Output = Result<T, E>;
    type Value = T;
    type Error = E;
}

impl<T> Divided for Returns<T, false> {
    type Output = T;
    type Value = T;
    type Error = NoError;
}

/// The error of a function that returns none.
#[derive(Debug, Clone, Copy)]
pub enum NoError {}

// What an option has to say of a function without errors, it says itself; the compiler would speak of this type.
impl From<DeadlineExceeded> for NoError {
    fn from(_: DeadlineExceeded) -> Self {
        unreachable!("{NEVER_RUN}")
    }
}

/// How the return type of a cached function divides into a value that is kept and an error that is not.
pub trait Outcome: 'static {
    /// The value and the error as they stand in the function's signature.
    type Returned: Divided<Output = Self::Output>;
    /// The return type itself.
    type Output: 'static;
    /// What is kept.
    type Value: Clone + Send + Sync + 'static;
    /// What is returned and not kept.
    type Error: Send + 'static;
    /// How memory holds a value.
    type Holding: Hold<Self::Value>;

    /// Takes the function's answer apart.
    ///
    /// # Errors
    ///
    /// The function's own.
    fn split(output: Self::Output) -> Result<Self::Value, Self::Error>;

    /// Makes the function's answer of a kept value, or of an error.
    fn join(result: Result<Self::Value, Self::Error>) -> Self::Output;

    /// What is kept of a value that the user has.
    fn keep(value: ReturnedValue<Self>) -> Self::Value;

    /// A kept value, for the user.
    fn give(value: Self::Value) -> ReturnedValue<Self>;

    /// What the compiler found out about the types of the signature, as it holds for what is kept.
    fn able(
        returned: Abilities<ReturnedValue<Self>, ReturnedError<Self>>,
    ) -> Abilities<Self::Value, Self::Error>;
}

/// The value of a function's signature, of its [`Outcome`].
pub type ReturnedValue<R> = <<R as Outcome>::Returned as Divided>::Value;

/// What memory holds of a value, of its [`Outcome`].
pub(crate) type Held<R> = <<R as Outcome>::Holding as Hold<<R as Outcome>::Value>>::Held;

/// The error of a function's signature, of its [`Outcome`].
pub type ReturnedError<R> = <<R as Outcome>::Returned as Divided>::Error;

/// The [`Outcome`] of what [`Returns`] says, with `CACHEABLE` as [`CacheProbe`] found it. Memory holds it as `HELD`
/// says (`outcome/hold.rs`).
///
/// Of parts that cannot be kept nothing ever is: such a function does not compile, and
/// [`require_cacheable`](require::require_cacheable) or [`require_passed_on`](require::require_passed_on) says why. They
/// say it alone if everything else still means something to the compiler; so there is an outcome for it all the same.
#[derive(Debug)]
pub struct Kept<D, const CACHEABLE: bool, const HELD: u8 = BOXED>(PhantomData<fn() -> D>);

impl<T, E, const HELD: u8> Outcome for Kept<Returns<Result<T, E>, true>, true, HELD>
where
    T: Clone + Send + Sync + 'static,
    E: Send + 'static,
    Holding<HELD>: Hold<T>,
{
    type Returned = Returns<Result<T, E>, true>;
    type Output = Result<T, E>;
    type Value = T;
    type Error = E;
    type Holding = Holding<HELD>;

    fn split(output: Result<T, E>) -> Result<T, E> {
        output
    }

    fn join(result: Result<T, E>) -> Result<T, E> {
        result
    }

    fn keep(value: T) -> T {
        value
    }

    fn give(value: T) -> T {
        value
    }

    fn able(returned: Abilities<T, E>) -> Abilities<T, E> {
        returned
    }
}

impl<T, const HELD: u8> Outcome for Kept<Returns<T, false>, true, HELD>
where
    T: Clone + Send + Sync + 'static,
    Holding<HELD>: Hold<T>,
{
    type Returned = Returns<T, false>;
    type Output = T;
    type Value = T;
    type Error = NoError;
    type Holding = Holding<HELD>;

    fn split(output: T) -> Result<T, NoError> {
        Ok(output)
    }

    fn join(result: Result<T, NoError>) -> T {
        match result {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    fn keep(value: T) -> T {
        value
    }

    fn give(value: T) -> T {
        value
    }

    fn able(returned: Abilities<T, NoError>) -> Abilities<T, NoError> {
        returned
    }
}

/// What is kept of what cannot be kept.
#[derive(Debug, Clone, Copy)]
pub enum NoValue {}

impl<D: Divided<Output: 'static> + 'static, const HELD: u8> Outcome for Kept<D, false, HELD> {
    type Returned = D;
    type Output = D::Output;
    type Value = NoValue;
    type Error = NoError;
    type Holding = Holding<BOXED>;

    fn split(_: D::Output) -> Result<NoValue, NoError> {
        unreachable!("{NEVER_RUN}")
    }

    fn join(result: Result<NoValue, NoError>) -> D::Output {
        match result {
            Ok(never) => match never {},
            Err(never) => match never {},
        }
    }

    fn keep(_: D::Value) -> NoValue {
        unreachable!("{NEVER_RUN}")
    }

    fn give(never: NoValue) -> D::Value {
        match never {}
    }

    fn able(_: Abilities<D::Value, D::Error>) -> Abilities<NoValue, NoError> {
        unreachable!("{NEVER_RUN}")
    }
}

const NEVER_RUN: &str = "such a function does not compile";

/// Asks whether values `V` can be kept and errors `E` passed on.
#[derive(Debug)]
pub struct CacheProbe<V, E>(PhantomData<fn() -> (V, E)>);

impl<V: GivenToMany + GivenToThreads, E: PassedOn> CacheProbe<V, E> {
    /// They can.
    pub const CACHEABLE: bool = true;
}

/// The answer of [`CacheProbe`] for everything else.
pub trait Uncacheable {
    /// They cannot.
    const CACHEABLE: bool = false;
}

impl<V, E> Uncacheable for CacheProbe<V, E> {}

/// Asks whether `O` is a `Result`.
#[derive(Debug)]
pub struct Probe<O>(PhantomData<fn() -> O>);

impl<T, E> Probe<Result<T, E>> {
    /// It is.
    pub const FALLIBLE: bool = true;
    /// For where only the spelling was asked, and that did not say so.
    pub const SEEN: HiddenResult = HiddenResult;
}

/// The answer of [`Probe`] for everything that is not a `Result`.
pub trait Infallible {
    /// It is not a `Result`.
    const FALLIBLE: bool = false;
    /// As its spelling says.
    const SEEN: PlainAnswer = PlainAnswer;
}

/// A `Result` under another name.
#[derive(Debug)]
pub struct HiddenResult;

/// Not a `Result`.
#[derive(Debug)]
pub struct PlainAnswer;

/// What the spelling of a generic answer that is not spelled `Result` has to be.
#[diagnostic::on_unimplemented(
    message = "this answer is a `Result` under another name",
    label = "write `Result<..>` here",
    note = "the answer of a generic function is known by its spelling only, and errors would be kept like answers"
)]
pub trait SeenThrough {}

impl SeenThrough for PlainAnswer {}

/// Fails to compile where the spelling hides a `Result`.
pub const fn require_seen_through<S: SeenThrough>(_: &S) {}

impl<O> Infallible for Probe<O> {}

/// Whether a kept value is a `None`.
pub type IsNone<V> = fn(&V) -> bool;

/// How to give several waiters the same error.
pub type CloneError<E> = fn(&E) -> E;

/// Whether two values are equal.
pub type Same<V> = fn(&V, &V) -> bool;

/// How a deadline becomes the function's own error.
pub type DeadlineError<E> = fn(DeadlineExceeded) -> E;

/// Asks whether `V` is an `Option`.
#[derive(Debug)]
pub struct OptionProbe<V>(PhantomData<fn() -> V>);

/// Asks whether `E` can be cloned.
#[derive(Debug)]
pub struct CloneProbe<E>(PhantomData<fn() -> E>);

/// Asks whether values `V` can be compared.
#[derive(Debug)]
pub struct EqProbe<V>(PhantomData<fn() -> V>);

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

probes! { OptionProbe CloneProbe EqProbe }

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

impl<V: PartialEq> EqProbe<V> {
    /// How to compare them.
    #[must_use]
    pub fn same(&self) -> Option<Same<V>> {
        Some(V::eq)
    }
}

/// The answer of [`EqProbe`] for everything that cannot be compared.
pub trait NotEq<V> {
    /// They cannot.
    fn same(&self) -> Option<Same<V>> {
        None
    }
}

impl<V> NotEq<V> for EqProbe<V> {}
