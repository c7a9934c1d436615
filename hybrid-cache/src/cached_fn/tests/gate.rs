//! Where a test holds up what goes on, or lets chance do it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use fastrand::Rng;
use tokio::sync::Semaphore;

/// Holds up whoever comes by while it is closed.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    passes: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// How long whoever passes takes, where that is left to chance.
    delays: Option<(Arc<Mutex<Rng>>, u32)>,
}

impl Gate {
    pub(super) fn open() -> Self {
        let gate = Self::closed();
        gate.let_everybody_pass();
        gate
    }

    pub(super) fn closed() -> Self {
        Self { passes: Arc::new(Semaphore::new(0)), waiting: Arc::default(), delays: None }
    }

    /// Open, but whoever passes takes a random time, up to `longest`; the same for the same `seed`.
    pub(super) fn sluggish(seed: u64, longest: u32) -> Self {
        Self { delays: Some((Arc::new(Mutex::new(Rng::with_seed(seed))), longest)), ..Self::open() }
    }

    pub(super) fn let_everybody_pass(&self) {
        self.passes.add_permits(1 << 20);
    }

    /// Until somebody stands at the closed gate.
    pub(super) async fn reached(&self) {
        while self.waiting.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// How many stand there.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    pub(super) async fn pass(&self) {
        self.waiting.fetch_add(1, SeqCst);
        self.passes.acquire().await.unwrap().forget();
        self.waiting.fetch_sub(1, SeqCst);
        if let Some((delays, longest)) = &self.delays {
            // Often none at all: then whole operations happen between two steps of others.
            let yields = { delays.lock().unwrap().u32(..longest * 3 / 2).saturating_sub(longest / 2) };
            yield_times(yields).await;
        }
    }
}

/// Lets others go on, so many times.
pub(super) async fn yield_times(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}
