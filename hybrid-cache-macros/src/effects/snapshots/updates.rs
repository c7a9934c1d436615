// #[updates(product(user.id), crate = crate::memo)]
// fn save(&self, user: User) -> Answer<impl Display> { db::save(user) }

fn save(&self, user: User) -> Answer<impl Display> {
    let __hc_0_0 = {
        #[allow(unused_imports)]
        use crate::memo::__private::BeforeOwned as _;
        crate::memo::__private::Before(&(user.id)).keep()
    };
    let (__hc_value, __hc_answer) = match {
        #[allow(unused_imports)]
        use crate::memo::__private::NotAResult as _;
        let __hc_returned = crate::memo::__private::body(move || -> Answer<_> {
            db::save(user)
        });
        crate::memo::__private::require_result(&__hc_returned);
        crate::memo::__private::Returned(__hc_returned).answered()
    } {
        ::core::result::Result::Ok(__hc_answered) => __hc_answered,
        ::core::result::Result::Err(__hc_answer) => return __hc_answer,
    };
    {
        #[allow(unused_imports)]
        use crate::memo::__private::CalledAtOnce as _;
        crate::memo::__private::wait(
            crate::memo::__private::Called(
                    product::put(
                        __hc_0_0.get(),
                        crate::memo::__private::PutIn::put_in(&__hc_value),
                    ),
                )
                .effect(),
        );
    }
    __hc_answer(__hc_value)
}
