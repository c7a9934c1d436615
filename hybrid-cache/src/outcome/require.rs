//! What the types in a cached function's signature must be able to do, in words for whoever has to change them.

use super::{CloneError, DeadlineError};
use crate::error::DeadlineExceeded;

/// What an answer must be to be given to more than one caller.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "is not `Clone`",
    note = "a cached answer is handed to many callers; derive `Clone` for `{Self}`, or return an `Arc<{Self}>`",
    note = "what can be used up only once (a response, a stream, a connection, a guard) is of no use to a second caller, in an `Arc` neither: read it in the body and return what was in it"
)]
pub trait GivenToMany: Clone {}

#[diagnostic::do_not_recommend]
impl<V: Clone> GivenToMany for V {}

/// What an answer must be to be given to callers wherever they run.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "is not `Send + Sync + 'static`",
    note = "a cached answer is handed to callers on many threads; return a type that can be, for example with `Arc` in place of `Rc`, `Mutex` in place of `RefCell`, and `dyn Trait + Send + Sync` in place of `dyn Trait`",
    note = "what can be used up only once (a response, a stream, a connection, a guard) is of no use to a second caller: read it in the body and return what was in it"
)]
pub trait GivenToThreads: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<V: Send + Sync + 'static> GivenToThreads for V {}

/// Fails to compile, at the user's type, where that cannot be kept.
pub const fn require_cacheable<V: GivenToMany + GivenToThreads>() {}

/// What an error must be to be passed on at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a cached function",
    label = "is not `Send + 'static`",
    note = "a load may run on another thread than its caller; return an error that is `Send`, for example with `Arc` in place of `Rc` and `Box<dyn Error + Send + Sync>` in place of `Box<dyn Error>`"
)]
pub trait PassedOn: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Send + 'static> PassedOn for E {}

/// Fails to compile, at the user's error type, where that cannot be passed on.
pub const fn require_passed_on<E: PassedOn>() {}

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
    message = "`deadline` needs an error that can tell that the deadline has passed",
    label = "`{Self}` is not `From<hybrid_cache::DeadlineExceeded>`",
    note = "write `impl From<hybrid_cache::DeadlineExceeded> for {Self}`, return an error that has it, or leave `deadline` out"
)]
pub trait TellsDeadline: From<DeadlineExceeded> {}

#[diagnostic::do_not_recommend]
impl<E: From<DeadlineExceeded>> TellsDeadline for E {}

/// How a deadline becomes the function's own error.
#[must_use]
pub fn require_deadline_error<E: TellsDeadline>() -> DeadlineError<E> {
    E::from
}
