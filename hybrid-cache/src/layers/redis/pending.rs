//! Removals that Redis has not confirmed yet.
//!
//! A plain table, no IO. Its size is bounded and nothing is ever dropped from it: what no longer fits is replaced by
//! something that forgets more. Keys become their function, functions become "every function": a cache may forget too
//! much, never too little.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::key::Key;

/// How many keys wait at most; beyond, the whole function is forgotten instead.
const MOST_KEYS: usize = 10_000;
/// How many functions wait at most; beyond, every function is forgotten when it is next used.
const MOST_SCOPES: usize = 1_000;

/// The removals that wait to be delivered.
#[derive(Debug, Default)]
pub(super) struct Pending {
    keys: HashMap<Box<str>, Owed>,
    /// Function → when it was queued.
    scopes: HashMap<Box<str>, u64>,
    /// More functions were to be forgotten than fit: all but those that `renewed` names are pending.
    everything: Option<Everything>,
    last_ticket: u64,
}

/// The removal of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owed {
    /// When it was queued, counted in queued removals.
    ticket: u64,
    /// How long the removal has to leave a trace; see [`Layer::remove`](super::Layer::remove).
    pub(super) trace: Duration,
}

#[derive(Debug)]
struct Everything {
    /// When it came to this.
    ticket: u64,
    /// Functions that have been forgotten since.
    renewed: HashSet<Box<str>>,
}

/// What one delivery takes along; the table keeps it until it is [`Pending::delivered`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) keys: Vec<(Box<str>, Owed)>,
    pub(super) scopes: Vec<(Box<str>, u64)>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.scopes.is_empty()
    }
}

/// What is to be forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    /// One answer, and for how long a trace of that is needed.
    Answer(&'a Key, Duration),
    /// All answers of the function of this scope.
    Function(&'a str),
}

impl Target<'_> {
    /// How long Redis has to remember that this was forgotten.
    pub(super) const fn trace(self) -> Duration {
        match self {
            Self::Answer(_, trace) => trace,
            Self::Function(_) => Duration::ZERO,
        }
    }
}

impl Pending {
    pub(super) fn add(&mut self, target: Target<'_>) {
        match target {
            Target::Answer(key, trace) => self.forget(key.as_str(), key.scope(), trace),
            Target::Function(scope) => self.forget_all(scope),
        }
    }

    /// `key`, an answer of the function `scope`, is to be forgotten.
    fn forget(&mut self, key: &str, scope: &str, trace: Duration) {
        let ticket = self.next_ticket();
        // The function's removal covers the key, but only one that is sent from now on: a delivery under way may
        // already have passed.
        if self.scopes.contains_key(scope) {
            self.scopes.insert(scope.into(), ticket);
        } else if let Some(owed) = self.keys.get_mut(key) {
            *owed = Owed { ticket, trace: owed.trace.max(trace) };
        } else if self.keys.len() < MOST_KEYS {
            self.keys.insert(key.into(), Owed { ticket, trace });
        } else {
            self.forget_all(scope);
        }
    }

    /// All answers of the function `scope` are to be forgotten.
    fn forget_all(&mut self, scope: &str) {
        let ticket = self.next_ticket();
        if self.scopes.len() < MOST_SCOPES || self.scopes.contains_key(scope) {
            self.scopes.insert(scope.into(), ticket);
        } else {
            // `scopes` stays as it is: those are delivered even if their functions are never used again.
            self.everything = Some(Everything { ticket, renewed: HashSet::new() });
        }
    }

    /// Whether nothing has to be delivered before a record of `scope` is read or written.
    pub(super) fn is_empty_for(&self, scope: &str) -> bool {
        self.is_empty()
            && self.everything.as_ref().is_none_or(|everything| everything.renewed.contains(scope))
    }

    /// Whether nothing waits that can be delivered without knowing which function is used next.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.scopes.is_empty()
    }

    /// Up to `most` removals to deliver, those a use of `scope` needs included.
    pub(super) fn batch(&self, most: usize, scope: Option<&str>) -> Batch {
        let needed = self
            .everything
            .as_ref()
            .zip(scope)
            .filter(|(everything, scope)| !everything.renewed.contains(*scope));
        let needed = needed.map(|(everything, scope)| (scope.into(), everything.ticket));
        let scopes = self.scopes.iter().map(|(scope, ticket)| (scope.clone(), *ticket));
        let scopes: Vec<_> = needed.into_iter().chain(scopes).take(most).collect();
        let keys = self.keys.iter().map(|(key, owed)| (key.clone(), *owed));
        let keys = keys.take(most.saturating_sub(scopes.len())).collect();
        Batch { keys, scopes }
    }

    /// Redis has confirmed `batch`. What was queued again meanwhile stays.
    pub(super) fn delivered(&mut self, batch: &Batch) {
        for (key, owed) in &batch.keys {
            if self.keys.get(key) == Some(owed) {
                self.keys.remove(key);
            }
        }
        for (scope, ticket) in &batch.scopes {
            if self.scopes.get(scope) == Some(ticket) {
                self.scopes.remove(scope);
            }
            if let Some(everything) = &mut self.everything {
                everything.note_renewed(scope, *ticket);
            }
        }
    }

    /// How many removals wait.
    pub(super) fn len(&self) -> usize {
        self.keys.len() + self.scopes.len() + usize::from(self.everything.is_some())
    }

    fn next_ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }
}

impl Everything {
    fn note_renewed(&mut self, scope: &str, ticket: u64) {
        if ticket < self.ticket {
            return; // may have been sent before it came to this
        }
        if self.renewed.len() >= MOST_SCOPES {
            // Forgetting which functions are done only means to do some of them twice.
            self.renewed.clear();
        }
        self.renewed.insert(scope.into());
    }
}

