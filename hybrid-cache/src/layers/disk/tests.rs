//! What holds for the disk layer, on each engine. `behaviour` states what it does, the others what it survives.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tempfile::TempDir;

use super::{DiskLayer, engine::Fault, slot};
use crate::{
    clock::{Clock, Timestamp},
    config::{DiskEngine, DiskSettings},
    error::LayerError,
    key::Key,
    layers::{Layer, Removal},
};

/// Makes each function `fn name(engine: DiskEngine)` a test on every engine that is compiled in.
macro_rules! on_each_engine {
    ($($name:ident),* $(,)?) => {
        #[cfg(feature = "disk")]
        mod redb {
            $(#[test] fn $name() { super::$name(crate::config::DiskEngine::Redb); })*
        }
        #[cfg(feature = "disk-sled")]
        mod sled {
            $(#[test] fn $name() { super::$name(crate::config::DiskEngine::Sled); })*
        }
    };
}

mod behaviour;
mod bound;
mod damage;
mod killed;
#[cfg(unix)]
mod refused;
#[cfg(unix)]
mod safety;
#[cfg(unix)]
mod shared;
#[cfg(unix)]
mod vanished;

const HOUR: Duration = Duration::from_hours(1);
const MIB: u64 = 1 << 20;

/// A directory, and layers on it whose time the test moves.
struct Bench {
    dir: TempDir,
    engine: DiskEngine,
    clock: Clock,
    max_bytes: u64,
}

impl Bench {
    fn new(engine: DiskEngine) -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        Self { dir: tempfile::tempdir().unwrap(), engine, clock, max_bytes: 256 * MIB }
    }

    fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn open(&self) -> Handle {
        self.open_as(self.engine)
    }

    fn open_as(&self, engine: DiskEngine) -> Handle {
        // Longer than any machine under load may need; what happens in 50 ms is not the subject here.
        self.open_within(engine, Duration::from_secs(20))
    }

    fn open_within(&self, engine: DiskEngine, timeout: Duration) -> Handle {
        let settings = DiskSettings { dir: self.root(), max_bytes: self.max_bytes, timeout, engine };
        Handle(DiskLayer::with_clock(settings, self.clock.clone()))
    }

    fn slot(&self) -> PathBuf {
        self.root().join("slot-0")
    }

    /// The directory of the store in the first slot.
    fn store(&self) -> PathBuf {
        let stores = slot::stores(&self.slot()).unwrap();
        assert_eq!(stores.len(), 1, "{stores:?}");
        stores[0].clone()
    }

    /// What the engine's files take.
    fn size(&self) -> u64 {
        slot::stores(&self.slot()).unwrap().iter().map(|store| slot::measure(store).unwrap()).sum()
    }
}

/// The layer, used from a thread without a runtime.
struct Handle(DiskLayer);

impl Handle {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        wait(self.0.get(&k(key))).unwrap().record
    }

    fn epoch(&self) -> u64 {
        wait(self.0.get(&k("any"))).unwrap().epoch
    }

    fn put(&self, key: &str, record: &[u8]) {
        self.put_for(key, record, HOUR);
    }

    fn put_for(&self, key: &str, record: &[u8], life: Duration) {
        wait(self.0.put(&k(key), record.to_vec(), life)).unwrap();
    }

    fn remove(&self, key: &str) {
        assert_eq!(wait(self.0.remove(&k(key), Duration::ZERO)).unwrap(), Removal::Done);
    }

    fn remove_all(&self) {
        assert_eq!(wait(self.0.remove_all("app:f")).unwrap(), Removal::Done);
    }

    fn flush(&self) {
        wait(self.0.flush()).unwrap();
    }

    fn close(self) {
        wait(self.0.close()).unwrap();
    }
}

fn k(arguments: &str) -> Key {
    Key::of("app:f", arguments)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    futures_util::pin_mut!(future);
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A future that was polled once, so that what it asks for is in the queue.
fn accepted<T>(mut future: futures_core::future::BoxFuture<'_, T>) -> impl Future<Output = T> {
    let first = future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    async move {
        match first {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => future.await,
        }
    }
}

fn pattern(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in entries(from) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
}

fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> bool {
    (0..200).any(|_| {
        let done = attempt().is_some();
        if !done {
            std::thread::sleep(Duration::from_millis(50));
        }
        done
    })
}
