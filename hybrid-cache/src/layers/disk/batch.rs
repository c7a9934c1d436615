//! What goes into one transaction, and who waits for it.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use super::{
    answers::Answer,
    engine::Change,
    exchange::{Epochs, Mark, Write},
    row::{encode_numbers, epoch_key},
};
use crate::{error::LayerError, layers::Removal};

/// Requests in the order in which they came, boiled down to one change per key.
#[derive(Default)]
pub(super) struct Batch {
    changes: Vec<Change>,
    place: HashMap<Arc<[u8]>, usize>,
    waiting: Vec<Waiting>,
    /// Whether it has to be on the disk before it is answered.
    pub(super) removes: bool,
    pub(super) flushes: bool,
}

/// Someone who waits, and what is given back when the wait is over.
enum Waiting {
    Put(Answer<()>, OwnedSemaphorePermit),
    Removal(Answer<Removal>, OwnedSemaphorePermit, Option<Mark>),
    Flush(Answer<()>),
}

impl Batch {
    pub(super) fn add(&mut self, request: Write, epochs: &Epochs) {
        match request {
            Write::Put { key, row, answer, space } => {
                self.change(key, Some(row));
                self.waiting.push(Waiting::Put(answer, space));
            }
            Write::Remove { key, mark, answer, place } => {
                self.change(key, None);
                self.removes = true;
                self.waiting.push(Waiting::Removal(answer, place, Some(mark)));
            }
            Write::RemoveAll { scope, answer, place } => {
                self.keep_epoch(&scope, epochs);
                self.removes = true;
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

    /// What must be made up for before anything is read again, if it cannot be written now.
    pub(super) fn removals(&self) -> Vec<Change> {
        let mut removals: Vec<Change> = self
            .waiting
            .iter()
            .filter_map(|waiting| match waiting {
                Waiting::Removal(_, _, Some(mark)) => Some(Change { key: mark.key(), value: None }),
                _ => None,
            })
            .collect();
        if self.removes {
            removals.extend(self.changes.iter().filter(|change| is_epoch(&change.key)).cloned());
        }
        removals
    }

    /// Answers everyone.
    pub(super) fn settle(
        self,
        put: impl Fn() -> Result<(), LayerError>,
        removal: impl Fn() -> Result<Removal, LayerError>,
    ) {
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

fn is_epoch(key: &[u8]) -> bool {
    key.first() == Some(&b'e')
}
