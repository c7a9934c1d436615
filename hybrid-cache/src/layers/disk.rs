//! Records on the local disk, kept across restarts.
//!
//! ```text
//!   get ──► reads ──► 2 reading threads ──► engine (redb | sled) ◄── 1 writing thread ◄── writes ◄── put, remove
//!                        │                                              │ one transaction for all that waits,
//!                        └── never behind a write                       │ size bound, damage, rests
//!                                                                       ▼
//!                                        <dir>/slot-N/{lock, ledger, redb-G/}
//!                                        <dir>/removals.log, of all slots
//! ```
//!
//! This file turns the calls of [`Layer`] into requests; the threads are in `disk/reader.rs` and
//! `disk/writer.rs`. It knows nothing of what is in a record. All is synchronous below, works with any runtime
//! or none, and nothing is opened before the first request.
//!
//! What holds, whatever happens to the process or the files:
//!
//! - A removal that was answered with [`Removal::Done`] stays, in every slot of the directory. While it is on its way, reads
//!   do not find the row. One that cannot be written down is an error, and is made before this process reads again.
//! - What was answered after it replaced something is as durable as that: a crash leaves it or nothing, never the older one.
//! - What was read before another process of the directory forgot it is not stored after that.
//! - A store that is damaged is set aside and an empty one takes its place. One that is an old state of itself forgets what
//!   was forgotten since; if that is not known any more, it begins empty, as it does where files were deleted.
//! - The files take at most `max_bytes` (16 MiB if it is less), plus at most one store that was set aside, and 4 MiB for the
//!   log that all slots share. The store itself is between three and six tenths of that: space comes back by copying what
//!   is worth keeping into a new file.
//! - Copies of the last second may be lost in a crash.
//! - What is no file of ours, where one should be, is not opened.

mod answers;
mod batch;
mod engine;
mod exchange;
mod files;
mod header;
mod journal;
mod ledger;
mod reader;
#[cfg(feature = "disk")]
mod redb;
mod rewrite;
mod row;
#[cfg(feature = "disk-sled")]
mod sled;
mod slot;
mod store;
mod survey;
mod sync;
#[cfg(test)]
mod tests;
mod tidy;
mod writer;

use std::{
    hint, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use futures_core::future::BoxFuture;
use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, oneshot::error::TryRecvError};

use self::{
    answers::{Awaited, Budget},
    engine::Fault,
    exchange::{Exchange, Gate, Read, Write, closed},
    row::{Row, row_key},
    tidy::Limits,
    writer::Writer,
};
use super::{Layer, Reading, Removal, Terms};
use crate::{
    clock::Clock,
    config::DiskSettings,
    error::{LayerError, LayerKind},
    key::Key,
};

/// Threads that read. Two, so that one slow page does not hold up everyone.
const READERS: usize = 2;
/// For as long a read may keep its caller's thread busy: a few times what one takes whose pages are in memory.
const GLANCE: Duration = Duration::from_micros(10);

/// The disk store of this process.
#[derive(Debug)]
pub(crate) struct DiskLayer {
    exchange: Arc<Exchange>,
    largest_record: usize,
    started: OnceLock<()>,
}

impl DiskLayer {
    /// A layer that opens its store at the first request.
    pub(crate) fn new(settings: DiskSettings) -> Self {
        Self::with_clock(settings, Clock::Process)
    }

    fn with_clock(settings: DiskSettings, clock: Clock) -> Self {
        let largest_record = Limits::new(settings.max_bytes).record;
        let exchange = Arc::new(Exchange::new(settings, clock));
        Self { exchange, largest_record, started: OnceLock::new() }
    }

    /// The layer with its threads running, or why it takes no requests.
    fn running(&self) -> Result<&Exchange, LayerError> {
        self.exchange.admit()?;
        self.started.get_or_init(|| {
            if let Err(error) = start(&self.exchange) {
                tracing::warn!(%error, "the threads of the disk cache cannot be started; it is switched off");
                self.exchange.set_gate(Gate::Off(Fault::refused(error)));
                // Nobody would come to answer.
                self.exchange.reads.close();
                self.exchange.writes.close();
            }
        });
        Ok(&self.exchange)
    }

