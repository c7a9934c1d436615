//! What an attribute said: plain data, before settings and defaults are added.

use std::{any::type_name, borrow::Cow, fmt, panic::Location, time::Duration};

use crate::{
    error::LayerKind,
    layers::memory::Eviction,
    outcome::{CloneError, DeadlineError, IsNone, Same},
    policy::PerLayer,
    record::codec::Codec,
    size::{MayTellSize, Weigh},
};

/// The options of one `#[cached(..)]`; what it did not say is `None`.
#[derive(Debug, Clone)]
pub struct Definition {
    pub(crate) name: FunctionName,
    pub(crate) declared: Declared,
    pub(crate) layers: Option<&'static [LayerKind]>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) layer_ttl: PerLayer<Option<Duration>>,
    pub(crate) jitter: Option<f64>,
    pub(crate) capacity: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) eviction: Option<Eviction>,
    pub(crate) none_ttl: Option<Duration>,
    pub(crate) err_ttl: Option<Duration>,
    pub(crate) stale: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) refresh_ahead: RefreshAhead,
    pub(crate) wait: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) max_loads: Option<u32>,
    pub(crate) version: u32,
    /// What it is an instance of, if it is one of several of the same name.
    pub(crate) instance_of: Option<usize>,
    /// What tells this instance apart from others, as it stands in keys.
    pub(crate) told_apart_by: Vec<String>,
    pub(crate) blocking: bool,
}

/// When a call that finds a fresh answer has the next one computed behind its back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RefreshAhead {
    /// Never.
    Off,
    /// After this part of the answer's life, between 0.0 and 1.0.
    Fraction(f64),
    /// By chance, the more likely the nearer the end of its life is, measured by the time that its load took.
    Probabilistic,
}

/// How a function is called in keys and statistics.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum FunctionName {
    /// By where it stands: `crate::module::function`.
    Path(Cow<'static, str>),
    /// By what `name = ".."` says.
    Given(Cow<'static, str>),
}

impl FunctionName {
    /// The path or the name, as it was given.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Path(name) | Self::Given(name) => name,
        }
    }

    /// The name in settings: with dots, and the same for every instance of a generic type.
    pub(crate) fn in_settings(&self) -> String {
        without_generics(self.as_str()).replace("::", ".")
    }
}

/// Where a function stands, for messages: functions of the same name are told apart by this.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    path: Cow<'static, str>,
    attribute: &'static Location<'static>,
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, attribute } = self;
        write!(f, "{path} ({}:{})", attribute.file(), attribute.line())
    }
}

/// `shop::Repo<shop::Database>::product` is `shop::Repo::product`.
fn without_generics(path: &str) -> String {
    let mut depth = 0_usize;
    let outside = path.chars().filter(|character| {
        depth = depth.saturating_add(usize::from(*character == '<'));
        let inside = depth > 0;
        depth = depth.saturating_sub(usize::from(*character == '>'));
        !inside
    });
    outside.collect()
}

/// The path of the function `name` in or beside `S`, which the compiler calls `crate::module::S`.
fn path_in(place: &str, name: &str) -> String {
    // A function in the body of an async function stands in a closure, as the compiler sees it; and lifetimes tell nothing
    // apart.
    let place = place.replace("::{{closure}}", "").replace("'_, ", "").replace("<'_>", "");
    format!("{place}::{name}")
}

impl Definition {
    /// A function named after its path, `crate::module::function`.
    #[must_use]
    #[track_caller]
    pub const fn new(path: &'static str) -> Self {
        Self::of(FunctionName::Path(Cow::Borrowed(path)), Cow::Borrowed(path))
    }

    /// The function `name` beside the type `C`, its companion.
    #[must_use]
    #[track_caller]
    pub fn beside<C: ?Sized>(name: &str) -> Self {
        let path = type_name::<C>();
        let place = path.rsplit_once("::").map_or(path, |(place, _)| place);
        Self::at_path(path_in(place, name))
    }

    /// The method `name` of the type `S`.
    #[must_use]
    #[track_caller]
    pub fn method<S: ?Sized>(name: &str) -> Self {
        Self::at_path(path_in(type_name::<S>(), name))
    }

    /// A method of the type `S` with the name that `name = ".."` gives it, and what `S` is generic over.
    #[must_use]
    #[track_caller]
    pub fn named_method<S: ?Sized>(name: &'static str) -> Self {
        let generics =
            type_name::<S>().find('<').and_then(|at| type_name::<S>().get(at..)).unwrap_or_default();
        let name = FunctionName::Given(Cow::Owned(format!("{name}{generics}")));
        Self::of(name, Cow::Borrowed(type_name::<S>()))
    }

