//! What the layer does when nothing goes wrong.

use futures_util::{FutureExt as _, future::join_all};

use super::{
    super::{answers::Budget, engine::missing_feature, row::row_key},
    *,
};

on_each_engine![
    a_record_is_found_again,
    a_record_outlives_a_restart,
    the_first_read_after_a_restart_has_the_time_to_open_the_store,
    nothing_is_opened_before_the_first_request,
    an_expired_record_is_not_returned,
    a_later_put_replaces_an_earlier_one,
    a_large_record_is_found_whole,
    a_record_over_the_limit_is_refused_with_its_size,
    a_removed_record_is_gone_also_after_a_restart,
    removing_what_is_not_there_is_fine,
    a_removal_hides_the_record_before_it_is_on_the_disk,
    a_removal_comes_after_every_put_before_it_and_before_every_put_after_it,
    removals_that_wait_share_one_commit,
    an_epoch_is_never_zero_and_stays,
    an_epoch_that_is_known_is_told_without_a_look_at_the_disk,
    removing_all_changes_the_epoch_for_good,
    removing_all_of_a_function_that_was_never_read_changes_its_epoch,
    other_functions_keep_their_epoch,
    a_closed_layer_says_so,
    a_layer_can_be_closed_before_it_is_used,
    closing_twice_is_fine,
    dropping_a_layer_does_not_wait_and_frees_the_slot,
    layers_side_by_side_use_slots_of_their_own,
    a_full_queue_refuses_puts_and_not_removals,
    it_works_in_a_runtime_whose_time_stands_still,
    another_engine_begins_anew,
];

fn a_record_is_found_again(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    assert_eq!(layer.get("a"), None);

    layer.put("a", b"one");

    assert_eq!(layer.get("a").as_deref(), Some(&b"one"[..]));
    assert_eq!(layer.get("b"), None);
}

fn a_record_outlives_a_restart(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();

    assert_eq!(bench.open().get("a").as_deref(), Some(&b"one"[..]));
}

fn the_first_read_after_a_restart_has_the_time_to_open_the_store(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();
    // Opening takes a thousand times as long.
    let in_a_hurry = bench.open_within(engine, Duration::from_micros(1));
    assert_eq!(in_a_hurry.get("a").as_deref(), Some(&b"one"[..]));
}

fn nothing_is_opened_before_the_first_request(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.flush();
    assert!(!bench.root().exists());

    layer.get("a");

    assert!(bench.store().is_dir());
}

fn an_expired_record_is_not_returned(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put_for("a", b"one", Duration::from_secs(10));

    bench.advance(Duration::from_millis(9_999));
    assert!(layer.get("a").is_some());
    bench.advance(Duration::from_millis(1));
    assert_eq!(layer.get("a"), None);
}

fn a_later_put_replaces_an_earlier_one(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", &pattern(100_000));
    layer.put_for("a", b"two", Duration::from_secs(1));
    assert_eq!(layer.get("a").as_deref(), Some(&b"two"[..]));

    bench.advance(Duration::from_secs(2));
    assert_eq!(layer.get("a"), None);
}

fn a_large_record_is_found_whole(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let sizes = [0, 1, 32 * 1024 - 24, 32 * 1024, 32 * 1024 + 1, 1_000_000, 8 << 20];
    for size in sizes {
        layer.put(&format!("n={size}"), &pattern(size));
    }
    layer.close();

    let layer = bench.open();
    for size in sizes {
        assert!(layer.get(&format!("n={size}")) == Some(pattern(size)), "{size}");
    }
}

