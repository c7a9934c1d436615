//! What loads in tasks of their own take along of the task that started them. Knows nothing of what a load does.

use std::{
    any::Any,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;
use tokio::task::LocalKey;

use crate::{
    BoxFuture,
    sync::{Mutex, PoisonError},
};

/// Wraps a load, in the task that starts it.
type Carrier = Arc<dyn Fn(BoxFuture<()>) -> BoxFuture<()> + Send + Sync>;

/// Everything that is taken along; usually nothing.
#[derive(Clone, Default)]
pub(crate) struct Carriers(Vec<Carrier>);

impl Carriers {
    pub(crate) fn add<F>(&mut self, carrier: impl Fn(BoxFuture<()>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.push(Arc::new(move |load| Box::pin(carrier(load))));
    }

    pub(crate) fn add_local<T: Clone + Send + 'static>(&mut self, local: &'static LocalKey<T>) {
        self.add(move |load| {
            let value = local.try_with(Clone::clone);
            async move {
                match value {
                    Ok(value) => local.scope(value, load).await,
                    Err(_) => load.await,
                }
            }
        });
    }

    /// `load` with what the current task has of all this.
    pub(crate) fn wrap(&self, load: BoxFuture<()>) -> BoxFuture<()> {
        self.0.iter().fold(load, wrap)
    }
}

/// Runs `load` within what `carrier` makes of it. A carrier that panics, or that does without the load, costs what it would
/// have carried, and not the load. A panic of the load's own is none of the carrier's business, and goes past it.
fn wrap(load: BoxFuture<()>, carrier: &Carrier) -> BoxFuture<()> {
    let left: Left = Arc::default();
    let in_its_hands = Carried { load: Some(load), left: Arc::clone(&left) };
    // tokio's own `get` panics where there is no value.
    let wrapped = catch_unwind(AssertUnwindSafe(|| carrier(Box::pin(in_its_hands))));
    Box::pin(async move {
        let outcome = match wrapped {
            Ok(wrapped) => AssertUnwindSafe(run(wrapped)).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        if outcome.is_err() {
            tracing::error!(
                "what `carry` was given panicked, so a load goes without what it would have taken along"
            );
        }
        let left = mem::take(&mut *left.lock().unwrap_or_else(PoisonError::into_inner));
        match left {
            Remains::Nothing => {}
            Remains::Load(load) => load.await,
            Remains::Panic(panic) => resume_unwind(panic),
        }
    })
}

/// Also drops it, which runs code of its carrier's as well.
async fn run(wrapped: BoxFuture<()>) {
    wrapped.await;
}

/// What is left of a load when its carrier has ended.
type Left = Arc<Mutex<Remains>>;

#[derive(Default)]
enum Remains {
    #[default]
    Nothing,
    /// It was let go of before it had ended.
    Load(BoxFuture<()>),
    /// It has ended with this.
    Panic(Box<dyn Any + Send>),
}

/// A load in the hands of a carrier.
struct Carried {
    load: Option<BoxFuture<()>>,
    left: Left,
}

impl Carried {
    fn leave(&self, remains: Remains) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = remains;
    }
}

impl Future for Carried {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(load) = &mut self.load else { return Poll::Ready(()) };
        // Else nobody could tell whose panic comes out of the carrier.
        let polled = catch_unwind(AssertUnwindSafe(|| load.as_mut().poll(context)));
        if let Ok(Poll::Pending) = polled {
            return Poll::Pending;
        }
        self.load = None;
        if let Err(panic) = polled {
            self.leave(Remains::Panic(panic));
        }
        Poll::Ready(())
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if let Some(load) = self.load.take() {
            self.leave(Remains::Load(load));
        }
    }
}

