//! What `#[invalidates]` and `#[updates]` make of a function: whether it succeeded, what its arguments were before
//! its body ran, and what is done to cached answers afterwards. Generated code calls this.
//!
//! Companions come in two kinds: those of an `async fn` are futures, those of a `fn` have done their work when they
//! return. As in [`outcome`](crate::outcome) the compiler is asked which one it is: an inherent method wins over
//! one of a trait.

pub(crate) mod name;
pub(crate) mod wait;

use std::{borrow::Borrow, marker::PhantomData, sync::Arc};

use futures_util::future::join;

/// What tells whether a function succeeded: a `Result`, under whatever name.
#[diagnostic::on_unimplemented(
    message = "whether this function succeeded cannot be told from `{Self}`, and only then are cached answers changed",
    label = "is not a `Result`",
    note = "return a `Result`, from an `async fn` or a `fn`; or leave the attribute out and call the companion where it is due, for example `product::invalidate(id).await`"
)]
pub trait Succeeds {}

impl<T, E> Succeeds for Result<T, E> {}

/// Fails to compile, at the function's return type, where that does not tell whether the function succeeded.
pub const fn require_result<R: Succeeds>(_: &R) {}

/// What a function that is not done yet returned.
#[derive(Debug)]
pub struct Returned<R>(pub R);

/// A value and how it becomes the answer of its function again; or an answer without a value, which is returned at
/// once.
pub type Answered<V, R> = Result<(V, fn(V) -> R), R>;

impl<T, E> Returned<Result<T, E>> {
    /// What is in the `Ok`, apart from the error: the function's future would else have to hold that, and many errors
    /// are not `Send`.
    ///
    /// # Errors
    ///
    /// An `Err`.
    pub fn answered(self) -> Answered<T, Result<T, E>> {
        match self.0 {
            Ok(value) => Ok((value, Ok)),
            Err(error) => Err(Err(error)),
        }
    }
}

/// The value of what is not a `Result`. [`require_result`] says so, and is the only one to say anything.
#[derive(Debug)]
pub enum NoAnswer {}

/// How [`Returned`] answers for everything that is not a `Result`.
pub trait NotAResult<R> {
    /// Never a value.
    ///
    /// # Errors
    ///
    /// Always.
    fn answered(self) -> Answered<NoAnswer, R>;
}

impl<R> NotAResult<R> for Returned<R> {
    fn answered(self) -> Answered<NoAnswer, R> {
        Err(self.0)
    }
}

/// Runs the body of a function that is not async: once, so it may give away what it borrows.
pub fn body<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// An expression over the arguments of a function, before its body runs.
#[derive(Debug)]
pub struct Before<'a, T>(pub &'a T);

/// What was lent, made owned: the body may take what it was borrowed from.
#[derive(Debug)]
pub struct KeptLoan<O, T: ?Sized>(O, PhantomData<fn(&T)>);

/// What may have been lent.
#[derive(Debug)]
pub struct KeptOptionalLoan<O, T: ?Sized>(Option<O>, PhantomData<fn(&T)>);

/// What was owned, or can be copied, to be used once.
#[derive(Debug)]
pub struct KeptValue<T>(T);

/// What an expression lends.
pub trait Loan {
    /// The same, owned.
    type Kept;

    /// Makes it owned.
    fn kept(&self) -> Self::Kept;
}

impl<T: ToOwned + ?Sized> Loan for &T {
    type Kept = KeptLoan<T::Owned, T>;

    fn kept(&self) -> Self::Kept {
        KeptLoan(T::to_owned(self), PhantomData)
    }
}

/// As where `self` is `&mut Self`: the body has it all to itself.
impl<T: ToOwned + ?Sized> Loan for &mut T {
    type Kept = KeptLoan<T::Owned, T>;

    fn kept(&self) -> Self::Kept {
        KeptLoan(T::to_owned(self), PhantomData)
    }
}

impl<T: ToOwned + ?Sized> Loan for Option<&T> {
    type Kept = KeptOptionalLoan<T::Owned, T>;