    /// A function beside the type `C`, its companion, with the name that `name = ".."` gives it.
    #[must_use]
    #[track_caller]
    pub fn named_beside<C: ?Sized>(name: &'static str) -> Self {
        Self::of(FunctionName::Given(Cow::Borrowed(name)), Cow::Borrowed(type_name::<C>()))
    }

    /// A function with a name and without a type beside it.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        Self::of(FunctionName::Given(Cow::Borrowed(name)), Cow::Borrowed(name))
    }

    #[track_caller]
    fn at_path(path: String) -> Self {
        Self::of(FunctionName::Path(Cow::Owned(path.clone())), Cow::Owned(path))
    }

    /// In generated code, the caller stands where the attribute does.
    #[track_caller]
    const fn of(name: FunctionName, path: Cow<'static, str>) -> Self {
        Self {
            name,
            declared: Declared { path, attribute: Location::caller() },
            layers: None,
            ttl: None,
            layer_ttl: PerLayer::same(None),
            jitter: None,
            capacity: None,
            max_bytes: None,
            eviction: None,
            none_ttl: None,
            err_ttl: None,
            stale: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            refresh_ahead: RefreshAhead::Off,
            wait: None,
            deadline: None,
            max_loads: None,
            version: 1,
            instance_of: None,
            told_apart_by: Vec::new(),
            blocking: false,
        }
    }

    /// `layers = ".."`.
    #[must_use]
    pub const fn layers(mut self, layers: &'static [LayerKind]) -> Self {
        self.layers = Some(layers);
        self
    }

    /// `ttl = ..`.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// One part of `ttl(..)`.
    #[must_use]
    pub const fn layer_ttl(mut self, layer: LayerKind, ttl: Duration) -> Self {
        self.layer_ttl.set(layer, Some(ttl));
        self
    }

    /// `jitter = ..`.
    #[must_use]
    pub const fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// `capacity = ..`.
    #[must_use]
    pub const fn capacity(mut self, capacity: u64) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// `max_bytes = ..`; without a codec or [`Abilities::weigh`] it has no effect.
    #[must_use]
    pub const fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// `eviction = ..`.
    #[must_use]
    pub const fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = Some(eviction);
        self
    }

    /// `none_ttl = ..`.
    #[must_use]
    pub const fn none_ttl(mut self, none_ttl: Duration) -> Self {
        self.none_ttl = Some(none_ttl);
        self
    }

    /// `err_ttl = ..`.
    #[must_use]
    pub const fn err_ttl(mut self, err_ttl: Duration) -> Self {
        self.err_ttl = Some(err_ttl);
        self
    }

    /// `stale = ..`.
    #[must_use]
    pub const fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// `stale_if_error = ..`.
    #[must_use]
    pub const fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// `refresh_ahead = 0.8`.
    #[must_use]
    pub const fn refresh_ahead(mut self, fraction: f64) -> Self {
        self.refresh_ahead = RefreshAhead::Fraction(fraction);
        self
    }

    /// `refresh_ahead = "xfetch"`.
    #[must_use]
    pub const fn refresh_ahead_by_chance(mut self) -> Self {
        self.refresh_ahead = RefreshAhead::Probabilistic;
        self
    }

    /// `wait = ..`.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// `deadline = ..`; without [`Abilities::deadline_error`] it has no effect.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// `max_loads = ..`.
    #[must_use]
    pub const fn max_loads(mut self, max_loads: u32) -> Self {
        self.max_loads = Some(max_loads);
        self
    }

    /// The name of a type, or a constant, that this instance of a generic function is for.
    #[must_use]
    pub fn told_apart_by(mut self, parameter: &dyn std::fmt::Display) -> Self {
        self.told_apart_by.push(parameter.to_string());
        self
    }

    /// One of the instances that `of` tells apart from all others.
    pub(crate) const fn instance_of(mut self, of: usize) -> Self {
        self.instance_of = Some(of);
        self
    }

    /// `version = ..`.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The function is no `async fn`: its calls block their thread, with or without a tokio runtime around it. So Redis,
    /// which needs one, is left out of its layers, and nothing is refreshed behind a caller's back.
    #[must_use]
    pub const fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }
}

