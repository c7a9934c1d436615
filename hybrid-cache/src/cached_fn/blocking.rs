//! Calls, and what companions do, for functions that are not `async`: the same order of events, with the thread blocked
//! until it has come to its end.
//!
//! Nothing here may depend on a tokio runtime. There may be none; and where there is one, its only thread may be the one
//! that is blocked. So bodies run in their caller's thread, work goes to its end in place instead of in a task of its own,
//! and what remains to be done afterwards is the [`copier`](super::copier)'s. What a waiting thread is woken by is another
//! thread that leads, the clock's, or those of the disk layer.

use std::sync::Arc;

use super::{
    CachedFn,
    park::{block_on, block_on_anywhere},
};
use crate::{
    answer::Answer,
    invalidated::Invalidated,
    key::text::KeyText,
    outcome::{Outcome, ReturnedValue},
};

impl<R: Outcome> CachedFn<R> {
    /// The answer of a call that [`hit`](Self::hit) could not answer. The body runs in this thread; others that want the
    /// same answer wait for it.
    ///
    /// # Panics
    ///
    /// If the body does. Then one of those who wait runs its own.
    pub fn load_blocking(self: &Arc<Self>, key: KeyText, body: impl FnOnce() -> R::Output) -> R::Output {
        block_on(self.load_inline(key, async move { body() }))
    }

    /// A whole call, [`hit`](Self::hit) included, whose answer tells where it came from.
    ///
    /// # Panics
    ///
    /// If the body does.
    pub fn with_info_blocking(
        self: &Arc<Self>,
        key: KeyText,
        body: impl FnOnce() -> R::Output,
    ) -> Answer<R::Output> {
        block_on(self.with_info_inline(key, async move { body() }))
    }

    /// Computes the answer anew and stores it, whatever is stored.
    ///
    /// # Panics
    ///
    /// If the body does.
    pub fn refresh_blocking(self: &Arc<Self>, key: KeyText, body: impl FnOnce() -> R::Output) -> R::Output {
        block_on(self.refresh_inline(key, async move { body() }))
    }

    /// Forgets one answer in every layer.
    pub fn invalidate_blocking(self: &Arc<Self>, key: KeyText) -> Invalidated {
        block_on_anywhere(self.here().forget_one(key))
    }

    /// Forgets some answers in every layer. What each layer is said to have achieved is the least that it did for one.
    pub fn invalidate_many_blocking(self: &Arc<Self>, keys: Vec<KeyText>) -> Invalidated {
        block_on_anywhere(self.here().forgetting_many(keys))
    }

    /// Forgets all answers in every layer, in constant time.
    pub fn invalidate_all_blocking(self: &Arc<Self>) -> Invalidated {
        block_on_anywhere(self.here().forgetting_all())
    }

    /// Ends the life of one answer in every layer: from now on it may only be returned as what comes after its life.
    pub fn expire_blocking(self: &Arc<Self>, key: KeyText) -> Invalidated {
        block_on_anywhere(self.here().expiring(key))
    }

    /// Stores an answer that the caller already has, in every layer, and forgets the one before it.
    pub fn put_blocking(self: &Arc<Self>, key: KeyText, value: ReturnedValue<R>) {
        block_on_anywhere(self.here().putting(key, R::keep(value)));
    }

    /// The answer that a call would be given now without loading. Loads nothing, copies nothing, counts nothing.
    pub fn peek_blocking(self: &Arc<Self>, key: KeyText) -> Option<ReturnedValue<R>> {
        block_on(self.peek(key))
    }
}
