//! How many may do something at the same time, and what becomes of the others if those do not get on. Knows nothing of what
//! they do.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;

/// A number of places.
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// How many have been given back so far: whether those who have one get on.
    returned: AtomicU64,
}

/// One of them, until dropped.
pub(super) struct Place {
    places: Arc<Places>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// At least one.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Self { free, returned: AtomicU64::new(0) })
    }

    /// A place, as soon as there is one; `None` if none is given back for as long as `patience`: a bound must not become a
    /// hang. However long the queue is, as long as it moves it is waited in.
    pub(super) async fn take(self: &Arc<Self>, clock: &Clock, patience: Duration) -> Option<Place> {
        let mut permit = pin!(Arc::clone(&self.free).acquire_owned());
        loop {
            let returned = self.returned.load(SeqCst);
            match select(permit.as_mut(), clock.after(patience)).await {
                Either::Left((permit, _)) => {
                    return Some(Place { places: Arc::clone(self), _permit: permit.ok()? });
                }
                Either::Right(_) if self.returned.load(SeqCst) == returned => return None,
                Either::Right(_) => {}
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.returned.fetch_add(1, SeqCst);
    }
}