/// A removal that becomes pending when this is dropped, unless it was settled before: whatever ends an operation
/// half-way, an error, its budget, or a caller that goes away, the removal is not lost.
pub(super) struct Debt<'a> {
    pending: &'a Mutex<Pending>,
    target: Target<'a>,
    /// Only owed once this is true.
    incurred: Option<&'a AtomicBool>,
}

impl<'a> Debt<'a> {
    pub(super) fn new(pending: &'a Mutex<Pending>, target: Target<'a>) -> Self {
        Self { pending, target, incurred: None }
    }

    /// Owed only if `sent` has become true.
    pub(super) fn once(mut self, sent: &'a AtomicBool) -> Self {
        self.incurred = Some(sent);
        self
    }

    /// Nothing is owed any more.
    pub(super) fn settle(self) {
        std::mem::forget(self);
    }
}

impl Drop for Debt<'_> {
    fn drop(&mut self) {
        if self.incurred.is_none_or(|sent| sent.load(Relaxed)) {
            lock(self.pending).add(self.target);
        }
    }
}

/// The table; nothing in here can panic half-way, so a poisoned lock is as good as any.
pub(super) fn lock(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TRACE: Duration = Duration::ZERO;

    fn delivered(pending: &mut Pending, scope: Option<&str>) -> Batch {
        let batch = pending.batch(100_000, scope);
        pending.delivered(&batch);
        batch
    }

    fn names<T>(entries: &[(Box<str>, T)]) -> Vec<&str> {
        let mut names: Vec<&str> = entries.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_queued_is_in_a_batch_until_it_is_delivered() {
        let mut pending = Pending::default();
        pending.forget("f:1", "f", NO_TRACE);
        pending.forget("f:2", "f", NO_TRACE);
        pending.forget("f:1", "f", NO_TRACE);
        pending.forget_all("g");
        assert!(!pending.is_empty());

        let batch = pending.batch(100, None);
        assert_eq!((names(&batch.keys), names(&batch.scopes)), (vec!["f:1", "f:2"], vec!["g"]));
        assert!(!pending.is_empty(), "not yet confirmed");
        pending.delivered(&batch);

        assert!(pending.is_empty() && pending.batch(100, None).is_empty());
    }

    #[test]
    fn a_removal_queued_again_during_a_delivery_stays() {
        let mut pending = Pending::default();
        pending.forget("f:1", "f", NO_TRACE);
        pending.forget_all("g");
        let batch = pending.batch(100, None);
        pending.forget("f:1", "f", NO_TRACE);
        pending.forget_all("g");

        pending.delivered(&batch);

        assert_eq!(pending.len(), 2);
    }

    #[test]
    fn a_key_queued_while_its_function_is_delivered_is_not_covered_by_that_delivery() {
        let mut pending = Pending::default();
        pending.forget_all("f");
        let batch = pending.batch(100, None);
        pending.forget("f:1", "f", NO_TRACE);

        pending.delivered(&batch);

        assert!(!pending.is_empty());
    }

    #[test]
    fn a_batch_is_no_larger_than_asked_for_and_the_rest_follows() {
        let mut pending = Pending::default();
        for number in 0..250 {
            pending.forget(&format!("f:{number}"), "f", NO_TRACE);
        }
        let mut sizes = vec![];
        while !pending.is_empty() {
            let batch = pending.batch(100, Some("f"));
            sizes.push(batch.keys.len() + batch.scopes.len());
            pending.delivered(&batch);
        }
        assert_eq!(sizes, [100, 100, 50]);
    }

    #[test]
    fn keys_that_do_not_fit_forget_their_whole_function() {
        let mut pending = Pending::default();
        for number in 0..MOST_KEYS {
            pending.forget(&format!("f:{number}"), "f", NO_TRACE);
        }
        pending.forget("f:7", "f", NO_TRACE);
        assert_eq!(pending.scopes.len(), 0, "it was there already");
        for number in 0..1000 {
            pending.forget(&format!("g:{number}"), "g", NO_TRACE);
        }

        let batch = delivered(&mut pending, None);

        assert_eq!((batch.keys.len(), names(&batch.scopes)), (MOST_KEYS, vec!["g"]));
    }

    #[test]
    fn functions_that_do_not_fit_forget_every_function_when_it_is_next_used() {
        let mut pending = Pending::default();
        for number in 0..=MOST_SCOPES {
            pending.forget_all(&format!("f{number}"));
        }
        assert_eq!(delivered(&mut pending, None).scopes.len(), MOST_SCOPES);
        assert!(pending.is_empty());

        for scope in ["f1000", "never seen"] {
            assert!(!pending.is_empty_for(scope));
            assert_eq!(names(&delivered(&mut pending, Some(scope)).scopes), [scope]);
            assert!(pending.is_empty_for(scope), "once is enough");
        }
    }

    #[test]
    fn a_delivery_from_before_everything_was_to_be_forgotten_does_not_count() {
        let mut pending = Pending::default();
        pending.forget_all("f0");
        let early = pending.batch(100_000, Some("f0"));
        for number in 0..=MOST_SCOPES {
            pending.forget_all(&format!("g{number}"));
        }
        pending.delivered(&early);
        assert!(!pending.is_empty_for("f0"));
    }

    #[test]
    fn the_table_of_functions_done_is_bounded_too() {
        let mut pending = Pending::default();
        for number in 0..=MOST_SCOPES {
            pending.forget_all(&format!("f{number}"));
        }
        delivered(&mut pending, None);
        for number in 0..3 * MOST_SCOPES {
            delivered(&mut pending, Some(&format!("g{number}")));
        }
        assert!(pending.everything.is_some_and(|everything| everything.renewed.len() <= MOST_SCOPES));
    }
}
