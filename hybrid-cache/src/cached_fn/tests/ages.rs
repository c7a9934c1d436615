//! An answer is never returned older than its options allow, in any layer, after any sequence of promotions: checked against
//! a plain model of ages.

mod model;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use proptest::prelude::*;
use tokio::runtime::Builder;

use self::model::{Ages, Character, Model, SETS_OF_LAYERS, Value};
use super::{
    gate::Gate,
    store::FakeStore,
    world::{Function, World, key, settle},
};
use crate::{
    definition::Abilities, error::LayerKind, invalidated::Forgotten, layers::Layer, policy::PerLayer,
    record::codec::Codec,
};

type Output = Result<u64, u64>;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Advance(Duration),
    Call,
    EvictMemory,
    /// Everything but what the stores hold is gone, and `stale` and `stale_if_error` are these from now on.
    Restart(Duration, Duration),
    RedisForgets,
    Redis(Power),
    Disk(Power),
    Source(Power),
    Expire,
    /// Bodies that begin from now on do not end.
    HoldBodies,
    LetBodiesEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    Off,
    On,
}

/// The place where it happens.
struct Stage {
    world: World,
    function: Function<Output>,
    process: u32,
    source: Arc<Source>,
}

/// What bodies read, and where it is written down that they did.
struct Source {
    model: Mutex<Model>,
    power: Mutex<Power>,
    gate: Mutex<Gate>,
    /// What the runs return, one after the other, and then again from the first.
    characters: Vec<Character>,
}

impl Stage {
    fn of(ages: Ages, characters: Vec<Character>) -> Self {
        let world = World::new();
        // As Redis does: what it is to forget during an outage it forgets before it is read again.
        world.redis.queue_removals();
        let function = defined(&world, &ages);
        let source = Source {
            model: Mutex::new(Model::of(ages)),
            power: Mutex::new(Power::On),
            gate: Mutex::new(Gate::open()),
            characters,
        };
        Self { world, function, process: 0, source: Arc::new(source) }
    }

    async fn step(&mut self, step: Step) -> Result<(), &'static str> {
        let Self { world, function, source, .. } = &*self;
        match step {
            Step::Advance(time) => world.advance(time),
            Step::Call => self.call().await?,
            Step::EvictMemory => function.memory.iter().for_each(|memory| drop(memory.remove_all())),
            Step::Restart(stale, stale_if_error) => self.restart(stale, stale_if_error),
            Step::RedisForgets => world.redis.forget_everything(),
            Step::Redis(power) => switch(&world.redis, power),
            Step::Disk(power) => switch(&world.disk, power),
            Step::Source(power) => *source.power.lock().unwrap() = power,
            Step::Expire => {
                let disk = function.expire(key("k")).await.in_layer(LayerKind::Disk).clone();
                let everywhere = !matches!(disk, Forgotten::Failed(_));
                source.model().expired(world.now(), everywhere);
            }
            Step::HoldBodies => source.hold_bodies(),
            Step::LetBodiesEnd => source.let_bodies_end(),
        }
        settle().await;
        if self.source.model().two_run_at_once() { Err("two bodies ran at once") } else { Ok(()) }
    }

    async fn call(&self) -> Result<(), &'static str> {
        let since = self.source.model().since();
        let (function, body) = (self.function, self.body());
        let call = tokio::spawn(async move {
            match function.hit(&key("k")) {
                Some(answer) => answer,
                None => function.load(key("k"), body).await,
            }
        });
        settle().await;
        if !call.is_finished() {
            self.source.let_bodies_end();
        }
        let answer = call.await.unwrap();
        settle().await;
        self.source.model().wrong_with(answer.map(Value), self.world.now(), &since).map_or(Ok(()), Err)
    }

    fn body(&self) -> impl Future<Output = Output> + Send + use<> {
        let (process, clock) = (self.process, self.world.runtime.clock.clone());
        let (source, stores) =
            (Arc::clone(&self.source), [&self.world.redis, &self.world.disk].map(Arc::clone));
        async move {
            let number = source.model().begins(process, reachable(&stores));
            let gate = source.gate.lock().unwrap().clone();
            gate.pass().await;
            let value = match *source.power.lock().unwrap() {
                Power::On => Some(source.value(number)),
                Power::Off => None,
            };
            source.model().ends(number, value, clock.now(), &reachable(&stores));
            value.map(|Value(value)| value).ok_or(number)
        }
    }

    fn restart(&mut self, stale: Duration, stale_if_error: Duration) {
        let mut model = self.source.model();
        self.process = model.restarted(stale, stale_if_error);
        self.world = self.world.restarted();
        self.function = defined(&self.world, model.ages());
    }
}

