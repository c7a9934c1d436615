//! A runtime with a clock that stands still and with stores that fail, or stand still, on demand.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_core::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::{
    cached_fn::CachedFn,
    clock::{Clock, Timestamp},
    config::{Environment, Settings, builder::builder},
    definition::{Abilities, Definition},
    error::{LayerError, LayerKind},
    key::{Key, text::KeyText, writer::KeyWriter},
    layers::{Layer, Reading, Removal},
    outcome::{CloneError, IsNone, Outcome, Returns},
    record::{self, codec::Codec},
    runtime::Runtime,
};

/// The answer's type in most tests. Its error cannot be cloned.
pub(super) type Answer = Result<u64, std::io::Error>;
pub(super) type Function<O = Answer, const FALLIBLE: bool = true> =
    &'static Arc<CachedFn<Returns<O, FALLIBLE>>>;

/// A runtime of its own, with two fake stores.
pub(super) struct World {
    pub(super) redis: Arc<FakeStore>,
    pub(super) disk: Arc<FakeStore>,
    pub(super) runtime: Arc<Runtime>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::of(settings(true), FakeStore::new(LayerKind::Redis), FakeStore::new(LayerKind::Disk))
    }

    pub(super) fn disabled() -> Self {
        Self::of(settings(false), FakeStore::new(LayerKind::Redis), FakeStore::new(LayerKind::Disk))
    }

    /// Another process that uses the same Redis and, later, the same disk.
    pub(super) fn with_the_same_stores(&self) -> Self {
        Self::of(settings(true), Arc::clone(&self.redis), Arc::clone(&self.disk))
    }

    /// Another process on another machine: the same Redis, a disk of its own.
    pub(super) fn with_the_same_redis(&self) -> Self {
        Self::of(settings(true), Arc::clone(&self.redis), FakeStore::new(LayerKind::Disk))
    }

    fn of(settings: Settings, redis: Arc<FakeStore>, disk: Arc<FakeStore>) -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_000_000_000));
        let layers: Vec<Arc<dyn Layer>> = vec![Arc::clone(&redis) as _, Arc::clone(&disk) as _];
        let runtime = Arc::new(Runtime::with_layers(settings, clock, layers));
        Self { redis, disk, runtime }
    }

    pub(super) fn advance(&self, duration: Duration) {
        self.runtime.clock.advance(duration);
    }

    /// What the process does every now and then.
    pub(super) fn tidy(&self) {
        self.runtime.tidy();
    }

    /// A function that keeps its answers in `layers`, of which the world has this one.
    pub(super) fn function(&self, layers: &'static [LayerKind]) -> Function {
        self.defined(&Definition::named("f").layers(layers).ttl(TTL))
    }

    pub(super) fn defined(&self, definition: &Definition) -> Function {
        self.returning(definition, None, None)
    }

    pub(super) fn returning<O, const FALLIBLE: bool>(
        &self,
        definition: &Definition,
        is_none: Option<IsNone<<Returns<O, FALLIBLE> as Outcome>::Value>>,
        clone_error: Option<CloneError<<Returns<O, FALLIBLE> as Outcome>::Error>>,
    ) -> Function<O, FALLIBLE>
    where
        Returns<O, FALLIBLE>: Outcome<Value: serde::Serialize + serde::de::DeserializeOwned>,
    {
        self.made(definition, &Abilities::new(Some(Codec::new()), is_none, clone_error))
    }

    /// Lives as long as the process, as the statics of users do.
    pub(super) fn made<O, const FALLIBLE: bool>(
        &self,
        definition: &Definition,
        abilities: &Abilities<Returns<O, FALLIBLE>>,
    ) -> Function<O, FALLIBLE>
    where
        Returns<O, FALLIBLE>: Outcome,
    {
        Box::leak(Box::new(CachedFn::in_runtime(&self.runtime, definition, abilities)))
    }
}

