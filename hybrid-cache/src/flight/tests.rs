use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use futures_util::{future::join_all, poll};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000);
const LATER: Timestamp = Timestamp::from_millis(2_000);

fn lead<A>(flights: &Flights<A>, key: &str) -> Ticket<A> {
    match flights.board(key.as_bytes(), NOW) {
        Boarding::Lead(ticket) => ticket,
        Boarding::Wait(_) => panic!("another flight of {key} can be joined"),
    }
}

fn join<A>(flights: &Flights<A>, key: &str) -> Waiter<A> {
    match flights.board(key.as_bytes(), NOW) {
        Boarding::Wait(waiter) => waiter,
        Boarding::Lead(_) => panic!("no flight of {key} can be joined"),
    }
}

fn may_store<A>(ticket: &Ticket<A>) -> bool {
    let mut stored = false;
    let said = ticket.store(|| stored = true);
    assert_eq!(said.is_some(), stored);
    stored
}

/// Looks at the flights when it is dropped.
struct Looks(Flights<u64>);

impl Drop for Looks {
    fn drop(&mut self) {
        assert!(self.0.len() <= 1);
    }
}

#[test]
fn what_is_not_stored_is_dropped_where_no_lock_is_held() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let flights = Flights::new();
        let ticket = lead(&flights, "k");
        let looks = Looks(flights.clone());
        assert!(ticket.store(move || looks).is_some());
        let looks = Looks(flights.clone());
        let _doom = flights.doom(b"k");
        assert!(ticket.store(move || looks).is_none());
        done.send(()).unwrap();
    });
    ended.recv_timeout(std::time::Duration::from_secs(20)).expect("it hangs");
}

#[tokio::test]
async fn the_first_caller_leads_and_the_others_get_its_answer() {
    let flights = Flights::new();
    let ticket = lead(&flights, "k");
    let waiters = (0..50).map(|_| join(&flights, "k").wait()).collect::<Vec<_>>();
    ticket.land(|| 7);
    assert!(join_all(waiters).await.iter().all(|landing| *landing == Landing::Answer(7)));
}

#[tokio::test]
async fn different_keys_do_not_wait_for_each_other() {
    let flights = Flights::<()>::new();
    let _one = lead(&flights, "a");
    let _other = lead(&flights, "b");
}

#[tokio::test]
async fn a_leader_that_vanishes_is_followed_by_a_waiter() {
    let flights = Flights::<u8>::new();
    let ticket = lead(&flights, "k");
    let waiter = join(&flights, "k").wait();
    drop(ticket);
    assert_eq!(waiter.await, Landing::Lost);
    lead(&flights, "k");
}

#[tokio::test]
async fn nothing_is_left_of_flights_that_ended() {
    let flights = Flights::<u8>::new();
    for key in 0..1_000 {
        let key = key.to_string();
        let ticket = lead(&flights, &key);
        drop(join(&flights, &key));
        let doom = flights.doom(key.as_bytes());
        drop((doom, ticket));
    }
    drop(flights.doom_all());
    assert_eq!(flights.len(), 0);
}

#[tokio::test]
async fn an_invalidation_keeps_a_flight_from_storing_but_not_from_answering() {
    let flights = Flights::new();
    let ticket = lead(&flights, "k");
    let waiter = join(&flights, "k");
    assert!(may_store(&ticket));
    drop(flights.doom(b"k"));
    assert!(!may_store(&ticket) && ticket.begin_copy().is_none());
    ticket.land(|| 7);
    assert_eq!(waiter.wait().await, Landing::Answer(7));
}

#[tokio::test]
async fn who_comes_after_an_invalidation_does_not_join_a_flight_from_before() {
    let flights = Flights::<u8>::new();
    let before = lead(&flights, "k");
    drop(flights.doom(b"k"));
    let after = lead(&flights, "k");
    assert!(!may_store(&before) && may_store(&after));
}

#[tokio::test]
async fn a_flight_that_starts_during_an_invalidation_stores_nothing_and_is_not_joined_afterwards() {
    let flights = Flights::<u8>::new();
    let doom = flights.doom(b"k");
    let during = lead(&flights, "k");
    assert!(!may_store(&during));
    drop(join(&flights, "k"));
    drop(doom);
    assert!(!may_store(&during));
    assert!(may_store(&lead(&flights, "k")));
}

#[tokio::test]
async fn an_invalidation_of_all_keys_dooms_every_flight_and_those_that_start_meanwhile() {
    let flights = Flights::<u8>::new();
    let before = lead(&flights, "a");
    let doom = flights.doom_all();
    let during = lead(&flights, "b");
    assert!(!may_store(&before) && !may_store(&during));
    drop(doom);
    assert!(may_store(&lead(&flights, "a")) && may_store(&lead(&flights, "b")));
}