impl Source {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    fn value(&self, number: u64) -> Value {
        let index = usize::try_from(number).unwrap() % self.characters.len();
        Value::new(number, self.characters[index])
    }

    fn hold_bodies(&self) {
        self.let_bodies_end();
        *self.gate.lock().unwrap() = Gate::closed();
    }

    fn let_bodies_end(&self) {
        self.gate.lock().unwrap().let_everybody_pass();
    }
}

fn defined(world: &World, ages: &Ages) -> Function<Output> {
    let mut abilities: Abilities<u64, u64> =
        Abilities::new(Some(Codec::new()), Some(|value| Value(*value).is_none()), Some(|error| *error));
    if ages.ttl_by {
        abilities = abilities.ttl_by(|value| Value(*value).life());
    }
    if ages.cache_if {
        abilities = abilities.cache_if(|value| !Value(*value).is_refused());
    }
    world.made(&ages.definition(), &abilities)
}

fn reachable(stores: &[Arc<FakeStore>]) -> Vec<LayerKind> {
    stores.iter().filter(|store| !store.is_down()).map(|store| store.kind()).collect()
}

fn switch(store: &FakeStore, power: Power) {
    match power {
        Power::Off => store.go_down(),
        Power::On => store.come_back(),
    }
}

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

/// Off in one case of two.
fn seconds_or_off(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), seconds(range)]
}

fn some_ages() -> impl Strategy<Value = Ages> {
    let ttl = prop_oneof![
        // Long ones too: the pause after a failure is a part of them.
        seconds(1..300).prop_map(PerLayer::same),
        [seconds(1..100), seconds(1..100), seconds(1..100)].prop_map(|[memory, redis, disk]| PerLayer {
            memory,
            redis,
            disk
        }),
    ];
    let others = (seconds_or_off(1..60), seconds_or_off(1..30), prop_oneof![Just(0.0), 0.0..0.9_f64]);
    let after = (seconds_or_off(1..60), seconds_or_off(1..120));
    let ahead = prop::sample::select(vec![1.0, 1.0, 0.5, 0.9, 2.0]);
    (prop::sample::select(SETS_OF_LAYERS.to_vec()), ttl, others, after, ahead, any::<(bool, bool)>())
        .prop_map(
            |(
                layers,
                ttl,
                (none_ttl, err_ttl, jitter),
                (stale, stale_if_error),
                refresh_ahead,
                (ttl_by, cache_if),
            )| {
                Ages {
                    layers,
                    ttl,
                    none_ttl,
                    err_ttl,
                    jitter,
                    stale,
                    stale_if_error,
                    refresh_ahead,
                    ttl_by,
                    cache_if,
                }
            },
        )
}

fn some_character() -> impl Strategy<Value = Character> {
    let rarely = || prop::bool::weighted(0.2);
    (rarely(), rarely(), prop_oneof![0_u8..30, Just(u8::MAX)]).prop_map(|(none, refused, life)| Character {
        none,
        refused,
        life,
    })
}

fn some_step() -> impl Strategy<Value = Step> {
    let power = || prop_oneof![Just(Power::Off), Just(Power::On), Just(Power::On)];
    prop_oneof![
        12 => Just(Step::Call),
        5 => seconds(1..40).prop_map(Step::Advance),
        5 => seconds(1..6).prop_map(Step::Advance),
        2 => Just(Step::EvictMemory),
        2 => (seconds_or_off(1..60), seconds_or_off(1..120)).prop_map(|(stale, error)| Step::Restart(stale, error)),
        1 => Just(Step::RedisForgets),
        2 => power().prop_map(Step::Redis),
        2 => power().prop_map(Step::Disk),
        4 => prop_oneof![Just(Power::Off), Just(Power::On)].prop_map(Step::Source),
        2 => Just(Step::Expire),
        2 => Just(Step::HoldBodies),
        2 => Just(Step::LetBodiesEnd),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn an_answer_is_never_returned_older_than_its_options_allow(
        ages in some_ages(),
        characters in prop::collection::vec(some_character(), 1..5),
        steps in prop::collection::vec(some_step(), 1..60),
    ) {
        let runtime = Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(async {
            let mut stage = Stage::of(ages, characters);
            for (n, step) in steps.iter().enumerate() {
                if let Err(wrong) = stage.step(*step).await {
                    return Err(format!("{wrong}, in step {n}; {:#?}", stage.source.model()));
                }
            }
            stage.source.let_bodies_end();
            Ok(())
        });
        if let Err(wrong) = outcome {
            return Err(TestCaseError::fail(wrong));
        }
    }
}