    async fn read(&self, key: &Key) -> Result<Reading, LayerError> {
        let exchange = self.running()?;
        exchange.admit_read()?;
        let budget = if exchange.is_shut() { Budget::FirstRead } else { Budget::Read };
        let (answer, mut awaited) = exchange.watch.expect(budget);
        let under_way = exchange.reading.begin();
        let alone = under_way.is_alone();
        let soon = alone && exchange.reads.is_looked_at();
        exchange.reads.push(Read { key: key.clone(), answer, alone }).map_err(|_| closed())?;
        if soon && let Some(reading) = glance(&mut awaited) {
            return reading;
        }
        arrival(awaited).await
    }

    /// Nearly always in memory: then no thread has to look for a row that nobody wants to see.
    async fn current_epoch(&self, key: &Key) -> Result<Reading, LayerError> {
        let exchange = self.running()?;
        // The moment first: what is forgotten after it may be of the epoch that is told.
        let seen = exchange.journal.moment();
        match exchange.epochs.get(key.scope()) {
            Some(epoch) if !exchange.is_shut() => Ok(Reading { record: None, epoch, seen }),
            _ => self.read(key).await.map(|reading| Reading { record: None, ..reading }),
        }
    }

    async fn store(
        &self,
        terms: Terms,
        key: &Key,
        record: Vec<u8>,
        life: Duration,
    ) -> Result<(), LayerError> {
        if record.len() > self.largest_record {
            let (bytes, limit) = (record.len(), self.largest_record);
            return Err(LayerError::TooLarge { layer: LayerKind::Disk, bytes, limit });
        }
        let exchange = self.running()?;
        let kib = u32::try_from(record.len() / 1024).unwrap_or(u32::MAX).saturating_add(1);
        let space = Arc::clone(&exchange.put_space)
            .try_acquire_many_owned(kib)
            .map_err(|_| LayerError::QueueFull { layer: LayerKind::Disk })?;
        let now = exchange.clock.now();
        let key = row_key(key.as_str());
        let row = Row { expires: now.plus(life), age: exchange.next_age(now), record: &record }.encode(&key);
        drop(record);
        let (answer, awaited) = exchange.watch.expect(Budget::Write);
        exchange.writes.push(Write::Put { key, row, terms, answer, space }).map_err(|_| closed())?;
        arrival(awaited).await
    }

    async fn forget(&self, key: &Key) -> Result<Removal, LayerError> {
        let exchange = self.running_for_removal()?;
        let key = row_key(key.as_str());
        // Before anything else: reads stop to find the row while the removal waits.
        let mark = exchange.forgetting.mark(&key);
        let place = place(exchange).await?;
        let (answer, awaited) = exchange.watch.expect(Budget::Write);
        exchange.writes.push(Write::Remove { key, mark, answer, place }).map_err(|_| closed())?;
        arrival(awaited).await
    }

    async fn forget_all(&self, scope: &str) -> Result<Removal, LayerError> {
        let exchange = self.running_for_removal()?;
        exchange.epochs.change(scope);
        let place = place(exchange).await?;
        let (answer, awaited) = exchange.watch.expect(Budget::Write);
        let request = Write::RemoveAll { scope: scope.into(), answer, place };
        exchange.writes.push(request).map_err(|_| closed())?;
        arrival(awaited).await
    }

    /// Neither a rest nor the end of the layer holds up a removal: other processes have to know of it, and whoever opens the
    /// store again.
    fn running_for_removal(&self) -> Result<&Exchange, LayerError> {
        match self.running() {
            Err(LayerError::Closed { .. }) => Err(closed()),
            _ => Ok(&self.exchange),
        }
    }