#[tokio::test]
async fn overlapping_invalidations_doom_until_the_last_has_ended() {
    let flights = Flights::<u8>::new();
    let (first, second) = (flights.doom(b"k"), flights.doom(b"k"));
    drop(first);
    assert!(!may_store(&lead(&flights, "k")));
    drop(second);
    assert!(may_store(&lead(&flights, "k")));
}

#[tokio::test]
async fn an_invalidation_waits_for_copies_that_have_begun_but_not_for_loads() {
    let flights = Flights::<u8>::new();
    let copying = lead(&flights, "k");
    let copy = copying.begin_copy().expect("nothing dooms it yet");
    let _loading = flights.fly_alone(b"k", NOW);
    let doom = flights.doom(b"k");
    let mut settled = Box::pin(doom.settled());
    assert_eq!(poll!(settled.as_mut()), Poll::Pending);
    drop(copy);
    assert_eq!(poll!(settled.as_mut()), Poll::Ready(()));
}

#[tokio::test]
async fn a_value_that_is_put_may_be_stored_unless_an_invalidation_began_after_it() {
    let flights = Flights::<u8>::new();
    let earlier = flights.doom(b"k");
    let put = flights.put(b"k", NOW);
    let replacement = put.replace().await;
    assert!(may_store(&put));
    assert_eq!(replacement.verdict(), Verdict::Store);
    let later = flights.doom(b"k");
    assert!(!may_store(&put));
    assert_eq!(replacement.verdict(), Verdict::Remove);
    later.cleared();
    assert_eq!(replacement.verdict(), Verdict::Nothing);
    drop((earlier, later));
}

#[tokio::test]
async fn a_replacement_is_made_after_the_one_that_is_being_made() {
    let flights = Flights::<u8>::new();
    let (first, second) = (flights.put(b"k", NOW), flights.put(b"k", NOW));
    let replacing = first.replace().await;
    let mut waiting = Box::pin(second.replace());
    assert!(poll!(waiting.as_mut()).is_pending());
    drop(replacing);
    assert_eq!(waiting.await.verdict(), Verdict::Store);
}

#[tokio::test]
async fn a_refresh_that_comes_after_a_newer_answer_changes_nothing_and_keeps_no_error() {
    let flights = Flights::<u8>::new();
    let (older, newer) = (flights.supersede(b"k", NOW), flights.put(b"k", NOW));
    newer.replace().await.doom().cleared();
    assert_eq!(older.replace().await.verdict(), Verdict::Nothing);
    assert!(!may_store(&older), "neither a value nor an error");
}

#[tokio::test]
async fn a_refresh_is_stored_though_a_later_one_is_under_way_or_has_failed() {
    let flights = Flights::<u8>::new();
    let first = flights.supersede(b"k", NOW);
    let later = flights.supersede(b"k", NOW);
    assert_eq!(first.replace().await.verdict(), Verdict::Store);
    drop(later);
    assert_eq!(first.replace().await.verdict(), Verdict::Store);
}

#[tokio::test]
async fn a_refresh_that_was_retired_is_stored_unless_somebody_has_loaded_since() {
    let flights = Flights::<u8>::new();
    let slow = flights.supersede(b"k", NOW);
    let waiter = join(&flights, "k").wait();
    flights.retire_before(LATER);
    assert_eq!(waiter.await, Landing::Lost);
    assert_eq!(slow.replace().await.verdict(), Verdict::Store);
    drop(lead(&flights, "k"));
    assert_eq!(slow.replace().await.verdict(), Verdict::Remove);
}

#[tokio::test]
async fn no_load_stores_or_is_joined_while_an_answer_is_replaced_and_older_refreshes_are_not_joined_after() {
    let flights = Flights::<u8>::new();
    let _older = flights.supersede(b"k", NOW);
    let put = flights.put(b"k", NOW);
    let replacement = put.replace().await;
    let during = lead(&flights, "k");
    assert!(!may_store(&during));
    let later = flights.supersede(b"k", NOW);
    drop(replacement);
    assert!(!may_store(&during));
    drop(join(&flights, "k"));
    drop(later);
    assert!(may_store(&lead(&flights, "k")));
}

#[tokio::test]
async fn a_doomed_load_is_useless_once_nobody_waits_for_it() {
    let flights = Flights::<u8>::new();
    let load = lead(&flights, "k");
    let waiter = join(&flights, "k");
    let mut useless = Box::pin(load.useless());
    let doom = flights.doom(b"k");
    assert!(poll!(useless.as_mut()).is_pending());
    drop(waiter);
    assert!(poll!(useless.as_mut()).is_ready());
    drop(doom);
}