/// What the types of one function can do, as the compiler answered, and what the attribute says of its values.
#[expect(missing_debug_implementations, reason = "functions have nothing to show")]
pub struct Abilities<V, E> {
    /// How the value becomes bytes; `None`: it stays in memory.
    pub(crate) codec: Option<Codec<V>>,
    /// How to tell a `None`; `None`: it never is one.
    pub(crate) is_none: Option<IsNone<V>>,
    /// How to give several waiters the same error; `None`: that cannot be done.
    pub(crate) clone_error: Option<CloneError<E>>,
    /// `cache_if = ..`.
    pub(crate) cache_if: Option<fn(&V) -> bool>,
    /// `ttl_by = ..`.
    pub(crate) ttl_by: Option<fn(&V) -> Duration>,
    /// How large a value is, where memory is bounded by that; `None`: as large as its codec says.
    size: Option<Size<V>>,
    /// The error of a call whose load was dropped at its `deadline`.
    pub(crate) deadline_error: Option<DeadlineError<E>>,
}

/// How to tell how many bytes a value takes.
pub(crate) enum Size<V> {
    /// Its function says so.
    Weighed(Weigh<V>),
    /// Its encoding takes so many, or more than there are if it cannot be encoded.
    Encoded(Weigh<V>),
}

impl<V> Clone for Size<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Size<V> {}

impl<V, E> Abilities<V, E> {
    /// What the compiler knows of every function.
    #[must_use]
    pub const fn new(
        codec: Option<Codec<V>>,
        is_none: Option<IsNone<V>>,
        clone_error: Option<CloneError<E>>,
    ) -> Self {
        Self { codec, is_none, clone_error, cache_if: None, ttl_by: None, size: None, deadline_error: None }
    }

    /// How answers are compared with what comes back of them from bytes, if they can be.
    #[must_use]
    pub fn same(mut self, same: Option<Same<V>>) -> Self {
        self.codec = self.codec.map(|codec| codec.comparing(same));
        self
    }

    /// `cache_if = ..`.
    #[must_use]
    pub const fn cache_if(mut self, cache_if: fn(&V) -> bool) -> Self {
        self.cache_if = Some(cache_if);
        self
    }

    /// `ttl_by = ..`.
    #[must_use]
    pub const fn ttl_by(mut self, ttl_by: fn(&V) -> Duration) -> Self {
        self.ttl_by = Some(ttl_by);
        self
    }

    /// `weigh = ..`.
    #[must_use]
    pub const fn weigh(mut self, weigh: Weigh<V>) -> Self {
        self.size = Some(Size::Weighed(weigh));
        self
    }

    /// What the compiler knows of the size of values, where `weigh` is not said and there is no codec.
    #[must_use]
    pub fn measured(mut self, size: impl MayTellSize<V>) -> Self {
        self.size = size.weigh_if_told().map(Size::Encoded);
        self
    }

    /// How to tell how many bytes a value takes, if anybody can.
    pub(crate) fn size(&self) -> Option<Size<V>> {
        self.size.or_else(|| self.codec.map(|codec| Size::Encoded(codec.size())))
    }

    /// What makes the function's own error of a deadline.
    #[must_use]
    pub const fn deadline_error(mut self, deadline_error: DeadlineError<E>) -> Self {
        self.deadline_error = Some(deadline_error);
        self
    }
}

impl<V, E> Clone for Abilities<V, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, E> Copy for Abilities<V, E> {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Repo<T>(std::marker::PhantomData<T>);

    #[test]
    fn a_method_is_named_after_its_type_and_set_for_all_instances_of_it() {
        let name = Definition::method::<Repo<Vec<u8>>>("product").name;

        assert_eq!(name.as_str(), "hybrid_cache::definition::tests::Repo<alloc::vec::Vec<u8>>::product");
        assert_eq!(name.in_settings(), "hybrid_cache.definition.tests.Repo.product");
        let given = Definition::named_method::<Repo<u8>>("catalog.product").name;
        assert_eq!(
            (given.as_str(), given.in_settings().as_str()),
            ("catalog.product<u8>", "catalog.product")
        );
        assert_eq!(Definition::named_method::<String>("catalog.product").name.as_str(), "catalog.product");
    }

    #[tokio::test]
    async fn a_function_in_a_body_is_named_after_the_function_it_stands_in() {
        #[expect(non_camel_case_types, reason = "as a companion is called")]
        struct product {}

        assert_eq!(
            Definition::beside::<product>("product").name.as_str(),
            "hybrid_cache::definition::tests::a_function_in_a_body_is_named_after_the_function_it_stands_in::product"
        );
    }
}
