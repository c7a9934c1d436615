//! Who runs a load: a task of its own, or the task of its caller. The entry of calls and refreshes.

use std::{pin::Pin, sync::Arc};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    CachedFn,
    answer::{Caller, Landed, Load, Purpose, Renewal, Turn},
    copier,
    given::Given,
    places::Place,
    task,
};
use crate::{
    answer::Answer,
    flight::Ticket,
    key::{Key, text::KeyText},
    mode::{self, Mode},
    outcome::Outcome,
    recursion,
};

impl<R: Outcome> CachedFn<R> {
    /// The answer of a call that [`hit`](Self::hit) could not answer. The body runs in a task of its own, so that a caller
    /// that goes away neither stops it nor makes others wait.
    ///
    /// Boxed so that a call that hits does not carry the size of all this, and so that a body may call its function.
    #[expect(clippy::needless_pass_by_value, reason = "else a call would carry it along while it waits")]
    pub fn load<F>(self: &Arc<Self>, key: KeyText, body: F) -> BoxFuture<'static, R::Output>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        let this = self.here();
        let key = this.key(&key);
        Box::pin(this.call(key, body).map(Given::into_output))
    }

    /// The same, with the body in the caller's own task. When the caller goes away, one of those who wait loads.
    #[expect(clippy::needless_pass_by_value, reason = "else a call would carry it along while it waits")]
    pub fn load_inline<F>(
        self: &Arc<Self>,
        key: KeyText,
        body: F,
    ) -> Pin<Box<impl Future<Output = R::Output> + use<R, F>>>
    where
        F: Future<Output = R::Output>,
    {
        let this = self.here();
        let key = this.key(&key);
        Box::pin(this.call_inline(key, body).map(Given::into_output))
    }

    /// A whole call, [`hit`](Self::hit) included, whose answer tells where it came from.
    pub fn with_info<F>(self: &Arc<Self>, key: KeyText, body: F) -> BoxFuture<'static, Answer<R::Output>>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        let this = Arc::clone(self);
        Box::pin(async move {
            let this = this.here();
            let given = match this.hit_given(&key) {
                Some(given) => given,
                None => Arc::clone(&this).call(this.key(&key), body).await,
            };
            given.into_answer(this.now())
        })
    }

    /// The same, with the body in the caller's own task.
    pub fn with_info_inline<F>(
        self: &Arc<Self>,
        key: KeyText,
        body: F,
    ) -> Pin<Box<impl Future<Output = Answer<R::Output>> + use<R, F>>>
    where
        F: Future<Output = R::Output>,
    {
        let this = Arc::clone(self);
        Box::pin(async move {
            let this = this.here();
            let given = match this.hit_given(&key) {
                Some(given) => given,
                None => Arc::clone(&this).call_inline(this.key(&key), body).await,
            };
            given.into_answer(this.now())
        })
    }

    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would have room for its arguments, and so the key, twice"
    )]
    fn call<F>(self: Arc<Self>, key: Key, body: F) -> impl Future<Output = Given<R>> + Send + use<R, F>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        async move {
            match self.turn(&key).await {
                Turn::Answered(given) => given,
                Turn::Bare => Given::by_body(body.await),
                Turn::Load(ticket, place) => self.lead(ticket, place, key, body, Purpose::Call).await,
                Turn::Refresh(ticket) => self.lead(ticket, None, key, body, Purpose::Refresh).await,
                Turn::Renew(given, renewal) => {
                    self.renew(renewal, key, body);
                    given
                }
            }
        }
    }

    async fn call_inline<F>(self: Arc<Self>, key: Key, body: F) -> Given<R>
    where
        F: Future<Output = R::Output>,
    {
        match self.turn(&key).await {
            // There is no body to run behind the caller's back: it ends with the call.
            Turn::Answered(given) | Turn::Renew(given, _) => given,
            Turn::Bare => Given::by_body(body.await),
            Turn::Load(ticket, place) => self.lead_inline(ticket, place, key, body, Purpose::Call).await,
            Turn::Refresh(ticket) => self.lead_inline(ticket, None, key, body, Purpose::Refresh).await,
        }
    }

    /// Computes the answer anew and stores it, whatever is stored.
    pub fn refresh<F>(self: &Arc<Self>, key: KeyText, body: F) -> BoxFuture<'static, R::Output>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        let this = Arc::clone(self);
        Box::pin(async move {
            let this = this.here();
            let key = this.key(&key);
            if this.runs_bare(&key) {
                return body.await;
            }
            let ticket = this.flights.supersede(key.lookup(), this.now());
            this.lead(ticket, None, key, body, Purpose::Refresh).await.into_output()
        })
    }

    /// The same, with the body in the caller's own task.
    pub fn refresh_inline<F>(
        self: &Arc<Self>,
        key: KeyText,
        body: F,
    ) -> Pin<Box<impl Future<Output = R::Output> + use<R, F>>>
    where
        F: Future<Output = R::Output>,
    {
        let this = Arc::clone(self);
        Box::pin(async move {
            let this = this.here();
            let key = this.key(&key);
            if this.runs_bare(&key) {
                return body.await;
            }
            let ticket = this.flights.supersede(key.lookup(), this.now());
            this.lead_inline(ticket, None, key, body, Purpose::Refresh).await.into_output()
        })
    }

    /// Loads a newer answer behind the caller's back.
    fn renew<F>(self: Arc<Self>, renewal: Renewal<R>, key: Key, body: F)
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        let Renewal { ticket, room, old } = renewal;
        self.counters.refresh_started();
        let load = self.new_load(ticket, key, Purpose::Renew(old), Caller::nobody());
        let body = recursion::loading(&self.scope, load.ticket.key(), body);
        // It is nobody's call, and so in nobody's mode.
        let runtime = Arc::clone(&self.runtime);
        let _ = task::spawn_load(
            &runtime.settings.carriers,
            Mode::Usual,
            Box::pin(async move {
                let _room = room;
                // Until this ends, in whatever way: also if its runtime goes away.
                let _quiet = self.keep_quiet(&load.ticket, load.key.lookup(), self.policy.stale_until(&old));
                if let Some(copies) = Arc::clone(&self).fill(load, body).await {
                    copies.make().await;
                }
            }),
        );
    }

    /// Runs a load in a task of its own.
    async fn lead<F>(
        self: Arc<Self>,
        ticket: Ticket<Landed<R>>,
        place: Option<Place>,
        key: Key,
        body: F,
        purpose: Purpose,
    ) -> Given<R>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        if Handle::try_current().is_err() {
            return Box::pin(self.lead_inline(ticket, place, key, body, purpose)).await;
        }
        let (caller, from_load) = Caller::waiting();
        let load = Load { _place: place, ..self.new_load(ticket, key, purpose, caller) };
        let task = self.start(load, body);
        match from_load.await {
            Ok(loaded) => task::given(loaded),
            Err(_) => task::stopped(task).await,
        }
    }

    /// Starts the task of a load.
    fn start<F>(self: Arc<Self>, load: Load<R>, body: F) -> Option<JoinHandle<()>>
    where
        F: Future<Output = R::Output> + Send + 'static,
    {
        let body = recursion::loading(&self.scope, load.ticket.key(), body);
        let runtime = Arc::clone(&self.runtime);
        let load = Box::pin(async move {
            if let Some(copies) = self.fill(load, body).await {
                copies.make().await;
            }
        });
        task::spawn_load(&runtime.settings.carriers, mode::current(), load)
    }

    /// Runs a load in the caller's task.
    async fn lead_inline<F>(
        self: Arc<Self>,
        ticket: Ticket<Landed<R>>,
        place: Option<Place>,
        key: Key,
        body: F,
        purpose: Purpose,
    ) -> Given<R>
    where
        F: Future<Output = R::Output>,
    {
        let (caller, from_load) = Caller::waiting();
        let load = Load { _place: place, ..self.new_load(ticket, key, purpose, caller) };
        let body = recursion::loading(&self.scope, load.ticket.key(), body);
        match Arc::clone(&self).fill(load, body).await {
            // A caller that goes away must not leave an older answer in half of the layers.
            Some(copies) if copies.load.purpose.replaces() && !self.definition.blocking => {
                drop(task::to_the_end(copies.make()).await);
            }
            Some(copies) if copies.load.purpose.replaces() => drop(copies.make().await),
            // The caller does not wait for slower layers, or no longer than they may keep it waiting.
            Some(copies) if self.definition.blocking => copier::hand_over(copies.make()),
            // Without a runtime none was asked, and there is nothing to copy.
            Some(copies) => drop(task::spawn(copies.make())),
            None => {}
        }
        match from_load.await {
            Ok(loaded) => task::given(loaded),
            Err(_) => task::lost(),
        }
    }

    pub(super) fn new_load(
        &self,
        ticket: Ticket<Landed<R>>,
        key: Key,
        purpose: Purpose,
        caller: Caller<R>,
    ) -> Load<R> {
        let nested = self.max_loads.is_some() && recursion::is_inside(&self.scope);
        let under_way = self.runtime.loads.begin();
        Load { ticket, key, purpose, caller, nested, _place: None, _under_way: under_way }
    }
}
