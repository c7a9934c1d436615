// #[cached()]
// async fn answer() -> u64 { 42 }

/// Cached: [`answer`](struct@answer) has `invalidate` and the other companions.
async fn answer() -> u64 {
    let __hc_cache = <answer as ::hybrid_cache::__private::Function>::cache();
    let __hc_key = answer::__key();
    if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
        return __hc_answer;
    }
    __hc_cache.load(__hc_key, answer::__load()).await
}
/// The companions of [`answer`](fn@answer): forget, look at and refresh the answers it keeps.
#[allow(non_camel_case_types, dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
struct answer {}
#[automatically_derived]
impl ::hybrid_cache::__private::Function for answer {
    type Returned = ::hybrid_cache::__private::Returns<
        u64,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Infallible as _;
            ::hybrid_cache::__private::Probe::<u64>::FALLIBLE
        },
    >;
    type Outcome = ::hybrid_cache::__private::Kept<
        Self::Returned,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Uncacheable as _;
            ::hybrid_cache::__private::CacheProbe::<
                ::hybrid_cache::__private::ValueOf<answer>,
                ::hybrid_cache::__private::ErrorOf<answer>,
            >::CACHEABLE
        },
    >;
    fn cache() -> &'static ::hybrid_cache::__private::CacheOf<Self> {
        static __HC_CACHE: ::std::sync::LazyLock<
            ::hybrid_cache::__private::CacheOf<answer>,
        > = ::std::sync::LazyLock::new(|| {
            ::hybrid_cache::__private::require_cacheable::<
                ::hybrid_cache::__private::ValueOf<answer>,
            >();
            ::hybrid_cache::__private::require_passed_on::<
                ::hybrid_cache::__private::ErrorOf<answer>,
            >();
            ::hybrid_cache::__private::CachedFn::new(
                ::hybrid_cache::__private::Definition::new(
                    ::core::concat!(::core::module_path!(), "::", "answer"),
                ),
                ::hybrid_cache::__private::Abilities::new(
                    {
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::NoCodec as _;
                        ::hybrid_cache::__private::CodecProbe::<
                            ::hybrid_cache::__private::ValueOf<answer>,
                        >::new()
                            .codec()
                    },
                    {
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::NeverNone as _;
                        ::hybrid_cache::__private::OptionProbe::<
                            ::hybrid_cache::__private::ValueOf<answer>,
                        >::new()
                            .is_none()
                    },
                    {
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::NotClone as _;
                        ::hybrid_cache::__private::CloneProbe::<
                            ::hybrid_cache::__private::ErrorOf<answer>,
                        >::new()
                            .clone_fn()
                    },
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
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction
)]
impl answer {
    #[doc(hidden)]
    pub const __PARAMETERS: &'static [&'static str] = &[];
    fn __key() -> ::hybrid_cache::__private::KeyText {
        ::hybrid_cache::__private::KeyWriter::new().finish()
    }
    fn __load() -> ::core::pin::Pin<
        ::std::boxed::Box<
            dyn ::core::future::Future<Output = u64> + ::core::marker::Send,
        >,
    > {
        ::hybrid_cache::__private::is_cached_so_it_must_be_send(async move {
            answer::uncached().await
        })
    }
    /// The key of this answer. `Display` is what stands in Redis.
    #[must_use]
    fn key() -> ::hybrid_cache::Key {
        <Self as ::hybrid_cache::__private::Function>::cache().key(Self::__key())
    }
    /// Forgets this answer in every layer.
    async fn invalidate() -> ::hybrid_cache::Invalidated {
        <Self as ::hybrid_cache::__private::Function>::cache()
            .invalidate(Self::__key())
            .await
    }
    /// Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.
    async fn expire() -> ::hybrid_cache::Invalidated {
        <Self as ::hybrid_cache::__private::Function>::cache()
            .expire(Self::__key())
            .await
    }
    /// Forgets all answers of this function, in constant time.
    async fn invalidate_all() -> ::hybrid_cache::Invalidated {
        <Self as ::hybrid_cache::__private::Function>::cache().invalidate_all().await
    }
    /// What is cached; never loads, never promotes.
    #[must_use]
    async fn peek() -> ::core::option::Option<::hybrid_cache::__private::ValueOf<Self>> {
        <Self as ::hybrid_cache::__private::Function>::cache().peek(Self::__key()).await
    }
    /// Stores an answer the caller already has.
    async fn put(value: ::hybrid_cache::__private::ValueOf<Self>) {
        <Self as ::hybrid_cache::__private::Function>::cache()
            .put(Self::__key(), value)
            .await
    }
    /// Computes the answer anew and stores it, whatever is cached.
    async fn refresh() -> u64 {
        let __hc_key = Self::__key();
        <Self as ::hybrid_cache::__private::Function>::cache()
            .refresh(__hc_key, answer::__load())
            .await
    }
    /// What happened so far: hits per layer, misses, loads, errors.
    #[must_use]
    fn stats() -> ::hybrid_cache::Stats {
        <Self as ::hybrid_cache::__private::Function>::cache().stats()
    }
}
impl answer {
    /// The function itself: asks no layer and stores nothing.
    #[allow(
        dead_code,
        unreachable_pub,
        clippy::missing_errors_doc,
        clippy::missing_panics_doc,
        clippy::must_use_candidate,
        clippy::too_many_arguments,
        clippy::unused_async
    )]
    async fn uncached() -> u64 {
        42
    }
}