fn a_record_over_the_limit_is_refused_with_its_size(engine: DiskEngine) {
    let bench = Bench { max_bytes: 32 * MIB, ..Bench::new(engine) };
    let layer = bench.open();

    let refused = wait(layer.0.put(&k("a"), vec![0; 3 << 20], HOUR));

    let Err(LayerError::TooLarge { bytes, limit, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((bytes, limit), (3 << 20, 2 << 20));
}

fn a_removed_record_is_gone_also_after_a_restart(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.put("large", &pattern(200_000));
    layer.flush();
    layer.remove("a");
    layer.remove("large");
    assert_eq!(layer.get("a"), None);
    layer.close();

    let layer = bench.open();
    assert_eq!(layer.get("a"), None);
    assert_eq!(layer.get("large"), None);
}

fn removing_what_is_not_there_is_fine(engine: DiskEngine) {
    Bench::new(engine).open().remove("a");
}

fn a_removal_hides_the_record_before_it_is_on_the_disk(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");

    let under_way = layer.0.exchange.forgetting.mark(&row_key(k("a").as_str()));
    assert_eq!(layer.get("a"), None);

    drop(under_way);
    assert!(layer.get("a").is_some());
}

fn a_removal_comes_after_every_put_before_it_and_before_every_put_after_it(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let key = k("a");
    for round in 0..50_u8 {
        // All are accepted before the first is waited for.
        let put = accepted(layer.0.put(&key, vec![round], HOUR));
        let remove = accepted(layer.0.remove(&key, Duration::ZERO));
        if round % 2 == 0 {
            wait(accepted(layer.0.put(&key, vec![round, 1], HOUR))).unwrap();
        }
        wait(put).unwrap();
        wait(remove).unwrap();
        assert_eq!(layer.get("a"), (round % 2 == 0).then(|| vec![round, 1]));
    }
}

fn removals_that_wait_share_one_commit(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let keys: Vec<_> = (0..500).map(|n| k(&format!("n={n}"))).collect();
    let removals: Vec<_> = keys.iter().map(|key| accepted(layer.0.remove(key, Duration::ZERO))).collect();
    for removal in removals {
        wait(removal).unwrap();
    }
    let synced = appends(&bench);
    assert!((1..100).contains(&synced), "{synced}");
}

/// How often removals were written down, each time synced once: the header is written in turn to two places, with a number.
fn appends(bench: &Bench) -> u64 {
    let log = fs::read(bench.root().join("removals.log")).unwrap();
    let number = |at: usize| u64::from_le_bytes(log[at..at + 8].try_into().unwrap());
    // Once for the beginning.
    number(8).max(number(64 + 8)) - 1
}

fn an_epoch_is_never_zero_and_stays(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let epoch = layer.epoch();
    assert_ne!(epoch, 0);
    assert_eq!(layer.epoch(), epoch);
    layer.close();

    assert_eq!(bench.open().epoch(), epoch);
}

fn an_epoch_that_is_known_is_told_without_a_look_at_the_disk(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let alone = || wait(layer.0.epoch(&k("any"))).unwrap().epoch;
    let first = alone();
    assert_eq!(first, layer.epoch(), "the first time it is looked up");

    let other = k("other");
    // A read that is not alone is not looked at in its caller's thread: if this one were made, it would be waited for.
    let _busy = layer.0.exchange.reading.begin();
    let at_once = layer.0.epoch(&other).now_or_never();
    assert_eq!(at_once.expect("no thread is waited for").unwrap().epoch, first);
    layer.remove_all();
    assert_ne!(alone(), first);
    assert_eq!(alone(), layer.epoch());
}

fn removing_all_changes_the_epoch_for_good(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let before = layer.epoch();
    layer.remove_all();
    let after = layer.epoch();
    assert_ne!(before, after);
    layer.close();

    assert_eq!(bench.open().epoch(), after);
}

fn removing_all_of_a_function_that_was_never_read_changes_its_epoch(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let before = layer.epoch();
    layer.close();
    let layer = bench.open();
    layer.remove_all();
    layer.close();

    assert_ne!(bench.open().epoch(), before);
}

fn other_functions_keep_their_epoch(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let other = || wait(layer.0.get(&Key::of("app:g", "x"))).unwrap().epoch;
    let before = other();
    layer.remove_all();
    assert_eq!(other(), before);
}

fn a_closed_layer_says_so(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    wait(layer.0.close()).unwrap();

    assert!(matches!(wait(layer.0.get(&k("a"))), Err(LayerError::Closed { .. })));
    assert!(matches!(wait(layer.0.put(&k("a"), vec![], HOUR)), Err(LayerError::Closed { .. })));
    assert!(matches!(wait(layer.0.remove(&k("a"), Duration::ZERO)), Err(LayerError::Closed { .. })));
    assert!(matches!(wait(layer.0.remove_all("app:f")), Err(LayerError::Closed { .. })));
    assert!(matches!(wait(layer.0.flush()), Err(LayerError::Closed { .. })));
}

fn a_layer_can_be_closed_before_it_is_used(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    wait(layer.0.close()).unwrap();
    assert!(matches!(wait(layer.0.get(&k("a"))), Err(LayerError::Closed { .. })));
    assert!(!bench.root().exists());
}

fn closing_twice_is_fine(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    wait(layer.0.close()).unwrap();
    wait(layer.0.close()).unwrap();
}

fn dropping_a_layer_does_not_wait_and_frees_the_slot(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    let exchange = Arc::clone(&layer.0.exchange);
    drop(layer);

    let (answer, freed) = exchange.watch.expect(Budget::Write);
    exchange.on_finish(answer);
    wait(freed).unwrap().unwrap();
    assert_eq!(bench.open().get("a").as_deref(), Some(&b"one"[..]));
}

fn layers_side_by_side_use_slots_of_their_own(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open(), bench.open());
    first.put("a", b"one");
    second.put("a", b"two");
    assert_eq!(first.get("a").as_deref(), Some(&b"one"[..]));
    assert_eq!(second.get("a").as_deref(), Some(&b"two"[..]));
    second.close();

    let third = bench.open();
    assert_eq!(third.get("a").as_deref(), Some(&b"two"[..]));
    assert!(!bench.root().join("slot-2").exists());
}

fn a_full_queue_refuses_puts_and_not_removals(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    let space = &layer.0.exchange.put_space;
    let all = u32::try_from(space.available_permits()).unwrap();
    let taken = Arc::clone(space).try_acquire_many_owned(all).unwrap();

    let refused = wait(layer.0.put(&k("b"), b"two".to_vec(), HOUR));
    assert!(matches!(refused, Err(LayerError::QueueFull { .. })), "{refused:?}");
    layer.remove("a");

    drop(taken);
    layer.put("b", b"two");
}

fn it_works_in_a_runtime_whose_time_stands_still(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
        layer.0.put(&k("a"), b"one".to_vec(), HOUR).await.unwrap();
        let all = join_all((0..100).map(|_| async { layer.0.get(&k("a")).await.unwrap().record })).await;
        assert!(all.iter().all(Option::is_some));
    });
}

/// Rows that the other engine kept are not looked at again: they miss what was removed in the meantime.
fn another_engine_begins_anew(engine: DiskEngine) {
    let other = if engine == DiskEngine::Redb { DiskEngine::Sled } else { DiskEngine::Redb };
    if missing_feature(other).is_some() {
        return;
    }
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();
    let layer = bench.open_as(other);
    assert_eq!(layer.get("a"), None);
    layer.remove("a");
    layer.close();

    assert_eq!(bench.open().get("a"), None);
}
