use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Nothing but a `ttl`.
fn policy(ttl: u64) -> Policy {
    Policy {
        ttl: PerLayer::same(seconds(ttl)),
        none_ttl: seconds(30),
        err_ttl: Duration::ZERO,
        jitter: 0.0,
        stale: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        refresh_ahead: RefreshAhead::Off,
    }
}

fn life(limit: Duration) -> Life {
    Life { computed_at: at(100), limit, draw: 1.0 }
}

fn dates(computed_at: u64, until: u64) -> Dates {
    Dates { computed_at: at(computed_at), fresh_until: at(until), kept_until: at(until) }
}

#[test]
fn an_answer_is_fresh_up_to_its_ttl_and_not_a_moment_longer() {
    let policy = policy(10);
    let dates = policy.computed(LayerKind::Memory, life(Duration::MAX)).unwrap();
    assert_eq!(policy.freshness(&dates, Timestamp::from_millis(109_999)), Freshness::Fresh);
    assert_eq!(policy.freshness(&dates, at(110)), Freshness::Expired);
}

#[test]
fn after_its_life_an_answer_is_stale_and_then_a_last_resort() {
    let policy = Policy { stale: seconds(5), stale_if_error: seconds(60), ..policy(10) };
    let dates = policy.computed(LayerKind::Memory, life(Duration::MAX)).unwrap();
    let freshness = |second| policy.freshness(&dates, at(second));
    assert_eq!(
        [109, 110, 114, 115, 169, 170].map(freshness),
        [
            Freshness::Fresh,
            Freshness::Stale,
            Freshness::Stale,
            Freshness::LastResort,
            Freshness::LastResort,
            Freshness::Expired
        ]
    );
    assert_eq!((policy.stale_until(&dates), policy.returned_until(&dates)), (at(115), at(170)));
}

#[test]
fn what_is_kept_for_a_shorter_time_is_gone_when_that_is_over() {
    let policy = Policy { stale: seconds(5), stale_if_error: seconds(60), ..policy(10) };
    let dates = Dates { kept_until: at(112), ..dates(100, 110) };
    let freshness = |second| policy.freshness(&dates, at(second));
    assert_eq!([109, 111, 112].map(freshness), [Freshness::Fresh, Freshness::Stale, Freshness::Expired]);
}

#[test]
fn an_answer_lives_no_longer_than_it_may_itself() {
    let fresh_until = |ttl, limit| {
        policy(ttl).computed(LayerKind::Redis, life(seconds(limit))).map(|dates| dates.fresh_until)
    };
    assert_eq!(fresh_until(10, 30), Some(at(110)));
    assert_eq!(fresh_until(60, 30), Some(at(130)));
    assert_eq!(fresh_until(60, 0), None);
}

#[test]
fn a_record_from_a_clock_that_is_ahead_lives_no_longer_than_one_of_ours() {
    let found = |computed_at, until, now| {
        policy(100).found(LayerKind::Redis, &dates(computed_at, until), Duration::MAX, at(now))
    };
    assert_eq!(found(5_000, 5_100, 100), None, "nobody knows its age");
    assert_eq!(found(161, 261, 100), None);
    assert_eq!(found(160, 260, 100), Some(dates(100, 200)), "clocks are never quite the same");
    // Read again and again, it ends when its writer said, and so at most by the difference of the clocks too late.
    assert_eq!(found(160, 260, 250), Some(dates(160, 260)));
}

#[test]
fn a_ttl_that_was_shortened_holds_for_records_from_before() {
    let found =
        |policy: Policy| policy.found(LayerKind::Disk, &dates(90, 4_000), Duration::MAX, at(95)).unwrap();
    assert_eq!(found(policy(10)).fresh_until, at(100), "counted from when it was computed");
    // It may be a copy that was made just now of one that lives longer.
    let ttl = PerLayer { memory: seconds(1), redis: seconds(20), disk: seconds(10) };
    assert_eq!(found(Policy { ttl, ..policy(10) }).fresh_until, at(105));
    let ttl = PerLayer { memory: seconds(1), redis: seconds(12), disk: seconds(10) };
    assert_eq!(found(Policy { ttl, ..policy(10) }).fresh_until, at(102));
}

#[test]
fn a_grace_that_was_shortened_holds_for_records_from_before() {
    let before = Policy { stale: seconds(500), ..policy(10) };
    let now = Policy { stale: seconds(5), ..policy(10) };
    let record = before.computed(LayerKind::Disk, life(Duration::MAX)).unwrap();
    let found = now.found(LayerKind::Disk, &record, Duration::MAX, at(112)).unwrap();
    assert_eq!(found.kept_until, at(115));
}