impl fmt::Debug for Carriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Carriers").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    tokio::task_local! {
        static TENANT: &'static str;
        static TRACE: u64;
    }

    fn seen() -> (Option<&'static str>, Option<u64>) {
        (TENANT.try_with(|tenant| *tenant).ok(), TRACE.try_with(|trace| *trace).ok())
    }

    /// What a load sees that is started here and runs in a task of its own.
    async fn seen_by_a_load(carriers: &Carriers) -> (Option<&'static str>, Option<u64>) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let load = carriers.wrap(Box::pin(async move {
            tokio::task::yield_now().await;
            sender.send(seen()).unwrap();
        }));
        tokio::spawn(load).await.unwrap();
        receiver.await.unwrap()
    }

    #[tokio::test]
    async fn a_load_sees_of_its_callers_task_what_is_carried_and_no_more() {
        let (nothing, mut tenant) = (Carriers::default(), Carriers::default());
        tenant.add_local(&TENANT);
        let mut both = tenant.clone();
        both.add(|load| {
            let trace = TRACE.try_with(|trace| trace + 1);
            async move {
                match trace {
                    Ok(trace) => TRACE.scope(trace, load).await,
                    Err(_) => load.await,
                }
            }
        });
        let all = TENANT.scope(
            "anna",
            TRACE.scope(7, async {
                (seen_by_a_load(&nothing).await, seen_by_a_load(&tenant).await, seen_by_a_load(&both).await)
            }),
        );
        assert_eq!(all.await, ((None, None), (Some("anna"), None), (Some("anna"), Some(8))));
        assert_eq!(seen_by_a_load(&both).await, (None, None), "there is nothing to take along");
        assert_eq!(TRACE.scope(1, seen_by_a_load(&both)).await, (None, Some(2)));
    }

    #[tokio::test]
    async fn a_carrier_that_panics_or_drops_its_load_costs_what_it_carries_alone() {
        let mut carriers = Carriers::default();
        carriers.add_local(&TENANT);
        carriers.add(|load| TRACE.scope(TRACE.get(), load));
        carriers.add(|load| {
            drop(load);
            async {}
        });
        assert_eq!(TENANT.scope("anna", seen_by_a_load(&carriers)).await, (Some("anna"), None));
    }

    #[tokio::test]
    async fn what_a_carrier_returns_may_panic_before_in_and_after_a_load_and_costs_what_it_carries_alone() {
        let panics: [fn(BoxFuture<()>) -> BoxFuture<()>; 4] = [
            |_load| Box::pin(async { panic!("before the load") }),
            |mut load| {
                Box::pin(async move {
                    let _ = futures_util::poll!(&mut load);
                    panic!("half-way through the load");
                })
            },
            |load| {
                Box::pin(async {
                    load.await;
                    panic!("after the load");
                })
            },
            |load| {
                struct PanicsWhenDropped;
                impl Drop for PanicsWhenDropped {
                    fn drop(&mut self) {
                        panic!("when it is dropped");
                    }
                }
                let panics = PanicsWhenDropped;
                let mut load = Some(load);
                Box::pin(std::future::poll_fn(move |context| {
                    let _ = (&panics, load.as_mut().map(|load| load.as_mut().poll(context)));
                    Poll::Ready(())
                }))
            },
        ];
        for panics in panics {
            let mut carriers = Carriers::default();
            carriers.add(panics);
            carriers.add_local(&TENANT);
            assert_eq!(TENANT.scope("anna", seen_by_a_load(&carriers)).await, (Some("anna"), None));
        }
    }

    #[tokio::test]
    async fn a_panic_of_a_load_is_its_own_whatever_its_carriers_do() {
        let mut carriers = Carriers::default();
        carriers.add_local(&TENANT);
        carriers.add(|load| async {
            // Swallows it.
            let _ = AssertUnwindSafe(load).catch_unwind().await;
        });
        carriers.add(|load| async {
            load.await;
            panic!("the carrier's");
        });
        let load = carriers.wrap(Box::pin(async {
            tokio::task::yield_now().await;
            panic!("the load's");
        }));
        let ended = tokio::spawn(load).await.unwrap_err().into_panic();
        assert_eq!(ended.downcast_ref(), Some(&"the load's"));
    }

    #[tokio::test]
    async fn a_load_that_a_carrier_lets_go_of_half_way_goes_on() {
        let mut carriers = Carriers::default();
        carriers.add(|mut load| async move {
            let _ = futures_util::poll!(&mut load);
        });
        carriers.add_local(&TENANT);
        assert_eq!(TENANT.scope("anna", seen_by_a_load(&carriers)).await, (Some("anna"), None));
    }
}
