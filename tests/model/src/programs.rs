//! Loads, copies and invalidations that meet. Each program fails if, in some order, what was forgotten is returned or left
//! behind, or if somebody waits for ever, which shuttle notices.

use std::{sync::Arc, time::Duration};

use shuttle::{
    future::{JoinHandle, block_on, spawn, yield_now},
    sync::atomic::Ordering::SeqCst,
};

use crate::{
    flight::{Boarding, Landing, Verdict},
    record::Dates,
    world::{KEY, NOW, World, pause},
};

/// `task` beside the others.
fn go<F>(world: &Arc<World>, task: impl FnOnce(Arc<World>) -> F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    spawn(task(Arc::clone(world)))
}

async fn done<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(done) => done,
        Err(error) => panic!("a task failed: {error:?}"),
    }
}

/// Two calls, and an invalidation after which another call begins.
pub fn loads_against_an_invalidation(all: bool) {
    let world = World::new();
    block_on(async {
        let calls = [(); 2].map(|()| go(&world, |world| async move { world.call().await }));
        let forgetting = go(&world, move |world| async move {
            world.change_and_forget(2, all).await;
            assert_eq!(world.call().await, 2, "it began after the invalidation");
        });
        for call in calls {
            done(call).await;
        }
        done(forgetting).await;
        assert_ne!(world.remembered(), Some(1));
        assert_eq!(world.call().await, 2);
    });
}

/// The same with a layer that takes its time, and from which answers are copied back up.
pub fn copies_against_an_invalidation(all: bool) {
    let world = World::new();
    block_on(async {
        let calls = [(); 2].map(|()| go(&world, |world| async move { world.call_with_layer().await }));
        let forgetting = go(&world, move |world| async move {
            world.change_and_forget(2, all).await;
            assert_eq!(world.call_with_layer().await, 2, "it began after the invalidation");
        });
        for call in calls {
            done(call).await;
        }
        done(forgetting).await;
        assert_ne!(*world.slow(), Some(1));
        assert_ne!(world.remembered(), Some(1));
        assert_eq!(world.flights.len(), 0, "nothing is left of flights that ended");
    });
}

/// Calls that read an old answer in the slower layer, which memory has let go of.
pub fn reads_of_a_layer_against_an_invalidation(all: bool) {
    let world = World::new();
    *world.slow() = Some(1);
    block_on(async {
        let calls = [(); 2].map(|()| go(&world, |world| async move { world.call_with_layer().await }));
        world.change_and_forget(2, all).await;
        assert_eq!(world.call_with_layer().await, 2, "it began after the invalidation");
        for call in calls {
            done(call).await;
        }
        assert_ne!(world.remembered(), Some(1));
    });
}

/// Two invalidations that overlap, with a call after each, beside a call.
pub fn invalidations_that_overlap() {
    let world = World::new();
    block_on(async {
        let call = go(&world, |world| async move { world.call_with_layer().await });
        let forgetting = [(2, false), (3, true)].map(|(version, all)| {
            go(&world, move |world| async move {
                // Versions only grow; the later one wins whatever the order is.
                world.source.fetch_max(version, SeqCst);
                let doom = if all { world.flights.doom_all() } else { world.flights.doom(KEY) };
                world.forget(&doom, all).await;
                drop(doom);
                assert!(world.call_with_layer().await >= version);
            })
        });
        for task in forgetting {
            done(task).await;
        }
        done(call).await;
        assert!(world.remembered().is_none_or(|value| value == 3));
    });
}

