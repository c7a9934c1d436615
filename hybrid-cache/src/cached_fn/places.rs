//! How many may do something at the same time, and what becomes of the others if those do not get on. Knows nothing of what
//! they do.

use std::{
    collections::HashMap,
    mem,
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A number of places.
pub(super) struct Places {
    most: usize,
    /// How often a place was given back, or given up: whether those who have one get on.
    progress: AtomicU64,
    /// The places that count. Those of an earlier round are held by somebody who does not get on, and go back to that round.
    round: Mutex<Arc<Semaphore>>,
}

/// One of them, until dropped.
pub(super) struct Place {
    places: Arc<Places>,
    /// Given back after `drop`: who sees that it is free sees that somebody got on.
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// At least one.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let round = Mutex::new(Arc::new(Semaphore::new(most)));
        Arc::new(Self { most, progress: AtomicU64::new(0), round })
    }

    /// A place, as soon as there is one. If none is given back for as long as `patience`, those who have one are taken to
    /// hang, and there are as many places again: a bound must become neither a hang nor a flood. However long the queue is,
    /// as long as it moves it is waited in.
    pub(super) async fn take(self: &Arc<Self>, clock: &Clock, patience: Duration) -> Place {
        loop {
            let mut permit = pin!(Arc::clone(&self.round()).acquire_owned());
            loop {
                let progress = self.progress.load(SeqCst);
                match select(permit.as_mut(), clock.after(patience)).await {
                    Either::Left((Ok(permit), _)) => {
                        return Place { places: Arc::clone(self), _permit: permit };
                    }
                    // This round is over.
                    Either::Left((Err(_), _)) => break,
                    Either::Right(_) => self.give_up_on_holders(progress),
                }
            }
        }
    }

    /// Begins a new round unless somebody got on since `progress`. A place of the old one that was given to somebody who
    /// has not noticed yet is given up like those that are held.
    fn give_up_on_holders(&self, progress: u64) {
        let over = {
            let mut round = self.round();
            if self.progress.load(SeqCst) != progress {
                return;
            }
            self.progress.fetch_add(1, SeqCst);
            mem::replace(&mut *round, Arc::new(Semaphore::new(self.most)))
        };
        // Not under the lock: it wakes those who wait.
        over.close();
    }

    fn round(&self) -> MutexGuard<'_, Arc<Semaphore>> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.progress.fetch_add(1, SeqCst);
    }
}

/// So many places for each key, for as long as somebody has one or waits for one.
pub(super) struct PlacesPerKey {
    most: usize,
    by_key: Mutex<HashMap<Box<[u8]>, Weak<Places>>>,
}

/// How many keys may have been left by everybody before they are looked for.
const LEFT_KEYS: usize = 64;

impl PlacesPerKey {
    pub(super) fn new(most: usize) -> Self {
        Self { most, by_key: Mutex::default() }
    }

    /// The places of a key that somebody has or waits for.
    pub(super) fn in_use(&self, key: &[u8]) -> Option<Arc<Places>> {
        self.lock().get(key)?.upgrade()
    }

    /// The places of a key.
    pub(super) fn of(&self, key: &[u8]) -> Arc<Places> {
        let mut by_key = self.lock();
        if let Some(places) = by_key.get(key).and_then(Weak::upgrade) {
            return places;
        }
        // As seldom as the table doubles, so that a key costs the same however many there are.
        if by_key.len() >= LEFT_KEYS && by_key.len() == by_key.capacity() {
            by_key.retain(|_, places| places.strong_count() > 0);
        }
        let places = Places::new(self.most);
        by_key.insert(key.into(), Arc::downgrade(&places));
        places
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Weak<Places>>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
