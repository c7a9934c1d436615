// #[cached(layers = "mem,disk", key = "{self.tenant}:{id}")]
// pub fn price(&self, id: impl Id + Serialize) -> Result<Money, NoPrice> { self.find(id) }

impl<B> Shop<B> {
    /// Cached with `layers = "mem,disk", key = "{self.tenant}:{id}"`: [`price_invalidate`](Self::price_invalidate) and the other companions stand beside it.
    pub fn price(&self, id: impl Id + Serialize) -> Result<Money, NoPrice> {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<_>(&self, &mut __hc_key, &id);
        if let ::core::option::Option::Some(__hc_answer) = __hc_cache.hit(&__hc_key) {
            return __hc_answer;
        }
        __hc_cache.load_blocking(__hc_key, move || Self::price_uncached(self, id))
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
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    pub const __price_PARAMETERS: &'static [&'static ::core::primitive::str] = &["id"];
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
    #[inline]
    fn __price_key<Argument1: Id + Serialize>(
        &self,
        __hc_text: &mut ::hybrid_cache::__private::KeyText,
        id: &Argument1,
    ) {
        ::hybrid_cache::__private::KeyWriter::new(__hc_text, &["Argument1"])
            .instance::<Argument1>()
            .then_template(&["", ":", ""])
            .value(&self.tenant)
            .generic_value(id)
            .finish();
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
    fn __price_instances() -> &'static ::hybrid_cache::__private::Instances {
        static __HC_INSTANCES: ::hybrid_cache::__private::Instances = ::hybrid_cache::__private::Instances::new();
        &__HC_INSTANCES
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
    fn __price_definition() -> ::hybrid_cache::__private::Definition {
        ::hybrid_cache::__private::Definition::method::<Self>("price")
            .layers(
                &[::hybrid_cache::LayerKind::Memory, ::hybrid_cache::LayerKind::Disk],
            )
            .blocking()
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
    fn __price_cache<Argument1: Id + Serialize>() -> &'static ::hybrid_cache::__private::Cache<
        ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Uncacheable as _;
            ::hybrid_cache::__private::CacheProbe::<
                ::hybrid_cache::__private::DividedValue<
                    ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                >,
                ::hybrid_cache::__private::DividedError<
                    ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                >,
            >::CACHEABLE
        },
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::HeldBoxed as _;
            ::hybrid_cache::__private::best_held(
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::DividedValue<
                        ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                    >,
                >::IS_COPY,
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::DividedValue<
                        ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                    >,
                >::IS_ARC,
            )
        },
    > {
        let __hc_witness = || {};
        Self::__price_instances()
            .get(
                &__hc_witness,
                || {
                    ::hybrid_cache::__private::require_cacheable::<
                        ::hybrid_cache::__private::DividedValue<
                            ::hybrid_cache::__private::Returns<
                                Result<Money, NoPrice>,
                                true,
                            >,
                        >,
                    >();
                    ::hybrid_cache::__private::require_passed_on::<
                        ::hybrid_cache::__private::DividedError<
                            ::hybrid_cache::__private::Returns<
                                Result<Money, NoPrice>,
                                true,
                            >,
                        >,
                    >();
                    (
                        Self::__price_definition()
                            .told_apart_by(&::core::any::type_name::<Argument1>()),
                        ::hybrid_cache::__private::Abilities::new(
                                ::core::option::Option::Some({
                                    #[allow(unused_imports)]
                                    use ::hybrid_cache::__private::OwnEncoding as _;
                                    ::hybrid_cache::__private::require_codec(
                                        ::hybrid_cache::__private::CodecProbe::<
                                            ::hybrid_cache::__private::DividedValue<
                                                ::hybrid_cache::__private::Returns<
                                                    Result<Money, NoPrice>,
                                                    true,
                                                >,
                                            >,
                                        >::new()
                                            .encoding(),
                                    )
                                }),
                                {
                                    #[allow(unused_imports)]
                                    use ::hybrid_cache::__private::NeverNone as _;
                                    ::hybrid_cache::__private::OptionProbe::<
                                        ::hybrid_cache::__private::DividedValue<
                                            ::hybrid_cache::__private::Returns<
                                                Result<Money, NoPrice>,
                                                true,
                                            >,
                                        >,
                                    >::new()
                                        .is_none()
                                },
                                {
                                    #[allow(unused_imports)]
                                    use ::hybrid_cache::__private::NotClone as _;
                                    ::hybrid_cache::__private::CloneProbe::<
                                        ::hybrid_cache::__private::DividedError<
                                            ::hybrid_cache::__private::Returns<
                                                Result<Money, NoPrice>,
                                                true,
                                            >,
                                        >,
                                    >::new()
                                        .clone_fn()
                                },
                            )
                            .same({
                                #[allow(unused_imports)]
                                use ::hybrid_cache::__private::NotEq as _;
                                ::hybrid_cache::__private::EqProbe::<
                                    ::hybrid_cache::__private::DividedValue<
                                        ::hybrid_cache::__private::Returns<
                                            Result<Money, NoPrice>,
                                            true,
                                        >,
                                    >,
                                >::new()
                                    .same()
                            }),
                    )
                },
            )
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
    fn __price_keyed<Argument1: Id + Serialize>(
        &self,
        __hc_text: &mut ::hybrid_cache::__private::KeyText,
        id: &Argument1,
    ) -> &'static ::hybrid_cache::__private::Cache<
        ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::Uncacheable as _;
            ::hybrid_cache::__private::CacheProbe::<
                ::hybrid_cache::__private::DividedValue<
                    ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                >,
                ::hybrid_cache::__private::DividedError<
                    ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                >,
            >::CACHEABLE
        },
        {
            #[allow(unused_imports)]
            use ::hybrid_cache::__private::HeldBoxed as _;
            ::hybrid_cache::__private::best_held(
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::DividedValue<
                        ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                    >,
                >::IS_COPY,
                ::hybrid_cache::__private::HoldProbe::<
                    ::hybrid_cache::__private::DividedValue<
                        ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
                    >,
                >::IS_ARC,
            )
        },
    > {
        Self::__price_key::<Argument1>(self, __hc_text, id);
        Self::__price_cache::<Argument1>()
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
    /// The key of this answer. `Display` is what stands in Redis.
    #[inline]
    #[must_use]
    pub fn price_key<Argument1: Id + Serialize>(
        &self,
        id: Argument1,
    ) -> ::hybrid_cache::Key {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<Argument1>(&self, &mut __hc_key, &id);
        __hc_cache.key(&__hc_key)
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
    /// Forgets this answer in every layer.
    #[inline]
    pub fn price_invalidate<Argument1: Id + Serialize>(
        &self,
        id: Argument1,
    ) -> ::hybrid_cache::Invalidated {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<Argument1>(&self, &mut __hc_key, &id);
        __hc_cache.invalidate_blocking(__hc_key)
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
    /// Marks this answer stale: the next call may still get it under `stale` or `stale_if_error`.
    #[inline]
    pub fn price_expire<Argument1: Id + Serialize>(
        &self,
        id: Argument1,
    ) -> ::hybrid_cache::Invalidated {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<Argument1>(&self, &mut __hc_key, &id);
        __hc_cache.expire_blocking(__hc_key)
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
    /// Forgets all answers of this function, in constant time.
    #[inline]
    pub fn price_invalidate_all() -> ::hybrid_cache::Invalidated {
        let __hc_cache = Self::__price_instances();
        __hc_cache.invalidate_all_blocking(Self::__price_definition())
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
    /// What is cached; never loads, never promotes.
    #[inline]
    #[must_use]
    pub fn price_peek<Argument1: Id + Serialize>(
        &self,
        id: Argument1,
    ) -> ::core::option::Option<
        ::hybrid_cache::__private::DividedValue<
            ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
        >,
    > {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<Argument1>(&self, &mut __hc_key, &id);
        __hc_cache.peek_blocking(__hc_key)
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
    /// Stores an answer the caller already has.
    #[inline]
    pub fn price_put<Argument1: Id + Serialize>(
        &self,
        id: Argument1,
        value: ::hybrid_cache::__private::DividedValue<
            ::hybrid_cache::__private::Returns<Result<Money, NoPrice>, true>,
        >,
    ) {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<Argument1>(&self, &mut __hc_key, &id);
        __hc_cache.put_blocking(__hc_key, value)
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
    /// Computes the answer anew and stores it, whatever is cached.
    #[inline]
    pub fn price_refresh<Argument1: Id + Serialize>(
        &self,
        id: Argument1,
    ) -> Result<Money, NoPrice> {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<Argument1>(&self, &mut __hc_key, &id);
        __hc_cache.refresh_blocking(__hc_key, move || Self::price_uncached(self, id))
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
    /// The answer, and where it came from: the layer, its age, whether the call waited for another's load.
    #[inline]
    pub fn price_with_info<Argument1: Id + Serialize>(
        &self,
        id: Argument1,
    ) -> ::hybrid_cache::Answer<Result<Money, NoPrice>> {
        let mut __hc_key = ::hybrid_cache::__private::KeyText::new();
        let __hc_cache = Self::__price_keyed::<Argument1>(&self, &mut __hc_key, &id);
        __hc_cache.with_info_blocking(__hc_key, move || Self::price_uncached(self, id))
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
    /// What happened so far: hits per layer, misses, loads, errors.
    #[inline]
    #[must_use]
    pub fn price_stats() -> ::hybrid_cache::Stats {
        Self::__price_instances().stats(&Self::__price_definition())
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
    /// Forgets these answers in every layer, many at a time.
    #[inline]
    pub fn price_invalidate_many<'hc, Argument1: Id + Serialize>(
        &self,
        arguments: impl ::core::iter::IntoIterator<Item = Argument1>,
    ) -> ::hybrid_cache::Invalidated
    where
        Argument1: 'hc,
        Self: 'hc,
    {
        let __hc_keys = ::hybrid_cache::__private::keys(
            arguments,
            |__hc_text, id| {
                Self::__price_key::<Argument1>(self, __hc_text, &id);
            },
        );
        let __hc_cache = Self::__price_cache::<Argument1>();
        __hc_cache.invalidate_many_blocking(__hc_keys)
    }
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
    pub fn price_uncached(&self, id: impl Id + Serialize) -> Result<Money, NoPrice> {
        self.find(id)
    }
}
