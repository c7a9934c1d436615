// #[cached()]
// async fn answer() -> u64 { 42 }

/// Cached: [`answer`](struct@answer) has `invalidate` and the other companions.
async fn answer() -> u64 {
    let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
    let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
    answer::__key(&mut __hc_key);
    if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
        return __hc_answer;
    }
    __hc_cache.load(__hc_key, answer::__load()).await
}
/// The companions of [`answer`](fn@answer): forget, look at and refresh the answers it keeps.
#[allow(non_camel_case_types, dead_code, unreachable_pub)]
#[non_exhaustive]
struct answer {}
#[automatically_derived]
impl ::hybrid_cache::__private::Typed<u64> for answer {
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
                ::hybrid_cache::__private::ValueOf<answer, u64>,
                ::hybrid_cache::__private::ErrorOf<answer, u64>,
            >::CACHEABLE
        },
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::HeldBoxed as _;
            ::hybrid_cache::__private::best_held(
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<answer, u64>,
                >::IS_COPY,
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<answer, u64>,
                >::IS_ARC,
            )
        },
    >;
}
#[automatically_derived]
impl ::hybrid_cache::__private::Function<u64> for answer {
    fn cache() -> &'static ::hybrid_cache::__private::CacheOf<answer, u64> {
        static __HC_CACHE: ::std::sync::LazyLock<
            ::hybrid_cache::__private::CacheOf<answer, u64>,
        > = ::std::sync::LazyLock::new(|| {
            ::hybrid_cache::__private::require_cacheable::<
                ::hybrid_cache::__private::ValueOf<answer, u64>,
            >();
            ::hybrid_cache::__private::require_passed_on::<
                ::hybrid_cache::__private::ErrorOf<answer, u64>,
            >();
            ::hybrid_cache::__private::CachedFn::new(
                ::hybrid_cache::__private::Definition::beside::<answer>("answer"),
                ::hybrid_cache::__private::Abilities::new(
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::{
                                NoCodec as _, OwnEncoding as _,
                            };
                            ::hybrid_cache::__private::CodecProbe::<
                                ::hybrid_cache::__private::ValueOf<answer, u64>,
                            >::new()
                                .encoding()
                                .codec()
                        },
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NeverNone as _;
                            ::hybrid_cache::__private::OptionProbe::<
                                ::hybrid_cache::__private::ValueOf<answer, u64>,
                            >::new()
                                .is_none()
                        },
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NotClone as _;
                            ::hybrid_cache::__private::CloneProbe::<
                                ::hybrid_cache::__private::ErrorOf<answer, u64>,
                            >::new()
                                .clone_fn()
                        },
                    )
                    .same({
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::NotEq as _;
                        ::hybrid_cache::__private::EqProbe::<
                            ::hybrid_cache::__private::ValueOf<answer, u64>,
                        >::new()
                            .same()
                    })
                    .measured({
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::{NoSize as _, SharedSize as _};
                        ::hybrid_cache::__private::SizeProbe::<
                            ::hybrid_cache::__private::ValueOf<answer, u64>,
                        >::ASK
                            .size()
                    }),
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
impl answer {
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    const __PARAMETERS: &'static [&'static ::core::primitive::str] = &[];
    #[inline]
    fn __key(__hc_text: &mut ::hybrid_cache::__private::KeyText) {
        ::hybrid_cache::__private::KeyWriter::new(__hc_text, &[]).finish();
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
    #[inline]
    #[must_use]
    fn key() -> ::hybrid_cache::Key {
        let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        answer::__key(&mut __hc_key);
        __hc_cache.key(&__hc_key)
    }
    /// Forgets this answer in every layer.
    #[inline]
    fn invalidate() -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        answer::__key(&mut __hc_key);
        __hc_cache.invalidate(__hc_key)
    }
    /// Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.
    #[inline]
    fn expire() -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        answer::__key(&mut __hc_key);
        __hc_cache.expire(__hc_key)
    }
    /// Forgets all answers of this function, in constant time.
    #[inline]
    fn invalidate_all() -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <Self as ::hybrid_cache::__private::Function<_>>::cache();
        __hc_cache.invalidate_all()
    }
    /// What is cached; never loads, never promotes.
    #[inline]
    fn peek() -> ::hybrid_cache::BoxFuture<
        ::core::option::Option<::hybrid_cache::__private::ValueOf<answer, u64>>,
    > {
        let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        answer::__key(&mut __hc_key);
        __hc_cache.peek(__hc_key)
    }
    /// Stores an answer the caller already has.
    #[inline]
    fn put(
        value: ::hybrid_cache::__private::ValueOf<answer, u64>,
    ) -> ::hybrid_cache::BoxFuture<()> {
        let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        answer::__key(&mut __hc_key);
        __hc_cache.put(__hc_key, value)
    }
    /// Computes the answer anew and stores it, whatever is cached.
    #[inline]
    fn refresh() -> ::hybrid_cache::BoxFuture<u64> {
        let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        answer::__key(&mut __hc_key);
        __hc_cache.refresh(__hc_key, answer::__load())
    }
    /// The answer, and where it came from: the layer, its age, whether the call waited for another's load.
    #[inline]
    fn with_info() -> ::hybrid_cache::BoxFuture<::hybrid_cache::Answer<u64>> {
        let __hc_cache = <answer as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        answer::__key(&mut __hc_key);
        __hc_cache.with_info(__hc_key, answer::__load())
    }
    /// What happened so far: hits per layer, misses, loads, errors.
    #[inline]
    #[must_use]
    fn stats() -> ::hybrid_cache::Stats {
        <Self as ::hybrid_cache::__private::Function<_>>::cache().stats()
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
        clippy::unused_async,
        clippy::missing_const_for_fn,
        clippy::missing_inline_in_public_items,
        clippy::single_call_fn,
        clippy::impl_trait_in_params
    )]
    async fn uncached() -> u64 {
        42
    }
}