/// A refresh against a load that read the source before it.
pub fn a_refresh_against_an_older_load() {
    let world = World::new();
    block_on(async {
        let Some(older) = world.flights.lead(KEY, NOW) else { panic!("nobody else flies") };
        let read = world.source.load(SeqCst);
        let call = go(&world, move |world| async move {
            world.remember(&older, read);
            pause();
            older.land(|| read);
        });
        let refreshing = go(&world, |world| async move {
            world.source.store(2, SeqCst);
            pause();
            let ticket = world.flights.supersede(KEY, NOW);
            let value = world.source.load(SeqCst);
            pause();
            assert!(world.remember(&ticket, value), "nothing dooms it");
            pause();
            ticket.land(|| value);
            assert_eq!(world.call().await, 2, "it began after the refresh");
        });
        done(refreshing).await;
        done(call).await;
        assert_eq!(world.remembered(), Some(2));
    });
}

/// A value that is put against a load and an invalidation.
pub fn a_put_against_a_load_and_an_invalidation() {
    let world = World::new();
    block_on(async {
        let call = go(&world, |world| async move { world.call_with_layer().await });
        let forgetting = go(&world, |world| async move { world.change_and_forget(2, false).await });
        let putting = go(&world, |world| async move {
            world.replace(&world.flights.put(KEY, NOW), 77).await;
        });
        done(putting).await;
        done(forgetting).await;
        done(call).await;
        let kept = [world.remembered(), *world.slow()];
        assert!(!kept.contains(&Some(1)), "{kept:?}");
        // After both, an invalidation alone.
        world.change_and_forget(3, false).await;
        assert_eq!(world.call_with_layer().await, 3);
    });
}

/// Two refreshes that overlap, of which one may fail, beside a call, and beside an invalidation or a put.
pub fn refreshes_that_overlap(one_fails: bool, beside: Beside) {
    let world = World::new();
    *world.slow() = Some(1);
    world.insert(1);
    block_on(async {
        let call = go(&world, |world| async move { world.call_with_layer().await });
        let refreshes = [false, one_fails].map(|fails| {
            go(&world, move |world| async move {
                world.source.fetch_max(if fails { 1 } else { 2 }, SeqCst);
                if let Some(value) = world.refresh(fails).await {
                    assert!(world.call_with_layer().await >= value, "it began after the refresh");
                }
            })
        });
        match beside {
            Beside::Nothing => {}
            Beside::Invalidation => {
                let version = world.source.fetch_max(3, SeqCst).max(3);
                let doom = world.flights.doom(KEY);
                world.forget(&doom, false).await;
                drop(doom);
                assert!(world.call_with_layer().await >= version, "it began after the invalidation");
            }
            Beside::Put => {
                world.source.fetch_max(3, SeqCst);
                world.replace(&world.flights.put(KEY, NOW), 3).await;
                assert!(world.call_with_layer().await >= 3, "it began after the put");
            }
        }
        for refresh in refreshes {
            done(refresh).await;
        }
        done(call).await;
        let kept = [world.remembered(), *world.slow()];
        assert!(!kept.contains(&Some(1)), "{kept:?}");
        assert!(kept.iter().flatten().all(|value| Some(value) == kept.iter().flatten().next()), "{kept:?}");
        assert_eq!(world.flights.len(), 0, "nothing is left of flights that ended");
    });
}

/// A put that the slower layer does not take, against a refresh that read the source before it.
pub fn a_put_that_a_layer_does_not_take_against_an_older_refresh() {
    let world = World::new();
    block_on(async {
        let refreshing = go(&world, |world| async move { world.refresh(false).await });
        let putting = go(&world, |world| async move {
            world.source.store(2, SeqCst);
            pause();
            let ticket = world.flights.put(KEY, NOW);
            pause();
            world.replace_where(false, &ticket, 2).await;
            assert_ne!(world.remembered(), Some(1), "it is put in the place of that");
        });
        done(putting).await;
        done(refreshing).await;
        assert_ne!(world.remembered(), Some(1));
    });
}

/// A put, and an expiry by hand that may begin at any moment of it: what was put to the end is expired and not forgotten.
pub fn an_expiry_beside_a_put() {
    let world = World::new();
    block_on(async {
        let putting = go(&world, |world| async move {
            let ticket = world.flights.put(KEY, NOW);
            world.replace(&ticket, 2).await
        });
        let expiring = go(&world, |world| async move {
            let ticket = world.flights.expire(KEY, NOW);
            ticket.replace().await.verdict()
        });
        let (put, expired) = (done(putting).await, done(expiring).await);
        assert!(put == Verdict::Remove || expired != Verdict::Remove, "nothing wants it gone");
    });
}

