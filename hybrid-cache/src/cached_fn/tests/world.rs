//! A runtime with a clock that stands still, and bodies that wait or fail on demand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use super::{gate::Gate, store::FakeStore};
use crate::{
    cached_fn::CachedFn,
    clock::{Clock, Timestamp},
    config::{Environment, Settings, builder::builder},
    definition::{Abilities, Definition},
    error::LayerKind,
    key::{text::KeyText, writer::KeyWriter},
    layers::Layer,
    outcome::{CloneError, IsNone, Kept, Outcome, Returns},
    record::codec::Codec,
    runtime::Runtime,
};

/// The answer's type in most tests. Its error cannot be cloned.
pub(super) type Answer = Result<u64, std::io::Error>;
pub(super) type Function<O = Answer, const FALLIBLE: bool = true> =
    &'static Arc<CachedFn<Kept<Returns<O, FALLIBLE>, true>>>;

/// What a function keeps that returns `O`.
type ValueOf<O, const FALLIBLE: bool> = <Kept<Returns<O, FALLIBLE>, true> as Outcome>::Value;
/// What it fails with.
type ErrorOf<O, const FALLIBLE: bool> = <Kept<Returns<O, FALLIBLE>, true> as Outcome>::Error;

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

    /// One in which all functions together have so many bytes of memory.
    pub(super) fn with_memory(bytes: u64) -> Self {
        let settings = builder().jitter(0.0).mem_max_bytes(bytes);
        let settings = settings.settings(&Environment::of::<String, String>([])).unwrap();
        Self::of(settings, FakeStore::new(LayerKind::Redis), FakeStore::new(LayerKind::Disk))
    }

    /// What all functions hold in memory, where that is counted.
    pub(super) fn bytes_in_memory(&self) -> u64 {
        self.runtime.pool.as_ref().unwrap().held()
    }

    /// One in which a layer may take as long as it likes.
    pub(super) fn without_time_limits() -> Self {
        let settings = builder().redis("redis://localhost").redis_timeout(Duration::MAX);
        let settings = settings.disk_dir("/nowhere").disk_timeout(Duration::MAX);
        let settings = settings.settings(&Environment::of::<String, String>([])).unwrap();
        Self::of(settings, FakeStore::new(LayerKind::Redis), FakeStore::new(LayerKind::Disk))
    }

    /// Another process that uses the same Redis and, later, the same disk.
    pub(super) fn with_the_same_stores(&self) -> Self {
        Self::of(settings(true), Arc::clone(&self.redis), Arc::clone(&self.disk))
    }

    /// This process after a restart, at once: the same stores, the same clock, nothing in memory.
    pub(super) fn restarted(&self) -> Self {
        let (redis, disk) = (Arc::clone(&self.redis), Arc::clone(&self.disk));
        Self::at(self.runtime.clock.clone(), settings(true), redis, disk)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runtime.clock.now()
    }

    /// Whether no load and no copy is under way.
    pub(super) fn is_at_rest(&self) -> bool {
        let Runtime { loads, refreshes, copies, .. } = &*self.runtime;
        loads.count() + refreshes.count() + copies.count() == 0
    }

    /// Another process on another machine: the same Redis, a disk of its own.
    pub(super) fn with_the_same_redis(&self) -> Self {
        Self::of(settings(true), Arc::clone(&self.redis), FakeStore::new(LayerKind::Disk))
    }

    fn of(settings: Settings, redis: Arc<FakeStore>, disk: Arc<FakeStore>) -> Self {
        Self::at(Clock::manual(Timestamp::from_millis(1_000_000_000)), settings, redis, disk)
    }

    fn at(clock: Clock, settings: Settings, redis: Arc<FakeStore>, disk: Arc<FakeStore>) -> Self {
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
        is_none: Option<IsNone<ValueOf<O, FALLIBLE>>>,
        clone_error: Option<CloneError<ErrorOf<O, FALLIBLE>>>,
    ) -> Function<O, FALLIBLE>
    where
        Kept<Returns<O, FALLIBLE>, true>: Outcome<Value: serde::Serialize + serde::de::DeserializeOwned>,
    {
        self.made(definition, &Abilities::new(Some(Codec::new()), is_none, clone_error))
    }

    /// Lives as long as the process, as the statics of users do.
    pub(super) fn made<O, const FALLIBLE: bool>(
        &self,
        definition: &Definition,
        abilities: &Abilities<ValueOf<O, FALLIBLE>, ErrorOf<O, FALLIBLE>>,
    ) -> Function<O, FALLIBLE>
    where
        Kept<Returns<O, FALLIBLE>, true>: Outcome,
    {
        Box::leak(Box::new(CachedFn::in_runtime(&self.runtime, definition, abilities)))
    }
}

/// Without jitter, so that lives can be predicted.
fn settings(enabled: bool) -> Settings {
    let environment = Environment::of::<String, String>([]);
    // Small, as functions here live as long as the test process, and random histories make thousands of them.
    builder().enabled(enabled).jitter(0.0).mem_capacity(512).settings(&environment).unwrap()
}

pub(super) const TTL: Duration = Duration::from_secs(100);
pub(super) const MEMORY: &[LayerKind] = &[LayerKind::Memory];
pub(super) const ALL: &[LayerKind] = &[LayerKind::Memory, LayerKind::Redis, LayerKind::Disk];
pub(super) const BYTES: &[LayerKind] = &[LayerKind::Redis, LayerKind::Disk];

pub(super) fn key(name: &str) -> KeyText {
    KeyText::written(|text| KeyWriter::new(text, &["k"]).argument(name).finish())
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

    /// The same body, whose runs wait at `gate`.
    pub(super) fn behind(&self, gate: Gate) -> Self {
        Self { gate, ..self.clone() }
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

/// Lets everything that can go on in other tasks go on.
pub(super) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
