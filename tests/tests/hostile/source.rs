//! What cached functions ask: a source whose answers are versions, and which a test stops, breaks and counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use hybrid_cache::DeadlineExceeded;
use tokio::{
    sync::watch,
    task::yield_now,
    time::{sleep, timeout},
};

/// What hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    Down,
    Late,
}

impl From<DeadlineExceeded> for Failure {
    fn from(_: DeadlineExceeded) -> Self {
        Self::Late
    }
}

/// An error that cannot be cloned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Private;

/// How the source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mood {
    Answers,
    Fails,
    Panics,
    /// For ever, for those who ask in this mood.
    Hangs,
}

/// Answers with the version that it has when it is asked, however long the answer then takes.
#[derive(Debug)]
pub(crate) struct Source {
    version: AtomicU64,
    mood: AtomicU8,
    asked: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
    /// Those who asked as the so-manieth or before may go on.
    let_go: watch::Sender<usize>,
}

impl Source {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            version: AtomicU64::new(1),
            mood: AtomicU8::new(Mood::Answers as u8),
            asked: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
            let_go: watch::Sender::new(usize::MAX),
        })
    }

    pub(crate) async fn read(&self) -> Result<u64, Failure> {
        let version = self.version.load(SeqCst);
        let mood = self.mood.load(SeqCst);
        let _running = Running::begin(self);
        let number = self.asked.fetch_add(1, SeqCst) + 1;
        assert!(mood != Mood::Panics as u8, "the source panics");
        if mood == Mood::Hangs as u8 {
            std::future::pending::<()>().await;
        }
        self.let_go.subscribe().wait_for(|last| number <= *last).await.unwrap();
        yield_now().await;
        if mood == Mood::Fails as u8 { Err(Failure::Down) } else { Ok(version) }
    }

    /// From now on answers are of the next version, which is returned.
    pub(crate) fn change(&self) -> u64 {
        self.version.fetch_add(1, SeqCst) + 1
    }

    /// Whoever asks from now on is answered in this mood.
    pub(crate) fn is_in(&self, mood: Mood) {
        self.mood.store(mood as u8, SeqCst);
    }

    /// Keeps those who ask from now on until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.let_go.send_replace(self.asked());
    }

    /// Keeps only those who have asked until now.
    pub(crate) fn release(&self) {
        self.let_go.send_replace(usize::MAX);
    }

    /// Lets go the next of those who are kept.
    pub(crate) fn release_one(&self) {
        self.let_go.send_modify(|last| *last += 1);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    pub(crate) fn most_running(&self) -> usize {
        self.most_running.load(SeqCst)
    }

    /// Until so many have asked.
    pub(crate) async fn asked_by(&self, count: usize) {
        eventually(|| self.asked() >= count).await;
    }
}

/// One who has asked and has no answer yet.
struct Running<'a>(&'a Source);

impl<'a> Running<'a> {
    fn begin(source: &'a Source) -> Self {
        let running = source.running.fetch_add(1, SeqCst) + 1;
        source.most_running.fetch_max(running, SeqCst);
        Self(source)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

pub(crate) async fn within_patience<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("this hangs")
}

/// Waits for what others are about to do.
pub(crate) async fn eventually(mut condition: impl FnMut() -> bool) {
    within_patience(async {
        for round in 0.. {
            if condition() {
                return;
            }
            // Where there are more threads, their work takes real time.
            if round < 1_000 { yield_now().await } else { sleep(Duration::from_millis(1)).await }
        }
    })
    .await;
}

/// Lets the other tasks of this thread get as far as they can.
pub(crate) async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}
