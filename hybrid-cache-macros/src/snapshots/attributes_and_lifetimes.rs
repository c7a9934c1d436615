// #[cached(layers = "mem")]
// #[cfg(unix)] #[expect(clippy::ptr_arg)] #[inline] pub(crate) async fn longest<'a>(r#in: &'a String, _x: Option<&str>) -> usize where 'a: 'a { r#in.len() }

#[cfg(unix)]
#[allow(clippy::ptr_arg)]
#[inline]
/// Cached with `layers = "mem"`: [`longest`](struct@longest) has `invalidate` and the other companions.
#[allow(clippy::used_underscore_binding)]
pub(crate) async fn longest<'a>(r#in: &'a String, _x: Option<&str>) -> usize
where
    'a: 'a,
{
    let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
    let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
    longest::__key(&mut __hc_key, &r#in, &_x);
    if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
        return __hc_answer;
    }
    __hc_cache.load(__hc_key, longest::__load(r#in, _x)).await
}
#[cfg(unix)]
/// The companions of [`longest`](fn@longest): forget, look at and refresh the answers it keeps.
#[allow(non_camel_case_types, dead_code, unreachable_pub)]
#[non_exhaustive]
pub(crate) struct longest {}
#[cfg(unix)]
#[allow(clippy::ptr_arg)]
#[automatically_derived]
impl ::hybrid_cache::__private::Typed<usize> for longest {
    type Returned = ::hybrid_cache::__private::Returns<
        usize,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Infallible as _;
            ::hybrid_cache::__private::Probe::<usize>::FALLIBLE
        },
    >;
    type Outcome = ::hybrid_cache::__private::Kept<
        Self::Returned,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Uncacheable as _;
            ::hybrid_cache::__private::CacheProbe::<
                ::hybrid_cache::__private::ValueOf<longest, usize>,
                ::hybrid_cache::__private::ErrorOf<longest, usize>,
            >::CACHEABLE
        },
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::HeldBoxed as _;
            ::hybrid_cache::__private::best_held(
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<longest, usize>,
                >::IS_COPY,
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::ValueOf<longest, usize>,
                >::IS_ARC,
            )
        },
    >;
}
#[cfg(unix)]
#[allow(clippy::ptr_arg)]
#[automatically_derived]
impl ::hybrid_cache::__private::Function<usize> for longest {
    fn cache() -> &'static ::hybrid_cache::__private::CacheOf<longest, usize> {
        static __HC_CACHE: ::std::sync::LazyLock<
            ::hybrid_cache::__private::CacheOf<longest, usize>,
        > = ::std::sync::LazyLock::new(|| {
            ::hybrid_cache::__private::require_cacheable::<
                ::hybrid_cache::__private::ValueOf<longest, usize>,
            >();
            ::hybrid_cache::__private::require_passed_on::<
                ::hybrid_cache::__private::ErrorOf<longest, usize>,
            >();
            ::hybrid_cache::__private::CachedFn::new(
                ::hybrid_cache::__private::Definition::beside::<longest>("longest")
                    .layers(&[::hybrid_cache::LayerKind::Memory]),
                ::hybrid_cache::__private::Abilities::new(
                        ::core::option::Option::None,
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NeverNone as _;
                            ::hybrid_cache::__private::OptionProbe::<
                                ::hybrid_cache::__private::ValueOf<longest, usize>,
                            >::new()
                                .is_none()
                        },
                        {
                            #[allow(unused_imports)]
                            use ::hybrid_cache::__private::NotClone as _;
                            ::hybrid_cache::__private::CloneProbe::<
                                ::hybrid_cache::__private::ErrorOf<longest, usize>,
                            >::new()
                                .clone_fn()
                        },
                    )
                    .measured({
                        #[allow(unused_imports)]
                        use ::hybrid_cache::__private::{NoSize as _, SharedSize as _};
                        ::hybrid_cache::__private::SizeProbe::<
                            ::hybrid_cache::__private::ValueOf<longest, usize>,
                        >::ASK
                            .size()
                    }),
            )
        });
        &__HC_CACHE
    }
}
#[cfg(unix)]
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
#[allow(clippy::ptr_arg)]
impl longest {
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    pub(crate) const __PARAMETERS: &'static [&'static ::core::primitive::str] = &[
        "in",
        "_x",
    ];
    #[inline]
    fn __key<'a>(
        __hc_text: &mut ::hybrid_cache::__private::KeyText,
        r#in: &&'a String,
        _x: &Option<&str>,
    ) {
        ::hybrid_cache::__private::KeyWriter::new(__hc_text, &["_x", "in"])
            .argument(_x)
            .argument(r#in)
            .finish();
    }
    fn __load<'a>(
        r#in: &'a String,
        _x: Option<&str>,
    ) -> ::core::pin::Pin<
        ::std::boxed::Box<
            dyn ::core::future::Future<Output = usize> + ::core::marker::Send,
        >,
    >
    where
        'a: 'a,
    {
        let r#in = <&'a String as ::hybrid_cache::__private::Own>::own(r#in);
        let _x = <Option<&str> as ::hybrid_cache::__private::Own>::own(_x);
        ::hybrid_cache::__private::is_cached_so_it_must_be_send(async move {
            longest::uncached(
                    ::hybrid_cache::__private::borrow(&r#in),
                    ::hybrid_cache::__private::borrow(&_x),
                )
                .await
        })
    }
    /// The key of this answer. `Display` is what stands in Redis.
    #[inline]
    #[must_use]
    pub(crate) fn key<'a>(r#in: &'a String, _x: Option<&str>) -> ::hybrid_cache::Key {
        let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        longest::__key(&mut __hc_key, &r#in, &_x);
        __hc_cache.key(&__hc_key)
    }
    /// Forgets this answer in every layer.
    #[inline]
    pub(crate) fn invalidate<'a>(
        r#in: &'a String,
        _x: Option<&str>,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        longest::__key(&mut __hc_key, &r#in, &_x);
        __hc_cache.invalidate(__hc_key)
    }
    /// Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.
    #[inline]
    pub(crate) fn expire<'a>(
        r#in: &'a String,
        _x: Option<&str>,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated> {
        let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        longest::__key(&mut __hc_key, &r#in, &_x);
        __hc_cache.expire(__hc_key)
    }
    /// Forgets all answers of this function, in constant time.
    #[inline]
    pub(crate) fn invalidate_all() -> ::hybrid_cache::BoxFuture<
        ::hybrid_cache::Invalidated,
    > {
        let __hc_cache = <Self as ::hybrid_cache::__private::Function<_>>::cache();
        __hc_cache.invalidate_all()
    }
    /// What is cached; never loads, never promotes.
    #[inline]
    pub(crate) fn peek<'a>(
        r#in: &'a String,
        _x: Option<&str>,
    ) -> ::hybrid_cache::BoxFuture<
        ::core::option::Option<::hybrid_cache::__private::ValueOf<longest, usize>>,
    > {
        let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        longest::__key(&mut __hc_key, &r#in, &_x);
        __hc_cache.peek(__hc_key)
    }
    /// Stores an answer the caller already has.
    #[inline]
    pub(crate) fn put<'a>(
        r#in: &'a String,
        _x: Option<&str>,
        value: ::hybrid_cache::__private::ValueOf<longest, usize>,
    ) -> ::hybrid_cache::BoxFuture<()> {
        let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        longest::__key(&mut __hc_key, &r#in, &_x);
        __hc_cache.put(__hc_key, value)
    }
    /// Computes the answer anew and stores it, whatever is cached.
    #[inline]
    pub(crate) fn refresh<'a>(
        r#in: &'a String,
        _x: Option<&str>,
    ) -> ::hybrid_cache::BoxFuture<usize>
    where
        'a: 'a,
    {
        let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        longest::__key(&mut __hc_key, &r#in, &_x);
        __hc_cache.refresh(__hc_key, longest::__load(r#in, _x))
    }
    /// The answer, and where it came from: the layer, its age, whether the call waited for another's load.
    #[inline]
    pub(crate) fn with_info<'a>(
        r#in: &'a String,
        _x: Option<&str>,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Answer<usize>>
    where
        'a: 'a,
    {
        let __hc_cache = <longest as ::hybrid_cache::__private::Function<_>>::cache();
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        longest::__key(&mut __hc_key, &r#in, &_x);
        __hc_cache.with_info(__hc_key, longest::__load(r#in, _x))
    }
    /// What happened so far: hits per layer, misses, loads, errors.
    #[inline]
    #[must_use]
    pub(crate) fn stats() -> ::hybrid_cache::Stats {
        <Self as ::hybrid_cache::__private::Function<_>>::cache().stats()
    }
    /// Forgets these answers in every layer, many at a time.
    #[inline]
    pub(crate) fn invalidate_many<'hc, 'a>(
        arguments: impl ::core::iter::IntoIterator<Item = (&'a String, Option<&'hc str>)>,
    ) -> ::hybrid_cache::BoxFuture<::hybrid_cache::Invalidated>
    where
        'a: 'hc,
    {
        let __hc_keys = ::hybrid_cache::__private::keys(
            arguments,
            |__hc_text, (r#in, _x)| {
                longest::__key(__hc_text, &r#in, &_x);
            },
        );
        let __hc_cache = <Self as ::hybrid_cache::__private::Function<_>>::cache();
        __hc_cache.invalidate_many(__hc_keys)
    }
    /// Calls the function with all of these, a bounded number at a time, so that their answers are there when they are needed.
    #[inline]
    pub(crate) fn warm<'hc, 'a>(
        arguments: impl ::core::iter::IntoIterator<Item = (&'a String, Option<&'hc str>)>,
    ) -> ::hybrid_cache::Warm<
        'hc,
        impl ::core::iter::Iterator<
            Item = ::hybrid_cache::BoxFuture<::hybrid_cache::Answer<usize>>,
        >,
    >
    where
        'a: 'a,
        'a: 'hc,
    {
        ::hybrid_cache::__private::warm(
            arguments.into_iter().map(move |(r#in, _x)| longest::with_info(r#in, _x)),
        )
    }
}
#[cfg(unix)]
impl longest {
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
    #[allow(clippy::ptr_arg)]
    pub(crate) async fn uncached<'a>(r#in: &'a String, _x: Option<&str>) -> usize
    where
        'a: 'a,
    {
        r#in.len()
    }
}
