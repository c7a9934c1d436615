// #[cached(layers = "mem", ttl = config :: LIFE, ttl (mem = "90s"), jitter = 0.1, capacity = 10_000, eviction = "s3fifo", key = "user:{id}:{user.lang}", skip (db), name = "shop.greeting", version = 2, none_ttl = 10, err_ttl = config :: PAUSE, stale = "60s", stale_if_error = config :: LONG, refresh_ahead = 0.8, cache_if = worth_keeping, ttl_by = Greeting :: life, wait = "5s", deadline = "2s", max_loads = 16, companion = Greetings, crate = crate :: memo)]
// async fn greeting(db: &Db, user: &User, id: u64) -> Result<Option<String>, Failure> { Ok(None) }

/// Cached with `layers = "mem", ttl = config :: LIFE, ttl (mem = "90s"), jitter = 0.1, capacity = 10_000, eviction = "s3fifo", key = "user:{id}:{user.lang}", skip (db), name = "shop.greeting", version = 2, none_ttl = 10, err_ttl = config :: PAUSE, stale = "60s", stale_if_error = config :: LONG, refresh_ahead = 0.8, cache_if = worth_keeping, ttl_by = Greeting :: life, wait = "5s", deadline = "2s", max_loads = 16, companion = Greetings, crate = crate :: memo`: [`Greetings`](struct@Greetings) has `invalidate` and the other companions.
async fn greeting(db: &Db, user: &User, id: u64) -> Result<Option<String>, Failure> {
    let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
    let mut __hc_key = crate::memo::__private::KeyText::new();
    Greetings::__key(&mut __hc_key, &user, &id);
    if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
        return __hc_answer;
    }
    __hc_cache.load(__hc_key, Greetings::__load(db, user, id)).await
}
/// The companions of [`greeting`](fn@greeting): forget, look at and refresh the answers it keeps.
#[allow(non_camel_case_types, dead_code, unreachable_pub)]
#[non_exhaustive]
struct Greetings {}
#[automatically_derived]
impl crate::memo::__private::Typed<Result<Option<String>, Failure>> for Greetings {
    type Returned = crate::memo::__private::Returns<
        Result<Option<String>, Failure>,
        {
            #[allow(unused_imports)]
            use crate::memo::__private::Infallible as _;
            crate::memo::__private::Probe::<Result<Option<String>, Failure>>::FALLIBLE
        },
    >;
    type Outcome = crate::memo::__private::Kept<
        Self::Returned,
        {
            #[allow(unused_imports)]
            use crate::memo::__private::Uncacheable as _;
            crate::memo::__private::CacheProbe::<
                crate::memo::__private::ValueOf<
                    Greetings,
                    Result<Option<String>, Failure>,
                >,
                crate::memo::__private::ErrorOf<
                    Greetings,
                    Result<Option<String>, Failure>,
                >,
            >::CACHEABLE
        },
        {
            #[allow(unused_imports)]
            use crate::memo::__private::HeldBoxed as _;
            crate::memo::__private::best_held(
                crate::memo::__private::HoldProbe::<
                    crate::memo::__private::ValueOf<
                        Greetings,
                        Result<Option<String>, Failure>,
                    >,
                >::IS_COPY,
                crate::memo::__private::HoldProbe::<
                    crate::memo::__private::ValueOf<
                        Greetings,
                        Result<Option<String>, Failure>,
                    >,
                >::IS_ARC,
            )
        },
    >;
}
#[automatically_derived]
impl crate::memo::__private::Function<Result<Option<String>, Failure>> for Greetings {
    fn cache() -> &'static crate::memo::__private::CacheOf<
        Greetings,
        Result<Option<String>, Failure>,
    > {
        const _: () = ::core::assert!(
            { #[allow(unused_imports)] use crate ::memo::__private::Infallible as _;
            crate ::memo::__private::Probe:: < Result < Option < String >, Failure > >
            ::FALLIBLE },
            "`deadline` needs a `Result`: a call whose load is dropped has to return an error; return one, or leave `deadline` out"
        );
        const _: () = ::core::assert!(
            { #[allow(unused_imports)] use crate ::memo::__private::NeverNone as _; crate
            ::memo::__private::OptionProbe:: < crate ::memo::__private::ValueOf <
            Greetings, Result < Option < String >, Failure > > > ::OPTIONAL },
            "`none_ttl` has no effect: this function returns no `Option`"
        );
        const _: () = ::core::assert!(
            { #[allow(unused_imports)] use crate ::memo::__private::Infallible as _;
            crate ::memo::__private::Probe:: < Result < Option < String >, Failure > >
            ::FALLIBLE }, "`err_ttl` has no effect: this function returns no `Result`"
        );
        static __HC_CACHE: ::std::sync::LazyLock<
            crate::memo::__private::CacheOf<Greetings, Result<Option<String>, Failure>>,
        > = ::std::sync::LazyLock::new(|| {
            crate::memo::__private::require_cacheable::<
                crate::memo::__private::ValueOf<
                    Greetings,
                    Result<Option<String>, Failure>,
                >,
            >();
            crate::memo::__private::require_passed_on::<
                crate::memo::__private::ErrorOf<
                    Greetings,
                    Result<Option<String>, Failure>,
                >,
            >();
            crate::memo::__private::CachedFn::new(
                crate::memo::__private::Definition::named_beside::<
                    Greetings,
                >("shop.greeting")
                    .layers(&[crate::memo::LayerKind::Memory])
                    .layer_ttl(
                        crate::memo::LayerKind::Memory,
                        ::core::time::Duration::from_millis(90000),
                    )
                    .jitter(0.1)
                    .capacity(10000)
                    .eviction(crate::memo::Eviction::S3Fifo)
                    .ttl({
                        const __HC_LIFE: ::core::time::Duration = config::LIFE;
                        const _: () = ::core::assert!(
                            ! __HC_LIFE.is_zero(),
                            "`ttl` is zero, so nothing would be kept; to switch caching off, remove the attribute"
                        );
                        __HC_LIFE
                    })
                    .stale(::core::time::Duration::from_millis(60000))
                    .stale_if_error({
                        const __HC_LIFE: ::core::time::Duration = config::LONG;
                        const _: () = ::core::assert!(
                            ! __HC_LIFE.is_zero(),
                            "`stale_if_error` is zero and has no effect; leave it out"
                        );
                        __HC_LIFE
                    })
                    .wait(::core::time::Duration::from_millis(5000))
                    .deadline(::core::time::Duration::from_millis(2000))
                    .none_ttl(::core::time::Duration::from_millis(10000))
                    .err_ttl({
                        const __HC_LIFE: ::core::time::Duration = config::PAUSE;
                        __HC_LIFE
                    })
                    .refresh_ahead(0.8)
                    .max_loads(16)
                    .version(2),
                crate::memo::__private::Abilities::new(
                        ::core::option::Option::None,
                        {
                            #[allow(unused_imports)]
                            use crate::memo::__private::NeverNone as _;
                            crate::memo::__private::OptionProbe::<
                                crate::memo::__private::ValueOf<
                                    Greetings,
                                    Result<Option<String>, Failure>,
                                >,
                            >::new()
                                .is_none()
                        },
                        ::core::option::Option::Some(
                            crate::memo::__private::require_clone_error::<
                                crate::memo::__private::ErrorOf<
                                    Greetings,
                                    Result<Option<String>, Failure>,
                                >,
                            >(),
                        ),
                    )
                    .cache_if({
                        let __hc_function: fn(
                            &crate::memo::__private::ValueOf<
                                Greetings,
                                Result<Option<String>, Failure>,
                            >,
                        ) -> bool = worth_keeping;
                        __hc_function
                    })
                    .ttl_by({
                        let __hc_function: fn(
                            &crate::memo::__private::ValueOf<
                                Greetings,
                                Result<Option<String>, Failure>,
                            >,
                        ) -> ::core::time::Duration = Greeting::life;
                        __hc_function
                    })
                    .measured({
                        #[allow(unused_imports)]
                        use crate::memo::__private::{NoSize as _, SharedSize as _};
                        crate::memo::__private::SizeProbe::<
                            crate::memo::__private::ValueOf<
                                Greetings,
                                Result<Option<String>, Failure>,
                            >,
                        >::ASK
                            .size()
                    })
                    .deadline_error(
                        crate::memo::__private::require_deadline_error::<
                            crate::memo::__private::ErrorOf<
                                Greetings,
                                Result<Option<String>, Failure>,
                            >,
                        >(),
                    ),
            )
        });
        &__HC_CACHE
    }
}
#[allow(
    dead_code,
    unreachable_pub,
    unused_qualifications,
    private_interfaces,
    private_bounds,
    unused_variables,
    single_use_lifetimes,
    clippy::future_not_send,
    clippy::impl_trait_in_params,
    clippy::multiple_bound_locations,
    clippy::pattern_type_mismatch,
    clippy::ptr_arg,
    clippy::ref_option_ref,
    clippy::shadow_reuse,
    clippy::too_many_arguments,
    clippy::used_underscore_binding
)]
impl Greetings {
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    const __PARAMETERS: &'static [&'static ::core::primitive::str] = &["user", "id"];
    #[inline]
    fn __key(__hc_text: &mut crate::memo::__private::KeyText, user: &&User, id: &u64) {
        crate::memo::__private::KeyWriter::template(__hc_text, &["user:", ":", ""])
            .value(id)
            .value(&user.lang)
            .finish();
    }
    fn __load(
        db: &Db,
        user: &User,
        id: u64,
    ) -> ::core::pin::Pin<
        ::std::boxed::Box<
            dyn ::core::future::Future<
                Output = Result<Option<String>, Failure>,
            > + ::core::marker::Send,
        >,
    > {
        let db = <&Db as crate::memo::__private::Own>::own(db);
        let user = <&User as crate::memo::__private::Own>::own(user);
        crate::memo::__private::is_cached_so_it_must_be_send(async move {
            Greetings::uncached(
                    crate::memo::__private::borrow(&db),
                    crate::memo::__private::borrow(&user),
                    id,
                )
                .await
        })
    }
    /// The key of this answer. `Display` is what stands in Redis.
    #[inline]
    #[must_use]
    fn key(user: &User, id: u64) -> crate::memo::Key {
        let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
        let mut __hc_key = crate::memo::__private::KeyText::new();
        Greetings::__key(&mut __hc_key, &user, &id);
        __hc_cache.key(&__hc_key)
    }
    /// Forgets this answer in every layer.
    #[inline]
    fn invalidate(
        user: &User,
        id: u64,
    ) -> crate::memo::BoxFuture<crate::memo::Invalidated> {
        let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
        let mut __hc_key = crate::memo::__private::KeyText::new();
        Greetings::__key(&mut __hc_key, &user, &id);
        __hc_cache.invalidate(__hc_key)
    }
    /// Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.
    #[inline]
    fn expire(user: &User, id: u64) -> crate::memo::BoxFuture<crate::memo::Invalidated> {
        let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
        let mut __hc_key = crate::memo::__private::KeyText::new();
        Greetings::__key(&mut __hc_key, &user, &id);
        __hc_cache.expire(__hc_key)
    }
    /// Forgets all answers of this function, in constant time.
    #[inline]
    fn invalidate_all() -> crate::memo::BoxFuture<crate::memo::Invalidated> {
        let __hc_cache = <Self as crate::memo::__private::Function<_>>::cache();
        __hc_cache.invalidate_all()
    }
    /// What is cached; never loads, never promotes.
    #[inline]
    fn peek(
        user: &User,
        id: u64,
    ) -> crate::memo::BoxFuture<
        ::core::option::Option<
            crate::memo::__private::ValueOf<Greetings, Result<Option<String>, Failure>>,
        >,
    > {
        let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
        let mut __hc_key = crate::memo::__private::KeyText::new();
        Greetings::__key(&mut __hc_key, &user, &id);
        __hc_cache.peek(__hc_key)
    }
    /// Stores an answer the caller already has.
    #[inline]
    fn put(
        user: &User,
        id: u64,
        value: crate::memo::__private::ValueOf<
            Greetings,
            Result<Option<String>, Failure>,
        >,
    ) -> crate::memo::BoxFuture<()> {
        let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
        let mut __hc_key = crate::memo::__private::KeyText::new();
        Greetings::__key(&mut __hc_key, &user, &id);
        __hc_cache.put(__hc_key, value)
    }
    /// Computes the answer anew and stores it, whatever is cached.
    #[inline]
    fn refresh(
        db: &Db,
        user: &User,
        id: u64,
    ) -> crate::memo::BoxFuture<Result<Option<String>, Failure>> {
        let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
        let mut __hc_key = crate::memo::__private::KeyText::new();
        Greetings::__key(&mut __hc_key, &user, &id);
        __hc_cache.refresh(__hc_key, Greetings::__load(db, user, id))
    }
    /// The answer, and where it came from: the layer, its age, whether the call waited for another's load.
    #[inline]
    fn with_info(
        db: &Db,
        user: &User,
        id: u64,
    ) -> crate::memo::BoxFuture<crate::memo::Answer<Result<Option<String>, Failure>>> {
        let __hc_cache = <Greetings as crate::memo::__private::Function<_>>::cache();
        let mut __hc_key = crate::memo::__private::KeyText::new();
        Greetings::__key(&mut __hc_key, &user, &id);
        __hc_cache.with_info(__hc_key, Greetings::__load(db, user, id))
    }
    /// What happened so far: hits per layer, misses, loads, errors.
    #[inline]
    #[must_use]
    fn stats() -> crate::memo::Stats {
        <Self as crate::memo::__private::Function<_>>::cache().stats()
    }
    /// Forgets these answers in every layer, many at a time.
    #[inline]
    fn invalidate_many<'hc>(
        arguments: impl ::core::iter::IntoIterator<Item = (&'hc User, u64)>,
    ) -> crate::memo::BoxFuture<crate::memo::Invalidated> {
        let __hc_keys = crate::memo::__private::keys(
            arguments,
            |__hc_text, (user, id)| {
                Greetings::__key(__hc_text, &user, &id);
            },
        );
        let __hc_cache = <Self as crate::memo::__private::Function<_>>::cache();
        __hc_cache.invalidate_many(__hc_keys)
    }
    /// Calls the function with all of these, a bounded number at a time, so that their answers are there when they are needed.
    #[inline]
    fn warm<'hc>(
        arguments: impl ::core::iter::IntoIterator<Item = (&'hc Db, &'hc User, u64)>,
    ) -> crate::memo::Warm<
        'hc,
        impl ::core::iter::Iterator<
            Item = crate::memo::BoxFuture<
                crate::memo::Answer<Result<Option<String>, Failure>>,
            >,
        >,
    > {
        crate::memo::__private::warm(
            arguments
                .into_iter()
                .map(move |(db, user, id)| Greetings::with_info(db, user, id)),
        )
    }
}
impl Greetings {
    /// The function itself: asks no layer and stores nothing.
    #[allow(
        dead_code,
        unreachable_pub,
        clippy::missing_errors_doc,
        clippy::missing_panics_doc,
        clippy::must_use_candidate,
        clippy::too_many_arguments,
        clippy::unused_async,
        clippy::missing_const_for_fn,
        clippy::missing_inline_in_public_items,
        clippy::single_call_fn,
        clippy::impl_trait_in_params
    )]
    async fn uncached(db: &Db, user: &User, id: u64) -> Result<Option<String>, Failure> {
        Ok(None)
    }
}
