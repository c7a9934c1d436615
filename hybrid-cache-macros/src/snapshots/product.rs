// #[cached(layers = "mem,redis,disk", ttl = 300)]
// pub async fn product(id: u64, lang: &str) -> Result<Product, DbError> { db::product(id, lang).await }

/// Cached with `layers = "mem,redis,disk", ttl = 300`: [`product`](struct@product) has `invalidate` and the other companions.
pub async fn product(id: u64, lang: &str) -> Result<Product, DbError> {
    let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
    let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
    product::__key(&mut __hc_key, &id, &lang);
    if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
        return __hc_answer;
    }
    __hc_cache.load(__hc_key, product::__load(id, lang)).await
}
/// The companions of [`product`](fn@product): forget, look at and refresh the answers it keeps.
#[allow(non_camel_case_types, dead_code, unreachable_pub)]
#[non_exhaustive]
pub struct product {}
#[automatically_derived]
impl ::hybrid_cache::__private::Typed<Result<Product, DbError>> for product {
    type Returned = ::hybrid_cache::__private::Returns<
        Result<Product, DbError>,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Infallible as _;
            ::hybrid_cache::__private::Probe::<Result<Product, DbError>>::FALLIBLE
        },
    >;
    type Outcome = ::hybrid_cache::__private::Kept<
        Self::Returned,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Uncacheable as _;
            ::hybrid_cache::__private::CacheProbe::<
                ::hybrid_cache::__private::ValueOf<product, Result<Product, DbError>>,
                ::hybrid_cache::__private::ErrorOf<product, Result<Product, DbError>>,
            >::CACHEABLE
        },
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::HeldBoxed as _;
            ::hybrid_cache::__private::best_held(
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<product, Result<Product, DbError>>,
                >::IS_COPY,
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<product, Result<Product, DbError>>,
                >::IS_ARC,
            )
        },
    >;
}
#[automatically_derived]
impl ::hybrid_cache::__private::Function<Result<Product, DbError>> for product {
    fn cache() -> &'static ::hybrid_cache::__private::CacheOf<
        product,
        Result<Product, DbError>,
    > {
        static __HC_CACHE: ::std::sync::LazyLock<
            ::hybrid_cache::__private::CacheOf<product, Result<Product, DbError>>,
        > = ::std::sync::LazyLock::new(|| {
            ::hybrid_cache::__private::require_cacheable::<
                ::hybrid_cache::__private::ValueOf<product, Result<Product, DbError>>,
            >();
            ::hybrid_cache::__private::require_passed_on::<
                ::hybrid_cache::__private::ErrorOf<product, Result<Product, DbError>>,
            >();
            ::hybrid_cache::__private::CachedFn::new(
                ::hybrid_cache::__private::Definition::beside::<product>("product")
                    .layers(
                        &[
                            ::hybrid_cache::LayerKind::Memory,
                            ::hybrid_cache::LayerKind::Redis,
                            ::hybrid_cache::LayerKind::Disk,
                        ],
                    )
                    .ttl(::core::time::Duration::from_millis(300000)),
                ::hybrid_cache::__private::Abilities::new(
                        ::core::option::Option::Some({
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::OwnEncoding as _;
                            ::hybrid_cache::__private::require_codec(
                                ::hybrid_cache::__private::CodecProbe::<
                                    ::hybrid_cache::__private::ValueOf<
                                        product,
                                        Result<Product, DbError>,
                                    >,
                                >::new()
                                    .encoding(),
                            )
                        }),
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NeverNone as _;
                            ::hybrid_cache::__private::OptionProbe::<
                                ::hybrid_cache::__private::ValueOf<
                                    product,
                                    Result<Product, DbError>,
                                >,
                            >::new()
                                .is_none()
                        },
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NotClone as _;
                            ::hybrid_cache::__private::CloneProbe::<
                                ::hybrid_cache::__private::ErrorOf<
                                    product,
                                    Result<Product, DbError>,
                                >,
                            >::new()
                                .clone_fn()
                        },
                    )
                    .same({
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::NotEq as _;
                        ::hybrid_cache::__private::EqProbe::<
                            ::hybrid_cache::__private::ValueOf<
                                product,
                                Result<Product, DbError>,
                            >,
                        >::new()
                            .same()
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
impl product {
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    pub const __PARAMETERS: &'static [&'static ::core::primitive::str] = &["id", "lang"];
    #[inline]
    fn __key(__hc_text: &mut ::hybrid_cache::__private::KeyText, id: &u64, lang: &&str) {
        ::hybrid_cache::__private::KeyWriter::new(__hc_text, &["id", "lang"])
            .argument(id)
            .argument(lang)
            .finish();
    }
    fn __load(
        id: u64,
        lang: &str,
    ) -> ::core::pin::Pin<
        ::std::boxed::Box<
            dyn ::core::future::Future<
                Output = Result<Product, DbError>,
            > + ::core::marker::Send,
        >,
    > {
        let lang = <&str as ::hybrid_cache::__private::Own>::own(lang);
        ::hybrid_cache::__private::is_cached_so_it_must_be_send(async move {
            product::uncached(id, ::hybrid_cache::__private::borrow(&lang)).await
        })
    }
    /// The key of this answer. `Display` is what stands in Redis.
    #[inline]
    #[must_use]
    pub fn key(id: u64, lang: &str) -> ::hybrid_cache::Key {
        let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        product::__key(&mut __hc_key, &id, &lang);
        __hc_cache.key(&__hc_key)
    }
    /// Forgets this answer in every layer.
    #[inline]
    pub fn invalidate(
        id: u64,
        lang: &str,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        product::__key(&mut __hc_key, &id, &lang);
        __hc_cache.invalidate(__hc_key)
    }
    /// Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.
    #[inline]
    pub fn expire(
        id: u64,
        lang: &str,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        product::__key(&mut __hc_key, &id, &lang);
        __hc_cache.expire(__hc_key)
    }
    /// Forgets all answers of this function, in constant time.
    #[inline]
    pub fn invalidate_all() -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <Self as ::hybrid_cache::__private::Function<_>>::cache();
        __hc_cache.invalidate_all()
    }
    /// What is cached; never loads, never promotes.
    #[inline]
    pub fn peek(
        id: u64,
        lang: &str,
    ) -> ::hybrid_cache::BoxFuture<
        ::core::option::Option<
            ::hybrid_cache::__private::ValueOf<product, Result<Product, DbError>>,
        >,
    > {
        let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        product::__key(&mut __hc_key, &id, &lang);
        __hc_cache.peek(__hc_key)
    }
    /// Stores an answer the caller already has.
    #[inline]
    pub fn put(
        id: u64,
        lang: &str,
        value: ::hybrid_cache::__private::ValueOf<product, Result<Product, DbError>>,
    ) -> ::hybrid_cache::BoxFuture<()> {
        let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        product::__key(&mut __hc_key, &id, &lang);
        __hc_cache.put(__hc_key, value)
    }
    /// Computes the answer anew and stores it, whatever is cached.
    #[inline]
    pub fn refresh(
        id: u64,
        lang: &str,
    ) -> ::hybrid_cache::BoxFuture<Result<Product, DbError>> {
        let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        product::__key(&mut __hc_key, &id, &lang);
        __hc_cache.refresh(__hc_key, product::__load(id, lang))
    }
    /// The answer, and where it came from: the layer, its age, whether the call waited for another's load.
    #[inline]
    pub fn with_info(
        id: u64,
        lang: &str,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Answer<Result<Product, DbError>>> {
        let __hc_cache = <product as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        product::__key(&mut __hc_key, &id, &lang);
        __hc_cache.with_info(__hc_key, product::__load(id, lang))
    }
    /// What happened so far: hits per layer, misses, loads, errors.
    #[inline]
    #[must_use]
    pub fn stats() -> ::hybrid_cache::Stats {
        <Self as ::hybrid_cache::__private::Function<_>>::cache().stats()
    }
    /// Forgets these answers in every layer, many at a time.
    #[inline]
    pub fn invalidate_many<'hc>(
        arguments: impl ::core::iter::IntoIterator<Item = (u64, &'hc str)>,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_keys = ::hybrid_cache::__private::keys(
            arguments,
            |__hc_text, (id, lang)| {
                product::__key(__hc_text, &id, &lang);
            },
        );
        let __hc_cache = <Self as ::hybrid_cache::__private::Function<_>>::cache();
        __hc_cache.invalidate_many(__hc_keys)
    }
    /// Calls the function with all of these, a bounded number at a time, so that their answers are there when they are needed.
    #[inline]
    pub fn warm<'hc>(
        arguments: impl ::core::iter::IntoIterator<Item = (u64, &'hc str)>,
    ) -> ::hybrid_cache::Warm<
        'hc,
        impl ::core::iter::Iterator<
            Item = ::hybrid_cache::BoxFuture<
                ::hybrid_cache::Answer<Result<Product, DbError>>,
            >,
        >,
    > {
        ::hybrid_cache::__private::warm(
            arguments.into_iter().map(move |(id, lang)| product::with_info(id, lang)),
        )
    }
}
impl product {
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
    pub async fn uncached(id: u64, lang: &str) -> Result<Product, DbError> {
        db::product(id, lang).await
    }
}