    async fn write_out(&self) -> Result<(), LayerError> {
        if self.started.get().is_none() {
            return self.exchange.admit();
        }
        let (answer, awaited) = self.exchange.watch.expect(Budget::Write);
        self.exchange.writes.push(Write::Flush { answer }).map_err(|_| closed())?;
        arrival(awaited).await
    }

    async fn shut(&self) -> Result<(), LayerError> {
        self.exchange.close();
        // Whoever closes a layer that was never used must not start it.
        let mut was_running = true;
        self.started.get_or_init(|| was_running = false);
        if !was_running {
            self.exchange.finished();
        }
        let (answer, awaited) = self.exchange.watch.expect(Budget::Write);
        self.exchange.on_finish(answer);
        arrival(awaited).await
    }
}

impl Drop for DiskLayer {
    /// The threads end by themselves, after writing what was accepted; nobody waits for them here.
    fn drop(&mut self) {
        self.exchange.close();
    }
}

impl Layer for DiskLayer {
    fn kind(&self) -> LayerKind {
        LayerKind::Disk
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(self.read(key))
    }

    fn epoch<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(self.current_epoch(key))
    }

    fn put_on<'a>(
        &'a self,
        terms: Terms,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(self.store(terms, key, record, life))
    }

    /// Leaves no trace: nobody else has copies of what is in here.
    fn remove<'a>(&'a self, key: &'a Key, _trace: Duration) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(self.forget(key))
    }

    fn remove_all<'a>(&'a self, scope: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(self.forget_all(scope))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(self.write_out())
    }

    fn removals_owed(&self) -> usize {
        self.exchange.owed.load(Ordering::Relaxed)
    }

    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(self.shut())
    }
}

/// Waits for an answer. A thread that went away without one has no more to say.
async fn arrival<T>(awaited: Awaited<T>) -> Result<T, LayerError> {
    awaited.await.unwrap_or_else(|_| Err(closed()))
}

/// An answer that comes at once. Where a thread is at it already, that takes less time than to go to sleep and be woken, for
/// the task and for the thread below it.
fn glance<T>(awaited: &mut Awaited<T>) -> Option<Result<T, LayerError>> {
    let since = Instant::now();
    while since.elapsed() < GLANCE {
        match awaited.try_recv() {
            Ok(answer) => return Some(answer),
            Err(TryRecvError::Closed) => return Some(Err(closed())),
            Err(TryRecvError::Empty) => hint::spin_loop(),
        }
    }
    None
}

/// A place in the queue for a removal, waited for if need be.
async fn place(exchange: &Exchange) -> Result<OwnedSemaphorePermit, LayerError> {
    if let Ok(place) = Arc::clone(&exchange.removal_places).try_acquire_owned() {
        return Ok(place);
    }
    let (_alarm, overdue) = exchange.watch.expect::<OwnedSemaphorePermit>(Budget::Write);
    let free = Box::pin(Arc::clone(&exchange.removal_places).acquire_owned());
    match select(free, Box::pin(arrival(overdue))).await {
        Either::Left((place, _)) => place.map_err(|_| closed()),
        Either::Right((overdue, _)) => overdue,
    }
}

fn start(exchange: &Arc<Exchange>) -> io::Result<()> {
    let watched = Arc::clone(exchange);
    spawn("hybrid-cache-disk-watch", move || watched.watch.run(|late| watched.rest.late(late)))?;
    let written = Arc::clone(exchange);
    spawn("hybrid-cache-disk-write", move || {
        let worked = catch_unwind(AssertUnwindSafe(|| {
            let mut writer = Writer::new(Arc::clone(&written));
            writer.open();
            for _ in 0..READERS {
                let read = Arc::clone(&written);
                if let Err(error) = spawn("hybrid-cache-disk-read", move || reader::run(&read)) {
                    tracing::warn!(%error, "a reading thread of the disk cache cannot be started");
                }
            }
            writer.run();
        }));
        if worked.is_err() {
            tracing::error!("the writing thread of the disk cache failed; the layer is off");
        }
        written.close();
        written.finished();
    })
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(body).map(drop)
}
