//! Each program of the model in thousands of orders.

use hybrid_cache_model::{
    bounds,
    programs::{self, Beside},
};
use shuttle::{
    Config, Runner,
    scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler},
};

/// How many orders of each kind.
const RANDOM: usize = 2_000;
const PRIORITIES: usize = 1_000;
const SYSTEMATIC: usize = 1_500;

/// How often, at most, the order by priorities is broken on purpose.
const DEPTH: usize = 4;

fn in_many_orders(program: impl Fn() + Send + Sync + Clone + 'static) {
    in_fair_orders(program.clone());
    // From the first order on, each differs from the one before it as late as possible.
    in_orders_of(DfsScheduler::new(Some(SYSTEMATIC), false), program);
}

/// Without those in which a task that waits for others by asking again and again is the only one that runs.
fn in_fair_orders(program: impl Fn() + Send + Sync + Clone + 'static) {
    for seed in 0..2 {
        in_orders_of(RandomScheduler::new_from_seed(seed, RANDOM / 2), program.clone());
        in_orders_of(PctScheduler::new_from_seed(seed, DEPTH, PRIORITIES / 2), program.clone());
    }
}

fn in_orders_of(scheduler: impl Scheduler + 'static, program: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 0x40_000;
    Runner::new(scheduler, config).run(program);
}

#[test]
fn memory_holds_what_it_counts_and_no_more_than_its_bound() {
    // Not one order after the other: keys are hashed anew in each, which changes what comes next.
    for room in 1..3 {
        in_fair_orders(move || bounds::stores_beside_removals(room, false));
    }
}

#[test]
fn memory_that_forgets_everything_holds_what_it_counts() {
    for room in 1..3 {
        in_fair_orders(move || bounds::stores_beside_removals(room, true));
    }
}

#[test]
fn memories_that_share_a_bound_hold_what_they_count_and_no_more_than_that() {
    for room in 1..3 {
        in_fair_orders(move || bounds::stores_in_one_pool(room, false));
        in_fair_orders(move || bounds::stores_in_one_pool(room, true));
    }
}

#[test]
fn a_load_leaves_nothing_behind_that_was_forgotten_while_it_ran() {
    in_many_orders(|| programs::loads_against_an_invalidation(false));
}

#[test]
fn a_load_leaves_nothing_behind_that_was_forgotten_with_everything_else() {
    in_many_orders(|| programs::loads_against_an_invalidation(true));
}

#[test]
fn a_copy_leaves_nothing_behind_that_was_forgotten_while_it_was_made() {
    in_many_orders(|| programs::copies_against_an_invalidation(false));
}

#[test]
fn a_copy_leaves_nothing_behind_that_was_forgotten_with_everything_else() {
    in_many_orders(|| programs::copies_against_an_invalidation(true));
}

#[test]
fn what_a_call_read_in_a_layer_while_it_was_forgotten_is_not_copied_up() {
    in_many_orders(|| programs::reads_of_a_layer_against_an_invalidation(false));
}

#[test]
fn what_a_call_read_in_a_layer_while_everything_was_forgotten_is_not_copied_up() {
    in_many_orders(|| programs::reads_of_a_layer_against_an_invalidation(true));
}

#[test]
fn invalidations_that_overlap_are_both_kept() {
    in_many_orders(programs::invalidations_that_overlap);
}

#[test]
fn a_refresh_is_not_overwritten_by_an_older_load() {
    in_many_orders(programs::a_refresh_against_an_older_load);
}

#[test]
fn a_put_replaces_the_old_answer_whatever_else_goes_on() {
    in_many_orders(programs::a_put_against_a_load_and_an_invalidation);
}

#[test]
fn after_a_refresh_no_older_answer_comes_back_though_another_one_runs_or_fails() {
    for one_fails in [false, true] {
        in_many_orders(move || programs::refreshes_that_overlap(one_fails, Beside::Nothing));
    }
}

#[test]
fn after_a_refresh_beside_an_invalidation_no_older_answer_comes_back() {
    in_many_orders(|| programs::refreshes_that_overlap(true, Beside::Invalidation));
}

#[test]
fn after_refreshes_and_a_put_no_older_answer_comes_back_and_the_layers_agree() {
    in_many_orders(|| programs::refreshes_that_overlap(true, Beside::Put));
}

#[test]
fn what_was_expired_is_not_stored_anew_by_an_older_load() {
    in_many_orders(programs::an_expiry_against_a_load);
}

#[test]
fn nobody_waits_for_ever_for_a_leader_that_vanished() {
    in_fair_orders(programs::leaders_that_vanish);
}

#[test]
fn an_offer_ends_with_an_invalidation() {
    in_many_orders(programs::an_offer_against_an_invalidation);
}

#[test]
fn a_refresh_does_not_overwrite_what_was_put_later_though_a_layer_did_not_take_that() {
    in_many_orders(programs::a_put_that_a_layer_does_not_take_against_an_older_refresh);
}

#[test]
fn what_was_put_is_expired_and_not_forgotten_whenever_the_expiry_begins() {
    in_many_orders(programs::an_expiry_beside_a_put);
}
