// #[cached(inline, skip (shop))]
// async fn greeting(shop: &Shop<'_>, names: &[&str]) -> String { shop.greet(names) }

/// Cached with `inline, skip (shop)`: [`greeting`](struct@greeting) has `invalidate` and the other companions.
async fn greeting(shop: &Shop<'_>, names: &[&str]) -> String {
    let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
    let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
    greeting::__key(&mut __hc_key, &names);
    if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
        return __hc_answer;
    }
    __hc_cache
        .load_inline(__hc_key, ::std::boxed::Box::pin(greeting::uncached(shop, names)))
        .await
}
/// The companions of [`greeting`](fn@greeting): forget, look at and refresh the answers it keeps.
#[allow(non_camel_case_types, dead_code, unreachable_pub)]
#[non_exhaustive]
struct greeting {}
#[automatically_derived]
impl ::hybrid_cache::__private::Typed<String> for greeting {
    type Returned = ::hybrid_cache::__private::Returns<
        String,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Infallible as _;
            ::hybrid_cache::__private::Probe::<String>::FALLIBLE
        },
    >;
    type Outcome = ::hybrid_cache::__private::Kept<
        Self::Returned,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Uncacheable as _;
            ::hybrid_cache::__private::CacheProbe::<
                ::hybrid_cache::__private::ValueOf<greeting, String>,
                ::hybrid_cache::__private::ErrorOf<greeting, String>,
            >::CACHEABLE
        },
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::HeldBoxed as _;
            ::hybrid_cache::__private::best_held(
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<greeting, String>,
                >::IS_COPY,
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<greeting, String>,
                >::IS_ARC,
            )
        },
    >;
}
#[automatically_derived]
impl ::hybrid_cache::__private::Function<String> for greeting {
    fn cache() -> &'static ::hybrid_cache::__private::CacheOf<greeting, String> {
        static __HC_CACHE: ::std::sync::LazyLock<
            ::hybrid_cache::__private::CacheOf<greeting, String>,
        > = ::std::sync::LazyLock::new(|| {
            ::hybrid_cache::__private::require_cacheable::<
                ::hybrid_cache::__private::ValueOf<greeting, String>,
            >();
            ::hybrid_cache::__private::require_passed_on::<
                ::hybrid_cache::__private::ErrorOf<greeting, String>,
            >();
            ::hybrid_cache::__private::CachedFn::new(
                ::hybrid_cache::__private::Definition::beside::<greeting>("greeting"),
                ::hybrid_cache::__private::Abilities::new(
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::{
                                NoCodec as _, OwnEncoding as _,
                            };
                            ::hybrid_cache::__private::CodecProbe::<
                                ::hybrid_cache::__private::ValueOf<greeting, String>,
                            >::new()
                                .encoding()
                                .codec()
                        },
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NeverNone as _;
                            ::hybrid_cache::__private::OptionProbe::<
                                ::hybrid_cache::__private::ValueOf<greeting, String>,
                            >::new()
                                .is_none()
                        },
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NotClone as _;
                            ::hybrid_cache::__private::CloneProbe::<
                                ::hybrid_cache::__private::ErrorOf<greeting, String>,
                            >::new()
                                .clone_fn()
                        },
                    )
                    .same({
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::NotEq as _;
                        ::hybrid_cache::__private::EqProbe::<
                            ::hybrid_cache::__private::ValueOf<greeting, String>,
                        >::new()
                            .same()
                    })
                    .measured({
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::{NoSize as _, SharedSize as _};
                        ::hybrid_cache::__private::SizeProbe::<
                            ::hybrid_cache::__private::ValueOf<greeting, String>,
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
impl greeting {
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    const __PARAMETERS: &'static [&'static ::core::primitive::str] = &["names"];
    #[inline]
    fn __key(__hc_text: &mut ::hybrid_cache::__private::KeyText, names: &&[&str]) {
        ::hybrid_cache::__private::KeyWriter::new(__hc_text, &["names"])
            .argument(names)
            .finish();
    }
    /// The key of this answer. `Display` is what stands in Redis.
    #[inline]
    #[must_use]
    fn key(names: &[&str]) -> ::hybrid_cache::Key {
        let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        greeting::__key(&mut __hc_key, &names);
        __hc_cache.key(&__hc_key)
    }
    /// Forgets this answer in every layer.
    #[inline]
    fn invalidate(
        names: &[&str],
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        greeting::__key(&mut __hc_key, &names);
        __hc_cache.invalidate(__hc_key)
    }
    /// Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.
    #[inline]
    fn expire(names: &[&str]) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        greeting::__key(&mut __hc_key, &names);
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
    fn peek(
        names: &[&str],
    ) -> ::hybrid_cache::BoxFuture<
        ::core::option::Option<::hybrid_cache::__private::ValueOf<greeting, String>>,
    > {
        let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        greeting::__key(&mut __hc_key, &names);
        __hc_cache.peek(__hc_key)
    }
    /// Stores an answer the caller already has.
    #[inline]
    fn put(
        names: &[&str],
        value: ::hybrid_cache::__private::ValueOf<greeting, String>,
    ) -> ::hybrid_cache::BoxFuture<()> {
        let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        greeting::__key(&mut __hc_key, &names);
        __hc_cache.put(__hc_key, value)
    }
    /// Computes the answer anew and stores it, whatever is cached.
    #[inline]
    async fn refresh(shop: &Shop<'_>, names: &[&str]) -> String {
        let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        greeting::__key(&mut __hc_key, &names);
        __hc_cache
            .refresh_inline(
                __hc_key,
                ::std::boxed::Box::pin(greeting::uncached(shop, names)),
            )
            .await
    }
    /// The answer, and where it came from: the layer, its age, whether the call waited for another's load.
    #[inline]
    async fn with_info(
        shop: &Shop<'_>,
        names: &[&str],
    ) -> ::hybrid_cache::Answer<String> {
        let __hc_cache = <greeting as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        greeting::__key(&mut __hc_key, &names);
        __hc_cache
            .with_info_inline(
                __hc_key,
                ::std::boxed::Box::pin(greeting::uncached(shop, names)),
            )
            .await
    }
    /// What happened so far: hits per layer, misses, loads, errors.
    #[inline]
    #[must_use]
    fn stats() -> ::hybrid_cache::Stats {
        <Self as ::hybrid_cache::__private::Function<_>>::cache().stats()
    }
    /// Forgets these answers in every layer, many at a time.
    #[inline]
    fn invalidate_many<'hc>(
        arguments: impl ::core::iter::IntoIterator<Item = &'hc [&'hc str]>,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_keys = ::hybrid_cache::__private::keys(
            arguments,
            |__hc_text, names| {
                greeting::__key(__hc_text, &names);
            },
        );
        let __hc_cache = <Self as ::hybrid_cache::__private::Function<_>>::cache();
        __hc_cache.invalidate_many(__hc_keys)
    }
    /// Calls the function with all of these, a bounded number at a time, so that their answers are there when they are needed.
    #[inline]
    fn warm<'hc>(
        arguments: impl ::core::iter::IntoIterator<
            Item = (&'hc Shop<'hc>, &'hc [&'hc str]),
        >,
    ) -> ::hybrid_cache::Warm<
        'hc,
        impl ::core::iter::Iterator<
            Item = impl ::core::future::Future<Output = ::hybrid_cache::Answer<String>>,
        >,
    > {
        ::hybrid_cache::__private::warm(
            arguments
                .into_iter()
                .map(move |(shop, names)| greeting::with_info(shop, names)),
        )
    }
}
impl greeting {
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
    async fn uncached(shop: &Shop<'_>, names: &[&str]) -> String {
        shop.greet(names)
    }
}