#[test]
fn nothing_is_copied_of_what_has_no_life_left() {
    assert_eq!(policy(10).copied(LayerKind::Memory, &dates(50, 100), Duration::MAX, at(100)), None);
}

#[test]
fn what_is_expired_by_hand_goes_on_as_if_its_life_were_over() {
    let policy = Policy { stale: seconds(5), ..policy(100) };
    let dates = policy.computed(LayerKind::Memory, life(Duration::MAX)).unwrap();
    let expired = policy.expired(&dates, at(120));
    let freshness = |second| policy.freshness(&expired, at(second));
    assert_eq!([120, 124, 125].map(freshness), [Freshness::Stale, Freshness::Stale, Freshness::Expired]);
    // A second time changes nothing: the old answer's end is not put off.
    assert_eq!(policy.expired(&expired, at(123)), expired);
}

#[test]
fn a_failed_refresh_is_repeated_after_a_tenth_of_the_ttl_but_after_thirty_seconds_at_the_latest() {
    assert_eq!(policy(100).pause(), seconds(10));
    assert_eq!(policy(3_600).pause(), seconds(30));
}

#[test]
fn a_fraction_of_its_life_makes_an_answer_due() {
    let policy = Policy { refresh_ahead: RefreshAhead::Fraction(0.8), ..policy(10) };
    let dates = policy.computed(LayerKind::Memory, life(Duration::MAX)).unwrap();
    let from = policy.due_from(&dates, at(100), SECOND);
    assert_eq!(from, at(108));
    assert!(!policy.is_due(&dates, from, Timestamp::from_millis(107_999), 0.0));
    assert!(policy.is_due(&dates, from, at(108), 1.0));
}

#[test]
fn chance_makes_an_answer_due_the_earlier_the_longer_its_load_took() {
    let policy = Policy { refresh_ahead: RefreshAhead::Probabilistic, ..policy(1_000) };
    let dates = policy.computed(LayerKind::Memory, life(Duration::MAX)).unwrap();
    // One load time before the end, a part 1/e of all calls refreshes; three before, e⁻³.
    for (load_time, before_end, expected) in [(2, 2, 0.368), (2, 6, 0.050), (6, 6, 0.368)] {
        let from = policy.due_from(&dates, at(100), seconds(load_time));
        let draws = 10_000_u32;
        let due = (0..draws)
            .filter(|n| {
                let draw = (f64::from(*n) + 0.5) / f64::from(draws);
                policy.is_due(&dates, from, at(1_100 - before_end), draw)
            })
            .count();
        let part = f64::from(u32::try_from(due).unwrap()) / f64::from(draws);
        assert!((part - expected).abs() < 0.002, "{part} of the calls, not {expected}");
    }
}

#[test]
fn before_the_moment_from_which_an_answer_may_be_due_by_chance_it_is_not() {
    let policy = Policy { refresh_ahead: RefreshAhead::Probabilistic, ..policy(1_000) };
    let dates = policy.computed(LayerKind::Memory, life(Duration::MAX)).unwrap();
    let from = policy.due_from(&dates, at(100), seconds(3));
    assert_eq!(from, at(1_040));
    assert!(!policy.is_due(&dates, from, at(1_040), 1e-8));
}

#[test]
fn a_refresh_takes_a_slower_layers_answer_only_if_that_has_more_life_left() {
    let policy = Policy { refresh_ahead: RefreshAhead::Fraction(0.8), ..policy(300) };
    let in_hand = dates(0, 54);
    let spares = |found: Dates, now| policy.spares_load(&found, &in_hand, SECOND, at(now));
    assert!(spares(dates(0, 300), 50), "memory's copy is over, not the answer");
    assert!(!spares(dates(0, 300), 245), "the answer itself is due");
    assert!(!spares(dates(0, 54), 50), "the same answer");
    let earlier = Policy { refresh_ahead: RefreshAhead::Off, ..policy };
    assert!(
        !earlier.spares_load(&dates(0, 300), &dates(1, 54), SECOND, at(50)),
        "an answer from before that in hand"
    );
}

fn extreme_duration() -> impl Strategy<Value = Duration> {
    let nearly = Duration::MAX.saturating_sub(Duration::from_nanos(1));
    let known = [
        Duration::ZERO,
        Duration::from_nanos(1),
        SECOND,
        Duration::from_millis(u64::MAX),
        nearly,
        Duration::MAX,
    ];
    prop::sample::select(known.to_vec())
}

fn extreme_date() -> impl Strategy<Value = Timestamp> {
    prop::sample::select(vec![0, 1, 1_000_000, u64::MAX - 1, u64::MAX]).prop_map(Timestamp::from_millis)
}

fn extreme_part() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![
        0.0,
        -0.0,
        f64::MIN_POSITIVE,
        0.5,
        1.0 - f64::EPSILON,
        1.0,
        -1.0,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ])
}