#[tokio::test]
async fn a_refresh_keeps_older_flights_from_storing_over_it() {
    let flights = Flights::<u8>::new();
    let older = lead(&flights, "k");
    let refresh = flights.supersede(b"k", NOW);
    assert!(!may_store(&older) && may_store(&refresh));
    drop(older);
    drop(join(&flights, "k"));
}

#[tokio::test]
async fn a_load_that_takes_too_long_is_retired_and_another_one_may_start() {
    let flights = Flights::<u8>::new();
    let slow = lead(&flights, "k");
    let waiter = join(&flights, "k").wait();
    flights.retire_before(NOW);
    assert!(may_store(&slow), "it has not been in the air before that moment");
    flights.retire_before(LATER);
    assert_eq!(waiter.await, Landing::Lost);
    assert!(may_store(&lead(&flights, "k")) && !may_store(&slow));
}

#[tokio::test]
async fn a_load_that_takes_too_long_goes_on_while_nobody_waits_for_it() {
    let flights = Flights::<u8>::new();
    let slow = lead(&flights, "k");
    drop(join(&flights, "k"));
    let overdue = slow.useless();
    flights.retire_before(LATER);
    overdue.await;
    assert!(may_store(&slow), "nobody has started another one");
    let next = lead(&flights, "k");
    assert!(may_store(&next) && !may_store(&slow));
    drop(slow);
    drop(join(&flights, "k"));
}

#[test]
fn every_load_of_many_threads_is_alone_for_its_key() {
    let flights = Flights::<u8>::new();
    let (loading, loads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    match flights.board(b"k", NOW) {
                        Boarding::Lead(ticket) => {
                            assert_eq!(loading.fetch_add(1, Ordering::SeqCst), 0);
                            loads.fetch_add(1, Ordering::SeqCst);
                            std::thread::yield_now();
                            loading.fetch_sub(1, Ordering::SeqCst);
                            ticket.land(|| 1);
                        }
                        Boarding::Wait(waiter) => drop(waiter),
                    }
                }
            });
        }
    });
    assert!(loads.into_inner() > 0);
    assert_eq!(flights.len(), 0);
}

/// An answer whose clean-up calls the function that it is an answer of.
#[derive(Clone)]
struct CallsWhenDropped(Flights<CallsWhenDropped>);

impl Drop for CallsWhenDropped {
    fn drop(&mut self) {
        let _ = self.0.lead(b"k", LATER);
    }
}

/// What `work` makes; fails if it hangs.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    assert!(ended.recv_timeout(std::time::Duration::from_secs(10)).is_ok(), "it hangs, or panicked");
}

#[test]
fn an_offered_answer_may_call_the_function_when_its_load_becomes_overdue() {
    in_time(|| {
        let flights = Flights::new();
        let ticket = lead(&flights, "k");
        ticket.offer(CallsWhenDropped(flights.clone()), LATER);
        flights.retire_before(LATER);
    });
}

#[test]
fn an_answer_that_is_offered_too_late_may_call_the_function_when_it_is_dropped() {
    in_time(|| {
        let flights = Flights::new();
        let ticket = lead(&flights, "k");
        flights.retire_before(LATER);
        ticket.offer(CallsWhenDropped(flights.clone()), LATER);
    });
}

#[tokio::test]
async fn a_refresh_does_not_overwrite_a_later_answer_that_one_layer_would_not_take() {
    let flights = Flights::<u8>::new();
    let (older, newer) = (flights.supersede(b"k", NOW), flights.put(b"k", NOW));
    // Without `cleared`: the layer may still hold what was there before.
    newer.replace().await.stores();
    assert_eq!(older.replace().await.verdict(), Verdict::Remove);
    assert_eq!(flights.supersede(b"k", NOW).replace().await.verdict(), Verdict::Store);
}

#[tokio::test]
async fn in_a_fork_nobody_waits_for_what_other_threads_were_doing() {
    let flights = Flights::<u8>::new();
    let (put, waiting) = (flights.put(b"k", NOW), flights.put(b"k", NOW));
    let _queued = lead(&flights, "queued");
    let for_queued = join(&flights, "queued").wait();
    let gone = (put.replace().await, flights.doom(b"k"), flights.doom_all());
    let mut turn = Box::pin(waiting.replace());
    assert!(poll!(turn.as_mut()).is_pending());
    flights.go_on_in_fork(LATER);
    assert_eq!(for_queued.await, Landing::Lost);
    drop(turn.await);
    assert!(may_store(&lead(&flights, "k")), "nothing is under way");
    // Should they come to an end after all, nothing is counted twice.
    drop(gone);
    let doom = flights.doom(b"k");
    assert!(!may_store(&lead(&flights, "k")));
    drop(doom);
    assert!(may_store(&lead(&flights, "k")));
}
