//! The caches of a function that is many: a method of a generic type, or a generic function. Each instantiation has a
//! cache of its own, since its answers may be of another type, or differ though its arguments are the same.
//!
//! Generated code has one [`Instances`] for each such function. Knows nothing of what a cache does.

use std::{
    any::{Any, TypeId},
    hash::BuildHasher as _,
    sync::{Arc, LazyLock, OnceLock},
};

use foldhash::fast::FixedState;
use futures_core::future::BoxFuture;

use crate::{
    cached_fn::{CachedFn, to_the_end},
    definition::{Abilities, Definition, FunctionName},
    invalidated::Invalidated,
    outcome::{Kept, Outcome, ReturnedError, ReturnedValue, Returns},
    record::codec::Codec,
    stats::Stats,
    sync::{Mutex, PoisonError},
};

/// All caches that were made of one generic `#[cached]` function so far.
///
/// Finding one takes no lock: there is usually one, and the others are in lists that only grow.
#[expect(missing_debug_implementations, reason = "only generated code has one")]
pub struct Instances {
    first: OnceLock<Instance>,
    others: LazyLock<[List; LISTS]>,
    /// In the order in which they were made; held by whoever makes one.
    made: Mutex<Vec<Made>>,
}

/// One for each byte: enough for each to be short, as a function has few instances.
const LISTS: usize = 256;

/// Instances whose types agree in a byte of their hash.
#[derive(Default)]
struct List(OnceLock<Box<(Instance, Self)>>);

#[derive(Clone, Copy)]
struct Instance {
    /// What it is an instance for. Lifetimes make no difference.
    of: TypeId,
    cache: &'static dyn Cache,
}

/// An instance, by what it is called in keys.
struct Made {
    name: FunctionName,
    told_apart_by: Vec<String>,
    instance: Instance,
}

/// A cache, whatever its answers are.
trait Cache: Any + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn invalidate_all(&self) -> BoxFuture<'static, Invalidated>;
    fn invalidate_all_blocking(&self) -> Invalidated;
    fn stats(&self) -> Stats;
}

impl<R: Outcome> Cache for Arc<CachedFn<R>> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn invalidate_all(&self) -> BoxFuture<'static, Invalidated> {
        CachedFn::invalidate_all(self)
    }

    fn invalidate_all_blocking(&self) -> Invalidated {
        CachedFn::invalidate_all_blocking(self)
    }

    fn stats(&self) -> Stats {
        CachedFn::stats(self)
    }
}

/// What a cache is made of.
type Described<R> = (Definition, Abilities<ReturnedValue<R>, ReturnedError<R>>);

/// Stands for a function none of whose instances has been used in this process.
enum Unused {}

impl List {
    fn find(&self, of: TypeId) -> Option<Instance> {
        let mut list = self;
        while let Some((instance, rest)) = list.0.get().map(|link| &**link) {
            if instance.of == of {
                return Some(*instance);
            }
            list = rest;
        }
        None
    }

    /// Puts an instance at the end.
    fn add(&self, instance: Instance) {
        let mut list = self;
        while let Some(link) = list.0.get() {
            list = &link.1;
        }
        // Nobody else adds one at the same time: the lock of those that are made is held.
        let _ = list.0.set(Box::new((instance, Self::default())));
    }
}

impl Instances {
    /// None yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code makes one, in a static")]
    pub const fn new() -> Self {
        Self {
            first: OnceLock::new(),
            others: LazyLock::new(|| std::array::from_fn(|_| List::default())),
            made: Mutex::new(Vec::new()),
        }
    }

    /// The cache of the instance that `witness` is part of: a closure in a generic function has another type in each
    /// instance of it.
    pub fn get<W, R: Outcome>(
        &'static self,
        _witness: &W,
        describe: impl FnOnce() -> Described<R>,
    ) -> &'static Arc<CachedFn<R>> {
        let of = typeid::of::<W>();
        match self.find(of).and_then(|found| found.cache.as_any().downcast_ref()) {
            Some(cache) => cache,
            None => self.make(of, describe),
        }
    }

    #[inline]
    fn find(&self, of: TypeId) -> Option<Instance> {
        let first = self.first.get()?;
        if first.of == of { Some(*first) } else { self.list(of).find(of) }
    }

    /// Where an instance of this type is, unless it is the first.
    fn list(&self, of: TypeId) -> &List {
        let hash = FixedState::default().hash_one(of).to_le_bytes();
        #[expect(clippy::indexing_slicing, reason = "there is one for each byte")]
        &self.others[usize::from(hash[0])]
    }

    #[cold]
    fn make<R: Outcome>(
        &'static self,
        of: TypeId,
        describe: impl FnOnce() -> Described<R>,
    ) -> &'static Arc<CachedFn<R>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have made it meanwhile.
        if let Some(found) = self.find(of).and_then(|found| found.cache.as_any().downcast_ref()) {
            return found;
        }
        let (definition, abilities) = describe();
        // As long as the process, like the static of a function that is not generic.
        let (name, told_apart_by) = (definition.name.clone(), definition.told_apart_by.clone());
        // Two types may have the same name. The second then counts as another function of the same name, which keeps its
        // answers in memory, where they are told apart.
        let unique = !made.iter().any(|other| other.name == name && other.told_apart_by == told_apart_by);
        let definition = if unique { definition.instance_of(self.family()) } else { definition };
        let cache: &'static Arc<CachedFn<R>> = Box::leak(Box::new(CachedFn::new(definition, abilities)));
        let instance = Instance { of, cache };
        if self.first.set(instance).is_err() {
            self.list(of).add(instance);
        }
        made.push(Made { name, told_apart_by, instance });
        cache
    }

    /// By what a registry knows that functions of the same name are instances of one.
    fn family(&'static self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// The instance of this name that was made as the `at`-th of them.
    fn nth(&self, name: &FunctionName, at: usize) -> Option<&'static dyn Cache> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().filter(|made| made.name == *name).map(|made| made.instance.cache).nth(at)
    }

    /// The caches of the function that `definition` describes; at least one, so that there is one to be told something.
    fn all(&'static self, definition: Definition) -> impl Iterator<Item = &'static dyn Cache> {
        let name = definition.name.clone();
        if self.nth(&name, 0).is_none() {
            let unused =
                || (definition.told_apart_by(&"#unused"), Abilities::new(Some(Codec::new()), None, None));
            self.make::<Kept<Returns<(), false>, true>>(TypeId::of::<Unused>(), unused);
        }
        // One that is made meanwhile is met too: it may have taken an answer from a layer that was not told yet.
        (0..).map_while(move |at| self.nth(&name, at))
    }

    /// Forgets all answers of all instances, those included that only other processes have.
    pub fn invalidate_all(&'static self, definition: Definition) -> BoxFuture<'static, Invalidated> {
        to_the_end(async move {
            let mut invalidated = Invalidated::nowhere();
            for cache in self.all(definition) {
                invalidated = invalidated.and(cache.invalidate_all().await);
            }
            invalidated
        })
    }

    /// The same in this thread.
    pub fn invalidate_all_blocking(&'static self, definition: Definition) -> Invalidated {
        self.all(definition)
            .map(Cache::invalidate_all_blocking)
            .fold(Invalidated::nowhere(), Invalidated::and)
    }

    /// What happened to all instances.
    #[must_use]
    pub fn stats(&'static self, definition: &Definition) -> Stats {
        let mut total = Stats::default();
        for cache in (0..).map_while(|at| self.nth(&definition.name, at)) {
            total.add(&cache.stats());
        }
        total
    }
}
