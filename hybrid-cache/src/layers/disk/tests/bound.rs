//! What the files take on the disk, measured.

use super::*;

on_each_engine![
    overwriting_large_records_does_not_grow_the_store,
    the_bound_holds_at_every_moment_and_the_newest_records_survive,
    expired_records_go_before_old_ones,
    the_space_of_expired_records_comes_back,
    what_is_put_and_removed_during_a_rewrite_is_neither_lost_nor_back,
];

/// sled alone takes 1.8 GB for this.
fn overwriting_large_records_does_not_grow_the_store(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    let mut record = pattern(200_000);
    for round in 0..50 {
        record[0] = round;
        fill(&layer, (0..100).map(|n| (format!("n={n}"), record.clone())), HOUR);
    }
    layer.flush();

    let size = bench.size();
    eprintln!("{engine:?}: 1000 MB written, 20 MB alive, {} MB on the disk", size / 1_000_000);
    assert!(size < 100_000_000, "{size}");
    assert_eq!(layer.get("n=99"), Some(record));
}

fn the_bound_holds_at_every_moment_and_the_newest_records_survive(engine: DiskEngine) {
    for record in [2_000, 20_000] {
        let bench = Bench { max_bytes: 24 * MIB, ..Bench::new(engine) };
        let layer = bench.open();
        let count = usize::try_from(3 * bench.max_bytes).unwrap() / record;
        let mut largest = 0;
        for start in (0..count).step_by(500) {
            let rows = (start..count.min(start + 500)).map(|n| (format!("n={n}"), pattern(record)));
            fill(&layer, rows, HOUR);
            bench.advance(Duration::from_millis(10));
            largest = largest.max(bench.size());
        }
        settle(&layer);
        largest = largest.max(bench.size());

        let survivors = (0..count).filter(|n| layer.get(&format!("n={n}")).is_some()).collect::<Vec<_>>();
        let (size, alive) = (bench.size(), survivors.len() * record);
        let mb = |bytes: u64| bytes / 1_000_000;
        eprintln!(
            "{engine:?}, {record} B: {} MB put, at most {} MB on the disk, {} MB at the end with {} MB of records",
            mb((count * record) as u64),
            mb(largest),
            mb(size),
            mb(alive as u64),
        );
        assert!(largest <= bench.max_bytes, "{largest}");
        assert!(alive as u64 > bench.max_bytes / 12, "{alive}");
        // Where room gets short while it is made, which depends on how the threads are scheduled, the survivors have gaps
        // between them; but what is oldest went first, and of the newest most are there.
        let newest = count - survivors.len() / 4..count;
        let there = newest.clone().filter(|n| survivors.binary_search(n).is_ok()).count();
        assert!(there > newest.len() / 2, "{there} of the newest {}", newest.len());
        assert!(survivors.first().is_some_and(|oldest| *oldest > count / 2), "{:?}", survivors.first());
    }
}

fn expired_records_go_before_old_ones(engine: DiskEngine) {
    let bench = Bench { max_bytes: 48 * MIB, ..Bench::new(engine) };
    let layer = bench.open();
    fill(&layer, (0..100).map(|n| (format!("old={n}"), pattern(10_000))), HOUR);
    for start in (0..9_000).step_by(50) {
        fill(
            &layer,
            (start..start + 50).map(|n| (format!("n={n}"), pattern(10_000))),
            Duration::from_secs(5),
        );
        bench.advance(Duration::from_secs(1));
    }
    settle(&layer);

    assert!((0..100).all(|n| layer.get(&format!("old={n}")).is_some()));
    assert!(bench.size() <= bench.max_bytes);
}

fn the_space_of_expired_records_comes_back(engine: DiskEngine) {
    let bench = Bench { max_bytes: 1024 * MIB, ..Bench::new(engine) };
    let layer = bench.open();
    fill(&layer, (0..1200).map(|n| (format!("n={n}"), pattern(100_000))), HOUR);
    layer.put_for("stays", b"one", 10 * HOUR);
    settle(&layer);
    let before = bench.size();
    bench.advance(2 * HOUR);
    settle(&layer);

    let after = bench.size();
    eprintln!("{engine:?}: {} MB before all expired, {} kB after", before / 1_000_000, after / 1_000);
    assert!(before > 64_000_000 && after < 8_000_000, "{before} {after}");
    assert!(layer.get("stays").is_some());
}

fn what_is_put_and_removed_during_a_rewrite_is_neither_lost_nor_back(engine: DiskEngine) {
    let bench = Bench { max_bytes: 24 * MIB, ..Bench::new(engine) };
    let layer = bench.open();
    let epoch = layer.epoch();
    let mut generations = std::collections::BTreeSet::new();
    // In the order of the keys these come first: they are copied long before the rewrite ends.
    for round in 0..200_u32 {
        fill(&layer, (0..20).map(|n| (format!("filler={round}.{n}"), pattern(10_000))), HOUR);
        layer.put("a=kept", &round.to_le_bytes());
        if round % 2 == 0 {
            layer.put("a=gone", &round.to_le_bytes());
        } else {
            layer.remove("a=gone");
        }
        fill(&layer, (20..40).map(|n| (format!("filler={round}.{n}"), pattern(10_000))), HOUR);
        generations.extend(slot::stores(&bench.slot()).unwrap());
        assert_eq!(layer.get("a=kept").as_deref(), Some(&round.to_le_bytes()[..]));
        assert_eq!(layer.get("a=gone").is_some(), round % 2 == 0);
    }
    settle(&layer);
    assert!(generations.len() > 2, "{generations:?}");
    assert_eq!(layer.get("a=gone"), None);
    assert!(layer.get("a=kept").is_some());
    assert_eq!(layer.epoch(), epoch);
    layer.close();

    let layer = bench.open();
    assert_eq!(layer.get("a=gone"), None);
    assert!(layer.get("a=kept").is_some());
    assert_eq!(layer.epoch(), epoch);
}

/// Puts many at a time, as many callers would.
fn fill(layer: &Handle, rows: impl Iterator<Item = (String, Vec<u8>)>, life: Duration) {
    let rows: Vec<_> = rows.map(|(key, record)| (k(&key), record)).collect();
    let mut puts = std::collections::VecDeque::new();
    for (key, record) in &rows {
        puts.push_back(accepted(layer.0.put(key, record.clone(), life)));
        if puts.len() == 100 {
            wait(puts.pop_front().unwrap()).unwrap();
        }
    }
    for put in puts {
        wait(put).unwrap();
    }
}

/// Until the writing thread has nothing more to do but wait.
fn settle(layer: &Handle) {
    loop {
        // The answer to the second comes after the step that followed the first.
        layer.flush();
        layer.flush();
        if !layer.0.exchange.tidying.load(Ordering::Acquire) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
