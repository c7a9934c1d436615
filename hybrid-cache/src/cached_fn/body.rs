//! How the body runs: when it is its turn, for as long as it may, and while somebody has a use for its answer.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt,
    future::{Either, select},
};

use super::{
    CachedFn,
    answer::{Answer, Caller, Failure, Landed, Load, Origin, Purpose},
    given::Provenance,
    places::{Place, Places},
};
use crate::{error::DeadlineExceeded, flight::Ticket, outcome::Outcome};

impl<R: Outcome> CachedFn<R> {
    /// Runs the body of a load.
    pub(super) async fn run<F>(&self, body: F, load: &mut Load<R>) -> Result<Answer<R::Value>, Failure<R>>
    where
        F: Future<Output = R::Output>,
    {
        if load.purpose == Purpose::Call {
            self.counters.missed();
        }
        let (nested, ticket) = (load.nested, &load.ticket);
        let running = pin!(async {
            // A load inside of another one of the same function has that one's place; else it would wait for itself.
            let _place = match &self.max_loads {
                Some(places) if !nested => {
                    let _waiting = self.counters.load_waits();
                    Some(self.queue(places, ticket).await)
                }
                _ => None,
            };
            let _running = self.counters.load_started();
            let (started, started_at) = (Instant::now(), self.now());
            let output = AssertUnwindSafe(body).catch_unwind().await;
            // A test's clock may have moved while its body took no time.
            let load_time = started.elapsed().max(self.now().since(started_at));
            self.counters.load_took(load_time);
            // `ttl_by` and `cache_if` are the user's code too: a panic of theirs counts as one of the body.
            let judged = |output| R::split(output).map(|value| self.computed(value, load_time));
            output.and_then(|output| catch_unwind(AssertUnwindSafe(|| judged(output))))
        });
        let deadline = pin!(self.deadline_passed());
        let abandoned = pin!(self.abandoned(ticket, &mut load.caller, load.purpose));
        // In this order: the body of an abandoned load does not even begin.
        match select(abandoned, select(running, deadline)).await {
            Either::Left(_) => {
                self.counters.load_abandoned();
                Err(Failure::Abandoned)
            }
            Either::Right((Either::Left((answer, _)), _)) => match answer {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) => Err(self.failed(Failure::Error(error))),
                Err(panic) => Err(self.failed(Failure::Panic(panic))),
            },
            Either::Right((Either::Right((error, _)), _)) => {
                self.counters.load_took(self.deadline.unwrap_or_default());
                Err(self.failed(Failure::Error(error)))
            }
        }
    }

    /// Waits for a place, for as long as the queue moves. The load does not age meanwhile, so it is not retired, unless
    /// nobody polls it any more.
    async fn queue(&self, places: &Arc<Places>, ticket: &Ticket<Landed<R>>) -> Place {
        let clock = &self.runtime.clock;
        let mut taking = pin!(places.take(clock, self.wait));
        loop {
            ticket.count_age_from(self.now());
            if let Either::Left((place, _)) = select(taking.as_mut(), clock.after(self.wait / 2)).await {
                ticket.count_age_from(self.now());
                return place;
            }
        }
    }

    /// Waits until nobody has a use for the answer, or until the caller is gone, nobody else waits, and as many such loads
    /// go on already as may.
    async fn abandoned(&self, ticket: &Ticket<Landed<R>>, caller: &mut Caller<R>, purpose: Purpose) {
        let useless = ticket.useless();
        // Behind its caller's back, a load has room of its own.
        let was_called = !matches!(purpose, Purpose::Renew(_));
        caller.gone().await;
        let left_alone = pin!(async {
            if !was_called {
                pending::<()>().await;
            }
            loop {
                ticket.unattended().await;
                if let Some(_room) = self.runtime.unattended.begin() {
                    pending::<()>().await;
                }
                // Somebody may have come in between.
                if ticket.retire_unattended() {
                    return;
                }
            }
        });
        select(pin!(useless), left_alone).await;
    }

    fn failed(&self, failure: Failure<R>) -> Failure<R> {
        self.counters.load_failed();
        failure
    }

    /// Waits until the deadline of a load that begins now has passed.
    async fn deadline_passed(&self) -> R::Error {
        let (Some(deadline), Some(error)) = (self.deadline, self.abilities.deadline_error) else {
            return pending().await;
        };
        self.runtime.clock.after(deadline).await;
        error(DeadlineExceeded::new(Arc::clone(&self.scope), deadline))
    }

    /// A value that was computed just now.
    pub(super) fn computed(&self, value: R::Value, load_time: Duration) -> Answer<R::Value> {
        let refused = self.abilities.cache_if.is_some_and(|cache_if| !cache_if(&value));
        let origin = Origin::Body(self.life_of(&value));
        Answer { value, origin, provenance: Provenance::BODY, load_time, refused }
    }
}
