//! What goes into one transaction, and who waits for it.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use super::{
    answers::Answer,
    engine::Change,
    exchange::{Epochs, Mark, Write},
    journal::Foreign,
    row::{encode_numbers, epoch_key},
};
use crate::{error::LayerError, layers::Removal};

/// Requests in the order in which they came, boiled down to one change per key.
#[derive(Default)]
pub(super) struct Batch {
    changes: Vec<Change>,
    place: HashMap<Arc<[u8]>, usize>,
    waiting: Vec<Waiting>,
    /// What others forgot; their rows are hidden until all is done.
    foreign: Vec<Mark>,
    pub(super) flushes: bool,
}

/// Someone who waits, and what is given back when the wait is over.
enum Waiting {
    Put(Answer<()>, OwnedSemaphorePermit),
    Removal(Answer<Removal>, OwnedSemaphorePermit, Option<Mark>),
    Flush(Answer<()>),
}

/// What the journal is to be told of `requests` before they are made: each key once, in the order in which they came.
pub(super) fn names(requests: &[Write]) -> Vec<Arc<[u8]>> {
    let mut seen = std::collections::HashSet::new();
    let keys = requests.iter().filter_map(|request| match request {
        Write::Put { key, terms, .. } if terms.replaces => Some(Arc::clone(key)),
        Write::Remove { key, .. } => Some(Arc::clone(key)),
        Write::RemoveAll { scope, .. } => Some(epoch_key(scope)),
        _ => None,
    });
    keys.filter(|key| seen.insert(Arc::clone(key))).collect()
}

impl Batch {
    /// What others forgot, before anything else.
    pub(super) fn add_foreign(&mut self, foreign: Vec<Foreign>, epochs: &Epochs) {
        for forgotten in foreign {
            match forgotten {
                Foreign::Row(mark) => {
                    self.change(mark.key(), None);
                    self.foreign.push(mark);
                }
                Foreign::Scope(scope) => self.keep_epoch(&scope, epochs),
            }
        }
    }

    /// `is_outdated` tells of a key whether others have forgotten it since a moment.
    pub(super) fn add(&mut self, request: Write, epochs: &Epochs, is_outdated: impl Fn(&[u8], u64) -> bool) {
        match request {
            Write::Put { key, row, terms, answer, space } => {
                let outdated = terms.unless_forgotten_since.is_some_and(|since| is_outdated(&key, since));
                // What was read before somebody forgot it is not kept; and what it was to replace is not either.
                if !outdated {
                    self.change(key, Some(row));
                } else if terms.replaces {
                    self.change(key, None);
                }
                self.waiting.push(Waiting::Put(answer, space));
            }
            Write::Remove { key, mark, answer, place } => {
                self.change(key, None);
                self.waiting.push(Waiting::Removal(answer, place, Some(mark)));
            }
            Write::RemoveAll { scope, answer, place } => {
                self.keep_epoch(&scope, epochs);
                self.waiting.push(Waiting::Removal(answer, place, None));
            }
            Write::KeepEpoch { scope } => self.keep_epoch(&scope, epochs),
            Write::Flush { answer } => {
                self.flushes = true;
                self.waiting.push(Waiting::Flush(answer));
            }
            Write::Trouble { .. } | Write::Nudge => {}
        }
    }

    /// Looked up only now: a newer `remove_all` may be queued behind.
    fn keep_epoch(&mut self, scope: &str, epochs: &Epochs) {
        if let Some(epoch) = epochs.get(scope) {
            let key = epoch_key(scope);
            let value = encode_numbers(&key, [epoch]);
            self.change(key, Some(value));
        }
    }

    fn change(&mut self, key: Arc<[u8]>, value: Option<Arc<[u8]>>) {
        if let Some(earlier) = self.place.get(&key).and_then(|place| self.changes.get_mut(*place)) {
            earlier.value = value;
        } else {
            self.place.insert(Arc::clone(&key), self.changes.len());
            self.changes.push(Change { key, value });
        }
    }

    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.waiting.is_empty()
    }

    /// Answers everyone.
    pub(super) fn settle(
        self,
        put: impl Fn() -> Result<(), LayerError>,
        removal: impl Fn() -> Result<Removal, LayerError>,
    ) {
        drop(self.foreign);
        for waiting in self.waiting {
            match waiting {
                Waiting::Put(answer, _space) => {
                    answer.give(put());
                }
                Waiting::Flush(answer) => {
                    answer.give(put());
                }
                Waiting::Removal(answer, _place, mark) => {
                    drop(mark); // first, so that a put after the removal is seen at once
                    answer.give(removal());
                }
            }
        }
    }
}