/// Without jitter, so that lives can be predicted.
fn settings(enabled: bool) -> Settings {
    let environment = Environment::of::<String, String>([]);
    builder().enabled(enabled).jitter(0.0).settings(&environment).unwrap()
}

pub(super) const TTL: Duration = Duration::from_secs(100);
pub(super) const MEMORY: &[LayerKind] = &[LayerKind::Memory];
pub(super) const ALL: &[LayerKind] = &[LayerKind::Memory, LayerKind::Redis, LayerKind::Disk];
pub(super) const BYTES: &[LayerKind] = &[LayerKind::Redis, LayerKind::Disk];

pub(super) fn key(text: &str) -> KeyText {
    KeyWriter::new().argument("k", text).finish()
}

/// A body that counts its runs, and whose answer is the number of the run; it can be made to wait.
#[derive(Clone)]
pub(super) struct Body {
    runs: Arc<AtomicUsize>,
    /// How many runs have begun and not ended, be it by being dropped.
    running: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
    gate: Gate,
}

impl Body {
    pub(super) fn new() -> Self {
        Self::at(Gate::open())
    }

    pub(super) fn gated() -> Self {
        Self::at(Gate::closed())
    }

    fn at(gate: Gate) -> Self {
        Self { runs: Arc::default(), running: Arc::default(), fails: Arc::default(), gate }
    }

    /// Whether runs fail from now on.
    pub(super) fn fail(&self, fail: bool) {
        self.fails.store(fail, SeqCst);
    }

    pub(super) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    pub(super) fn runs(&self) -> usize {
        self.runs.load(SeqCst)
    }

    /// One call of `function`, as the expansion makes it.
    pub(super) async fn call(&self, function: Function, text: &str) -> u64 {
        self.try_call(function, text).await.unwrap()
    }

    pub(super) async fn try_call(&self, function: Function, text: &str) -> Answer {
        match function.hit(&key(text)) {
            Some(answer) => answer,
            None => function.load(key(text), self.run()).await,
        }
    }

    pub(super) fn run(&self) -> impl Future<Output = Answer> + Send + use<> {
        let Self { runs, running, fails, gate } = self.clone();
        async move {
            let run = runs.fetch_add(1, SeqCst) + 1;
            let _running = Running::begin(running);
            gate.pass().await;
            if fails.load(SeqCst) { Err(std::io::Error::other("the source is down")) } else { Ok(run as u64) }
        }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }
}

struct Running(Arc<AtomicUsize>);

