//! Locks and a queue for the layer's threads.

use std::{
    collections::VecDeque,
    hint,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::{Duration, Instant},
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
    /// How many items there are, for who looks without the lock.
    length: AtomicUsize,
    /// Whether a thread looks for items before it goes to sleep. Not more than one does.
    looked_at: AtomicBool,
}

#[derive(Debug)]
struct Line<T> {
    items: VecDeque<T>,
    /// Threads that wait for an item.
    asleep: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self {
            line: Mutex::new(Line { items: VecDeque::new(), asleep: 0, closed: false }),
            changed: Condvar::new(),
            length: AtomicUsize::new(0),
            looked_at: AtomicBool::new(false),
        }
    }

    /// Gives the item back if the queue is closed.
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut line = lock(&self.line);
        if line.closed {
            return Err(item);
        }
        line.items.push_back(item);
        self.length.store(line.items.len(), Release);
        // A system call, and so not made in vain. Who sleeps began to when there was nothing: with more items than sleepers,
        // each of these was called for one of those.
        let calls = line.items.len() <= line.asleep;
        drop(line);
        if calls {
            self.changed.notify_one();
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.length.load(Acquire)
    }

    /// Whether a thread is awake that has nothing to do but to take what is pushed now.
    pub(super) fn is_looked_at(&self) -> bool {
        self.looked_at.load(Acquire)
    }

    /// The next item; `None` once the queue is closed and empty. Looks for one for as long as `patience` says before it
    /// sleeps: a thread that sleeps is woken much later than one that looks.
    pub(super) fn pop(&self, patience: Duration) -> Option<T> {
        if !patience.is_zero() && self.len() == 0 && !self.looked_at.swap(true, Acquire) {
            let since = Instant::now();
            while self.len() == 0 && since.elapsed() < patience {
                hint::spin_loop();
            }
            self.looked_at.store(false, Release);
        }
        let mut line = lock(&self.line);
        loop {
            if let Some(item) = line.items.pop_front() {
                self.length.store(line.items.len(), Relaxed);
                return Some(item);
            }
            if line.closed {
                return None;
            }
            line.asleep += 1;
            line = self.changed.wait(line).unwrap_or_else(PoisonError::into_inner);
            line.asleep -= 1;
        }
    }

    /// The next items, until `enough` says so of the last one taken. None after waiting for `wait` in vain.
    pub(super) fn take(&self, wait: Duration, mut enough: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut line = lock(&self.line);
        line.asleep += 1;
        let (mut line, _) = self
            .changed
            .wait_timeout_while(line, wait, |line| line.items.is_empty() && !line.closed)
            .unwrap_or_else(PoisonError::into_inner);
        line.asleep -= 1;
        let mut taken = Vec::new();
        while let Some(item) = line.items.pop_front() {
            let last = enough(&item);
            taken.push(item);
            if last {
                break;
            }
        }
        self.length.store(line.items.len(), Relaxed);
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    #[test]
    fn nothing_is_left_in_the_queue_while_threads_sleep() {
        let queue = Arc::new(Queue::new());
        let (taken, arrived) = mpsc::channel();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (queue, taken) = (Arc::clone(&queue), taken.clone());
                std::thread::spawn(move || {
                    while let Some(item) = queue.pop(Duration::ZERO) {
                        taken.send(item).unwrap();
                    }
                })
            })
            .collect();
        for round in 0..2_000 {
            for item in 0..round % 5 {
                queue.push(item).unwrap();
            }
            for _ in 0..round % 5 {
                arrived.recv_timeout(Duration::from_secs(10)).expect("an item was left behind");
            }
        }
        queue.close();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn who_looks_for_an_item_finds_it_and_is_not_woken_for_it() {
        let queue = Arc::new(Queue::new());
        let looking = Arc::clone(&queue);
        let thread = std::thread::spawn(move || looking.pop(Duration::from_secs(10)));
        while !queue.is_looked_at() {
            std::thread::yield_now();
        }
        queue.push(7).unwrap();
        assert_eq!(lock(&queue.line).asleep, 0);
        assert_eq!(thread.join().unwrap(), Some(7));
    }
}
