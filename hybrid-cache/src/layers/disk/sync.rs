//! Locks and a queue for the layer's threads.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

/// Nothing of ours panics while it holds a lock in a state that others must not see.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read<T>(shared: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    shared.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(shared: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    shared.write().unwrap_or_else(PoisonError::into_inner)
}

/// First in, first out, between threads. How much may be in it is for those who push to decide.
#[derive(Debug)]
pub(super) struct Queue<T> {
    line: Mutex<Line<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Line<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self { line: Mutex::new(Line { items: VecDeque::new(), closed: false }), changed: Condvar::new() }
    }

    /// Gives the item back if the queue is closed.
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut line = lock(&self.line);
        if line.closed {
            return Err(item);
        }
        line.items.push_back(item);
        drop(line);
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.line).items.len()
    }

    /// The next item; `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut line = lock(&self.line);
        loop {
            if let Some(item) = line.items.pop_front() {
                return Some(item);
            }
            if line.closed {
                return None;
            }
            line = self.changed.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next items, until `enough` says so of the last one taken. None after waiting for `wait` in vain.
    pub(super) fn take(&self, wait: Duration, mut enough: impl FnMut(&T) -> bool) -> Vec<T> {
        let line = lock(&self.line);
        let (mut line, _) = self
            .changed
            .wait_timeout_while(line, wait, |line| line.items.is_empty() && !line.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        while let Some(item) = line.items.pop_front() {
            let last = enough(&item);
            taken.push(item);
            if last {
                break;
            }
        }
        taken
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.line).closed
    }

    /// Lets nothing more in; what is in it can still be taken.
    pub(super) fn close(&self) {
        lock(&self.line).closed = true;
        self.changed.notify_all();
    }
}