impl Running {
    fn begin(running: Arc<AtomicUsize>) -> Self {
        running.fetch_add(1, SeqCst);
        Self(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// Holds up whoever comes by while it is closed.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    passes: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Gate {
    pub(super) fn open() -> Self {
        let gate = Self::closed();
        gate.let_everybody_pass();
        gate
    }

    pub(super) fn closed() -> Self {
        Self { passes: Arc::new(Semaphore::new(0)), waiting: Arc::default() }
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

    pub(super) async fn pass(&self) {
        self.waiting.fetch_add(1, SeqCst);
        self.passes.acquire().await.unwrap().forget();
        self.waiting.fetch_sub(1, SeqCst);
    }
}

/// Lets everything that can go on in other tasks go on.
pub(super) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// A store in a map, which fails or stands still on demand.
#[derive(Debug)]
pub(super) struct FakeStore {
    kind: LayerKind,
    records: Mutex<HashMap<String, Vec<u8>>>,
    lives: Mutex<HashMap<String, Duration>>,
    epoch: AtomicU64,
    down: AtomicBool,
    unreadable: AtomicBool,
    full: AtomicBool,
    gets: AtomicUsize,
    /// Between reading and answering.
    pub(super) after_get: Mutex<Gate>,
    /// Between being asked to store and storing.
    pub(super) before_put: Mutex<Gate>,
}

impl FakeStore {
    fn new(kind: LayerKind) -> Arc<Self> {
        Arc::new(Self {
            kind,
            records: Mutex::default(),
            lives: Mutex::default(),
            epoch: AtomicU64::new(1),
            down: AtomicBool::new(false),
            unreadable: AtomicBool::new(false),
            full: AtomicBool::new(false),
            gets: AtomicUsize::new(0),
            after_get: Mutex::new(Gate::open()),
            before_put: Mutex::new(Gate::open()),
        })
    }

    pub(super) fn go_down(&self) {
        self.down.store(true, SeqCst);
    }

    pub(super) fn come_back(&self) {
        self.down.store(false, SeqCst);
    }

    /// Whether there is a value; a void is none.
    pub(super) fn holds(&self, function: Function, text: &str) -> bool {
        let records = self.records.lock().unwrap();
        records.get(function.key(key(text)).as_str()).is_some_and(|record| *record.get(3).unwrap() == 1)
    }

    pub(super) fn life_of(&self, function: Function, text: &str) -> Duration {
        self.lives.lock().unwrap()[function.key(key(text)).as_str()]
    }

    pub(super) fn gets(&self) -> usize {
        self.gets.load(SeqCst)
    }

    /// As if every record had expired: the store remembers epochs and nothing else.
    pub(super) fn forget_everything(&self) {
        self.records.lock().unwrap().clear();
    }

    /// As if the values had expired by their own dates, or were damaged: their generations are still there.
    pub(super) fn forget_values(&self) {
        self.damage(|record| record.truncate(36));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.lock().unwrap().is_empty()
    }

    /// Whether reads fail from now on, while everything else works.
    pub(super) fn refuse_reads(&self, refuse: bool) {
        self.unreadable.store(refuse, SeqCst);
    }

    /// From now on answers do not fit.
    pub(super) fn take_nothing_larger(&self) {
        self.full.store(true, SeqCst);
    }

    /// Changes the stored bytes of every record.
    pub(super) fn damage(&self, change: impl Fn(&mut Vec<u8>)) {
        self.records.lock().unwrap().values_mut().for_each(change);
    }

    fn up(&self) -> Result<(), LayerError> {
        if self.down.load(SeqCst) { Err(LayerError::Resting { layer: self.kind }) } else { Ok(()) }
    }

    /// The gate as it is now; the lock is not held while somebody waits there.
    fn gate(gate: &Mutex<Gate>) -> Gate {
        gate.lock().unwrap().clone()
    }
}

impl Layer for FakeStore {
    fn kind(&self) -> LayerKind {
        self.kind
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        Box::pin(async move {
            self.gets.fetch_add(1, SeqCst);
            self.up()?;
            if self.unreadable.load(SeqCst) {
                return Err(LayerError::Resting { layer: self.kind });
            }
            let record = self.records.lock().unwrap().get(key.as_str()).cloned();
            let reading = Reading { record, epoch: self.epoch.load(SeqCst) };
            Self::gate(&self.after_get).pass().await;
            Ok(reading)
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        Box::pin(async move {
            self.up()?;
            if self.full.load(SeqCst) {
                return Err(LayerError::TooLarge { layer: self.kind, bytes: record.len(), limit: 0 });
            }
            Self::gate(&self.before_put).pass().await;
            self.records.lock().unwrap().insert(key.to_string(), record);
            self.lives.lock().unwrap().insert(key.to_string(), life);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a Key, trace: Duration) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(async move {
            self.up()?;
            let mut records = self.records.lock().unwrap();
            records.remove(key.as_str());
            if self.kind == LayerKind::Redis && !trace.is_zero() {
                records.insert(key.to_string(), record::void());
                self.lives.lock().unwrap().insert(key.to_string(), trace);
            }
            Ok(Removal::Done)
        })
    }

    fn remove_all<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>> {
        Box::pin(async move {
            self.up()?;
            self.epoch.fetch_add(1, SeqCst);
            Ok(Removal::Done)
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        Box::pin(async { Ok(()) })
    }
}