    fn kept(&self) -> Self::Kept {
        KeptOptionalLoan(self.map(ToOwned::to_owned), PhantomData)
    }
}

impl<L: Loan> Before<'_, L> {
    /// Keeps it for after the body.
    #[must_use]
    pub fn keep(&self) -> L::Kept {
        self.0.kept()
    }
}

/// How everything else is kept that an expression can be.
pub trait BeforeOwned<T> {
    /// Keeps it for after the body.
    fn keep(&self) -> KeptValue<T>
    where
        T: KeptAfter;
}

impl<T> BeforeOwned<T> for Before<'_, T> {
    fn keep(&self) -> KeptValue<T>
    where
        T: KeptAfter,
    {
        KeptValue(self.0.clone())
    }
}

/// What the argument of an answer must be to be there when the body has run.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is needed after the body of this function, which may have taken it",
    label = "is not `Clone`",
    note = "derive `Clone` for `{Self}`, or give the answer's argument as an expression of another type, for example `user.id`"
)]
pub trait KeptAfter: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> KeptAfter for T {}

impl<T> KeptValue<T> {
    /// The value.
    pub fn get(self) -> T {
        self.0
    }
}

impl<O: Borrow<T>, T: ?Sized> KeptLoan<O, T> {
    /// The value, lent again.
    pub fn get(&self) -> &T {
        self.0.borrow()
    }
}

impl<O: Borrow<T>, T: ?Sized> KeptOptionalLoan<O, T> {
    /// The value, lent again.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref().map(Borrow::borrow)
    }
}

/// What calling a companion gave.
#[derive(Debug)]
pub struct Called<C>(pub C);

/// What is done to cached answers.
pub trait Effect {
    /// Whether anything of it is still to be done.
    const IS_DUE: bool;

    /// Does what is still to be done.
    fn run(self) -> impl Future<Output = ()>;
}

/// An effect that came about when its companion was called.
#[derive(Debug)]
pub struct Done;

/// An effect that comes about when the companion's future is polled.
#[derive(Debug)]
pub struct Due<F>(F);

impl<F: Future> Called<F> {
    /// What is still to be done.
    pub fn effect(self) -> Due<F> {
        Due(self.0)
    }
}

/// What everything but a future is that a companion gives.
pub trait CalledAtOnce: Sized {
    /// Nothing is to be done.
    fn effect(self) -> Done {
        Done
    }
}

impl<C> CalledAtOnce for Called<C> {}

impl Effect for Done {
    const IS_DUE: bool = false;

    async fn run(self) {}
}

impl<F: Future> Effect for Due<F> {
    const IS_DUE: bool = true;

    async fn run(self) {
        self.0.await;
    }
}

/// Both at once: who goes away while one is waited for has begun the other as well, and what an invalidation has
/// begun, it ends.
impl<A: Effect, B: Effect> Effect for (A, B) {
    const IS_DUE: bool = A::IS_DUE || B::IS_DUE;

    async fn run(self) {
        join(self.0.run(), self.1.run()).await;
    }
}

/// The value in the `Ok` of a function as the answer `V` of a cached function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be put in as an answer of the cached function, which is `{V}`",
    label = "is not `{V}`, or not `Clone`",
    note = "return `Result<{V}, ..>` from this function, or use `#[invalidates(..)]`, which needs no value"
)]
pub trait PutIn<V> {
    /// The answer.
    fn put_in(&self) -> V;
}

impl<T: Clone> PutIn<T> for T {
    fn put_in(&self) -> T {
        self.clone()
    }
}

/// Of a function that may not find what was asked for: it would now.
impl<T: Clone> PutIn<Option<T>> for T {
    fn put_in(&self) -> Option<T> {
        Some(self.clone())
    }
}

#[diagnostic::do_not_recommend]
impl<V> PutIn<V> for NoAnswer {
    fn put_in(&self) -> V {
        match *self {}
    }
}

impl<T: Clone> PutIn<Arc<T>> for T {
    fn put_in(&self) -> Arc<T> {
        Arc::new(self.clone())
    }
}
