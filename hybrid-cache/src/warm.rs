//! Many calls of one function ahead of time: a bounded number at once, with a word about progress. Knows nothing of what a
//! call does.

use std::{
    fmt,
    iter::Fuse,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{StreamExt, stream::FuturesUnordered};

use crate::answer::Answer;

/// How many calls are under way at once unless [`Warm::concurrency`] says otherwise.
const CONCURRENCY: usize = 16;

/// After so many calls that had their answers at once, other tasks have their turn.
const CALLS_AT_A_STRETCH: usize = 64;

/// Calls a cached function with many arguments, so that their answers are there when they are needed: what the companion
/// `warm` returns. Does nothing until it is awaited; then it is a [`Warmed`], which says what happened.
///
/// Each is an ordinary call: what is cached already is not computed again, and a call that somebody else makes at the same
/// time shares its load. (In the scope of [`refreshing`](crate::refreshing()) all are computed anew.) At most 16 are under way
/// at once; see [`concurrency`](Self::concurrency).
///
/// A call that returns an error is counted as failed, and the others go on. A body that panics ends it with that panic.
/// Dropped half-way, it starts no more calls; loads that are running go on to their end, unless the function is `inline`.
///
/// ```
/// # use hybrid_cache::{Answer, Warm};
/// # async fn example<F: Future<Output = Answer<u64>>>(warm: Warm<'_, impl Iterator<Item = F>>) {
/// // `let warm = product::warm(ids);`
/// let warmed = warm.concurrency(8).on_progress(|progress| println!("{progress}")).await;
/// println!("{warmed}");                               // 98 loaded, 2 cached already, 0 failed
/// # }
/// ```
#[must_use = "nothing is loaded until it is awaited"]
pub struct Warm<'a, C: Iterator> {
    calls: Fuse<C>,
    running: FuturesUnordered<C::Item>,
    concurrency: usize,
    on_progress: Option<Box<dyn FnMut(Progress) + Send + 'a>>,
    progress: Progress,
}

impl<'a, C: Iterator> Warm<'a, C> {
    pub(crate) fn new(calls: C) -> Self {
        let total = match calls.size_hint() {
            (least, Some(most)) if least == most => Some(most),
            _ => None,
        };
        Self {
            calls: calls.fuse(),
            running: FuturesUnordered::new(),
            concurrency: CONCURRENCY,
            on_progress: None,
            progress: Progress { so_far: Warmed::default(), total },
        }
    }

    /// How many calls are under way at once. Default: 16. Zero counts as one.
    ///
    /// A function's own `max_loads` holds beside this.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls.max(1);
        self
    }

    /// Calls `report` after each call that has ended, in the task that awaits this: to draw a bar, or to write a line now and
    /// then. It holds everything up while it runs, so it should be quick.
    ///
    /// A second `report` takes the place of the first.
    pub fn on_progress(mut self, report: impl FnMut(Progress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    fn count<T>(&mut self, answer: &Answer<T>) {
        let Warmed { loaded, cached, failed } = &mut self.progress.so_far;
        *match (answer.failed, answer.layer) {
            (true, _) => failed,
            (false, None) => loaded,
            (false, Some(_)) => cached,
        } += 1;
        if let Some(report) = &mut self.on_progress {
            report(self.progress);
        }
    }
}

/// Nothing in it is pinned: the calls are in boxes of their own once they are polled.
impl<C: Iterator> Unpin for Warm<'_, C> {}

impl<C, F, T> Future for Warm<'_, C>
where
    C: Iterator<Item = F>,
    F: Future<Output = Answer<T>>,
{
    type Output = Warmed;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Warmed> {
        for _ in 0..CALLS_AT_A_STRETCH {
            while self.running.len() < self.concurrency {
                let Some(call) = self.calls.next() else { break };
                self.running.push(call);
            }
            match ready!(self.running.poll_next_unpin(context)) {
                Some(answer) => self.count(&answer),
                None => return Poll::Ready(self.progress.so_far),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<C: Iterator> fmt::Debug for Warm<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { concurrency, progress, .. } = self;
        f.debug_struct("Warm")
            .field("concurrency", concurrency)
            .field("progress", progress)
            .finish_non_exhaustive()
    }
}

/// How far a [`Warm`] has come. Its `Display` is `37 of 100, 2 failed`, or `37, 2 failed` where the number of calls is not
/// known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    so_far: Warmed,
    total: Option<usize>,
}

impl Progress {
    /// Calls that have ended, with an answer or with an error.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.so_far.total()
    }

    /// Those among them that returned an error.
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.so_far.failed
    }

    /// How many calls there are; `None` if the iterator of their arguments could not say.
    #[must_use]
    pub const fn total(&self) -> Option<usize> {
        self.total
    }

    /// What the calls so far have achieved.
    #[must_use]
    pub const fn so_far(&self) -> Warmed {
        self.so_far
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.done())?;
        if let Some(total) = self.total {
            write!(f, " of {total}")?;
        }
        write!(f, ", {} failed", self.failed())
    }
}

/// What a [`Warm`] has achieved. Its `Display` is `98 loaded, 2 cached already, 0 failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Warmed {
    loaded: usize,
    cached: usize,
    failed: usize,
}

impl Warmed {
    /// Calls whose answer was computed, by their own load or by one that they waited for.
    #[must_use]
    pub const fn loaded(&self) -> usize {
        self.loaded
    }

    /// Calls whose answer was in a layer already.
    #[must_use]
    pub const fn cached(&self) -> usize {
        self.cached
    }

    /// Calls that returned an error.
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.loaded + self.cached + self.failed
    }
}

impl fmt::Display for Warmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loaded, cached, failed } = self;
        write!(f, "{loaded} loaded, {cached} cached already, {failed} failed")
    }
}
