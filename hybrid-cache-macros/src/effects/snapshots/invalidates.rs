// #[invalidates(product(id = user.id, lang = &user.lang), Repo::count(shop, "all"), all(list))]
// #[doc = " Saves."] pub async fn save(user: User, shop: &str) -> Result<(), DbError> { db::save(user).await?; Ok(()) }

/// Saves.
#[allow(unused_braces)]
pub async fn save(user: User, shop: &str) -> Result<(), DbError> {
    const _: () = if let ::core::option::Option::Some(__hc_message) = ::hybrid_cache::__private::wrong_parameter(
        "product",
        product::__PARAMETERS,
        &["id"],
    ) {
        ::core::panic!("{}", __hc_message.text())
    };
    const _: () = if let ::core::option::Option::Some(__hc_message) = ::hybrid_cache::__private::wrong_parameter(
        "product",
        product::__PARAMETERS,
        &["id", "lang"],
    ) {
        ::core::panic!("{}", __hc_message.text())
    };
    let __hc_0_0 = {
        #[allow(unused_imports)]
        use ::hybrid_cache::__private::BeforeOwned as _;
        ::hybrid_cache::__private::Before(&(user.id)).keep()
    };
    let __hc_0_1 = {
        #[allow(unused_imports)]
        use ::hybrid_cache::__private::BeforeOwned as _;
        ::hybrid_cache::__private::Before(&(&user.lang)).keep()
    };
    let (__hc_value, __hc_answer) = match {
        #[allow(unused_imports)]
        use ::hybrid_cache::__private::NotAResult as _;
        let __hc_returned = async move {
            if let ::core::option::Option::Some(__hc_first) = ::core::option::Option::None::<
                Result<(), DbError>,
            > {
                return __hc_first;
            }
            {
                db::save(user).await?;
                Ok(())
            }
        }
            .await;
        ::hybrid_cache::__private::require_result(&__hc_returned);
        ::hybrid_cache::__private::Returned(__hc_returned).answered()
    } {
        ::core::result::Result::Ok(__hc_answered) => __hc_answered,
        ::core::result::Result::Err(__hc_answer) => return __hc_answer,
    };
    {
        #[allow(unused_imports)]
        use ::hybrid_cache::__private::CalledAtOnce as _;
        ::hybrid_cache::__private::Effect::run((
                ::hybrid_cache::__private::Called(
                        product::invalidate(__hc_0_0.get(), __hc_0_1.get()),
                    )
                    .effect(),
                (
                    ::hybrid_cache::__private::Called(
                            Repo::count_invalidate(shop, "all"),
                        )
                        .effect(),
                    ::hybrid_cache::__private::Called(list::invalidate_all()).effect(),
                ),
            ))
            .await;
    }
    __hc_answer(__hc_value)
}