/// What happens beside two refreshes.
#[derive(Debug, Clone, Copy)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// An invalidation.
    Invalidation,
    /// Another answer is put.
    Put,
}

/// An answer that is expired by hand, against a load that may store it anew.
pub fn an_expiry_against_a_load() {
    let world = World::new();
    block_on(async {
        let calls = [(); 2].map(|()| go(&world, |world| async move { world.call().await }));
        let expiring = go(&world, |world| async move {
            world.source.store(2, SeqCst);
            let ticket = world.flights.expire(KEY, NOW);
            let replacement = ticket.replace().await;
            assert_eq!(replacement.verdict(), Verdict::Store, "nothing else replaces or removes");
            let doom = replacement.doom();
            doom.settled().await;
            pause();
            let expired = |dates: &Dates| Dates { fresh_until: dates.fresh_until.min(NOW), ..*dates };
            doom.apply(|| world.memory.redate(KEY, expired));
            drop((replacement, ticket));
            assert_eq!(world.call().await, 2, "what was expired is not fresh");
        });
        done(expiring).await;
        for call in calls {
            done(call).await;
        }
        assert_eq!(world.remembered(), Some(2));
    });
}

/// Leaders that land, vanish or stand still, and callers that wait for them: all get an answer, and no two loads run that
/// could be joined.
pub fn leaders_that_vanish() {
    let world = World::new();
    block_on(async {
        let later = NOW.plus(Duration::from_secs(1));
        let leaders = [0, 1, 2].map(|fate| {
            go(&world, move |world| async move {
                match world.flights.board(KEY, NOW) {
                    Boarding::Lead(ticket) if fate == 0 => ticket.land(|| 1),
                    Boarding::Lead(ticket) if fate == 1 => drop(ticket),
                    Boarding::Lead(ticket) => {
                        // Stands still until it is retired, or would be.
                        ticket.useless().await;
                    }
                    Boarding::Wait(waiter) => drop(waiter),
                }
            })
        });
        let callers = [(); 2].map(|()| {
            go(&world, |world| async move {
                let value = world.call().await;
                assert_eq!(value, 1);
                assert!(world.leading() <= 1, "two loads at once");
            })
        });
        // The tidying thread: again and again, until nobody flies any more.
        while world.flights.len() > 0 || leaders.iter().any(|leader| !leader.is_finished()) {
            world.flights.retire_before(later);
            yield_now().await;
        }
        for task in leaders.into_iter().chain(callers) {
            done(task).await;
        }
        assert_eq!(world.flights.len(), 0);
    });
}

/// An older answer that a load offers is not given to who comes after an invalidation.
pub fn an_offer_against_an_invalidation() {
    let world = World::new();
    block_on(async {
        let until = NOW.plus(Duration::from_secs(1));
        *world.slow() = Some(1);
        let refreshing = go(&world, move |world| async move {
            let Some(ticket) = world.flights.lead(KEY, NOW) else { return };
            pause();
            let old = *world.slow();
            pause();
            if let Some(old) = old {
                ticket.offer(old, until);
                pause();
            }
            let value = world.source.load(SeqCst);
            pause();
            world.remember(&ticket, value);
            ticket.land(|| value);
        });
        let waiting = go(&world, |world| async move {
            if let Boarding::Wait(waiter) = world.flights.board(KEY, NOW) {
                assert_ne!(waiter.wait().await, Landing::Lost, "somebody leads");
            }
        });
        world.change_and_forget(2, false).await;
        assert_eq!(world.call().await, 2);
        done(refreshing).await;
        done(waiting).await;
        assert_ne!(world.remembered(), Some(1));
    });
}