proptest! {
    #[test]
    fn no_option_and_no_date_is_so_large_that_a_life_cannot_be_told(
        options in prop::array::uniform4(extreme_duration()),
        (jitter, fraction, draw) in (extreme_part(), extreme_part(), extreme_part()),
        dates in prop::array::uniform4(extreme_date()),
        load_time in extreme_duration(),
        ahead in 0_usize..3,
    ) {
        let [ttl, stale, stale_if_error, limit] = options;
        let refresh_ahead = [RefreshAhead::Off, RefreshAhead::Fraction(fraction), RefreshAhead::Probabilistic][ahead];
        let ttl = PerLayer { memory: ttl, redis: limit, disk: stale };
        let policy = Policy { ttl, jitter, stale, stale_if_error, refresh_ahead, ..policy(1) };
        let [computed_at, fresh_until, kept_until, now] = dates;
        let found = Dates { computed_at, fresh_until, kept_until };
        for layer in [LayerKind::Memory, LayerKind::Redis, LayerKind::Disk] {
            let computed = policy.computed(layer, Life { computed_at, limit, draw });
            prop_assert!(computed.is_none_or(|dates| dates.fresh_until <= computed_at.plus(policy.ttl.get(layer))));
            for dates in computed.into_iter().chain([found]) {
                policy.freshness(&dates, now);
                policy.copied(layer, &dates, limit, now);
                policy.expired(&dates, now);
                let due_from = policy.due_from(&dates, computed_at, load_time);
                policy.is_due(&dates, due_from, now, draw);
                policy.spares_load(&dates, &found, load_time, now);
                policy.found(layer, &dates, limit, now);
            }
        }
        policy.pause();
    }

    #[test]
    fn no_sequence_of_copies_makes_an_answer_older_than_the_options_it_was_computed_with(
        ttls in prop::array::uniform3(1_u64..1_000),
        limit in 0_u64..1_500,
        jitter in 0.0..0.99_f64,
        (stale, stale_if_error) in (0_u64..300, 0_u64..300),
        draw in 0.0..1.0_f64,
        steps in prop::collection::vec((0_usize..3, 0_u64..500), 1..10),
    ) {
        let layers = [LayerKind::Memory, LayerKind::Redis, LayerKind::Disk];
        let mut policy = Policy {
            jitter,
            stale: seconds(stale),
            stale_if_error: seconds(stale_if_error),
            ..policy(1)
        };
        for (layer, ttl) in layers.into_iter().zip(ttls) {
            policy.ttl.set(layer, seconds(ttl));
        }
        let limit = seconds(limit);
        let life = Life { computed_at: at(10_000), limit, draw };
        let longest = |layer| policy.ttl.get(layer).min(limit);
        let (mut layer, mut now) = (layers[steps[0].0], at(10_000));
        let Some(mut copy) = policy.computed(layer, life) else { return Ok(()) };
        let (end, last) = (copy.fresh_until, copy.kept_until);
        prop_assert!(end <= now.plus(longest(layer)) && last <= end.plus(policy.grace()));
        for (next, wait) in steps {
            now = now.plus(seconds(wait));
            let found = policy.found(layer, &copy, limit, now).expect("it is not from the future");
            prop_assert!(found.fresh_until <= end && found.kept_until <= last);
            if policy.freshness(&found, now) == Freshness::Expired { break }
            layer = layers[next];
            let Some(copied) = policy.copied(layer, &found, limit, now) else { break };
            prop_assert!(copied.fresh_until <= end && copied.fresh_until <= now.plus(longest(layer)));
            prop_assert!(copied.kept_until <= last);
            prop_assert_eq!(copied.computed_at, life.computed_at);
            copy = copied;
        }
    }

    #[test]
    fn an_answer_that_may_be_returned_is_not_past_the_end_that_is_said_of_it(
        (ttl, stale, stale_if_error) in (1_u64..100, 0_u64..100, 0_u64..100),
        age in 0_u64..400,
    ) {
        let policy = Policy { stale: seconds(stale), stale_if_error: seconds(stale_if_error), ..policy(ttl) };
        let dates = policy.computed(LayerKind::Memory, life(Duration::MAX)).unwrap();
        let now = at(100 + age);
        let expected = match age {
            _ if age < ttl => Freshness::Fresh,
            _ if age < ttl + stale => Freshness::Stale,
            _ if age < ttl + stale_if_error => Freshness::LastResort,
            _ => Freshness::Expired,
        };
        prop_assert_eq!(policy.freshness(&dates, now), expected);
        prop_assert_eq!(now < policy.returned_until(&dates), expected != Freshness::Expired);
    }
}
