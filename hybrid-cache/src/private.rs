//! Everything that generated code may call, and nothing else does. Not public: it changes without notice.

pub use crate::{
    answer::Answer,
    cached_fn::CachedFn,
    definition::{Abilities, Definition},
    effects::{
        Answered, Before, BeforeOwned, Called, CalledAtOnce, Effect, NoAnswer, NotAResult, PutIn, Returned,
        body,
        name::{Message, wrong_parameter},
        require_result,
        wait::wait,
    },
    error::LayerKind,
    instances::Instances,
    invalidated::Invalidated,
    key::{Key, text::KeyText, writer::KeyWriter},
    outcome::{
        CacheProbe, CloneError, CloneProbe, DeadlineError, Divided, EqProbe, Infallible, IsNone, Kept,
        NeverNone, NotClone, NotEq, OptionProbe, Outcome, Probe, ReturnedError, ReturnedValue, Returns, Same,
        Uncacheable,
        hold::{BOXED, HeldBoxed, HoldProbe, best as best_held},
        require::{require_cacheable, require_clone_error, require_deadline_error, require_passed_on},
        require_seen_through,
    },
    size::{
        MayTellSize, Measured, NoSize, SharedSize, SizeProbe, TellsSize, Unmeasured, Weigh, require_size,
    },
    stats::Stats,
    storable::{CodecProbe, EncodedAs, NoCodec, OwnEncoding, Storable, require_codec},
    warm::{Progress, Warm, Warmed},
};

use std::{
    borrow::{Borrow, ToOwned},
    pin::Pin,
    sync::Arc,
};

/// What a companion struct is: the type of one cached function, which returns an `A`.
///
/// `A` is a parameter, although a function returns one type only: what an implementation names may be no less visible than
/// the trait, its parameters and the struct together, so that a `pub` function may return a type that is not.
pub trait Typed<A> {
    /// What the function returns.
    type Returned: Divided;
    /// What is kept of it.
    type Outcome: Outcome<Returned = Self::Returned>;
}

/// A function with one cache.
pub trait Function<A>: Typed<A> {
    /// The function's cache; made by the first who asks.
    fn cache() -> &'static Arc<CachedFn<Self::Outcome>>;
}

/// The cache of the function whose companion is `C` and that returns an `A`, as its static holds it.
pub type CacheOf<C, A> = Arc<CachedFn<<C as Typed<A>>::Outcome>>;

/// The same of a function that returns what `D` says and that is kept if it is `CACHEABLE`, in memory as `HELD` says.
pub type Cache<D, const CACHEABLE: bool, const HELD: u8> = Arc<CachedFn<Kept<D, CACHEABLE, HELD>>>;

/// The value of what `D` says a function returns.
pub type DividedValue<D> = <D as Divided>::Value;

/// The error of what `D` says a function returns.
pub type DividedError<D> = <D as Divided>::Error;

/// What is kept of the answers of the function whose companion is `C` and that returns an `A`.
pub type ValueOf<C, A> = <<C as Typed<A>>::Returned as Divided>::Value;

/// What the function whose companion is `C` and that returns an `A` fails with.
pub type ErrorOf<C, A> = <<C as Typed<A>>::Returned as Divided>::Error;

/// An argument that the caller lends us, made ours to take along into a task.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made owned for a load, which may outlive the call",
    label = "what is borrowed here must be `Clone + Send + Sync + 'static`",
    note = "derive `Clone` for it, take an owned argument, for example an `Arc` (a method: `self: &Arc<Self>`), or run loads in the caller's task with `#[cached(inline)]`"
)]
pub trait Own {
    /// What it is when it is ours.
    type Owned: Send + Sync + 'static;

    /// Makes it ours.
    fn own(self) -> Self::Owned;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned + ?Sized> Own for &T
where
    T::Owned: Send + Sync + 'static,
{
    type Owned = T::Owned;

    fn own(self) -> T::Owned {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned + ?Sized> Own for Option<&T>
where
    T::Owned: Send + Sync + 'static,
{
    type Owned = Option<T::Owned>;

    fn own(self) -> Option<T::Owned> {
        self.map(ToOwned::to_owned)
    }
}

/// A load as the runtime takes it, which runs in a task of its own.
///
/// Named for the compiler: it says of a body that is not `Send` which value is held across which `.await`, and then that
/// this is "required by a bound in" the name, with the line that has the bound.
pub fn is_cached_so_it_must_be_send<F>(body: F) -> Pin<Box<dyn Future<Output = F::Output> + Send>>
where
    F: Future + Send + 'static, // its load may move to another thread; with `#[cached(inline)]` it stays with its caller
{
    Box::pin(body)
}

/// What was made ours, lent again as an `L`.
pub trait Lend<'a, L> {
    /// Lends it.
    fn lend(&'a self) -> L;
}

impl<'a, O: Borrow<T>, T: ?Sized> Lend<'a, &'a T> for O {
    fn lend(&'a self) -> &'a T {
        self.borrow()
    }
}

impl<'a, O: Borrow<T>, T: ?Sized> Lend<'a, Option<&'a T>> for Option<O> {
    fn lend(&'a self) -> Option<&'a T> {
        self.as_ref().map(Borrow::borrow)
    }
}

/// Lends what [`Own::own`] made ours, as the argument that it was.
pub fn borrow<'a, O: Lend<'a, L>, L>(owned: &'a O) -> L {
    owned.lend()
}

/// The keys that `write` writes of these arguments.
pub fn keys<A>(arguments: impl IntoIterator<Item = A>, write: impl Fn(&mut KeyText, A)) -> Vec<KeyText> {
    let key = |arguments| {
        let mut text = KeyText::new();
        write(&mut text, arguments);
        text
    };
    arguments.into_iter().map(key).collect()
}

/// Warms a function with these calls of its `with_info`.
pub fn warm<'a, C, F, T>(calls: C) -> Warm<'a, C::IntoIter>
where
    C: IntoIterator<Item = F>,
    F: Future<Output = Answer<T>>,
{
    Warm::new(calls.into_iter())
}
