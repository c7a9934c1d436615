//! Files and directories that are taken away while a process uses them, and what lies in their place.

use super::{shared::fifo, *};

on_each_engine![
    a_directory_that_is_deleted_is_made_again,
    whatever_is_deleted_in_it_is_made_again,
    what_is_no_file_where_a_file_should_be_holds_up_nobody,
    what_is_no_file_in_the_store_is_not_opened,
    a_slot_that_nobody_used_for_a_month_is_removed,
    what_was_set_aside_a_month_ago_is_removed,
];

fn a_directory_that_is_deleted_is_made_again(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    // Again and again: it is no damage, after which a second time would be the end.
    for round in 0..3_u8 {
        layer.put("a", &[round]);
        layer.flush();
        fs::remove_dir_all(bench.root()).unwrap();

        assert!(eventually(|| wait(layer.0.get(&k("a"))).ok().filter(|reading| reading.record.is_none())));
        layer.put("b", &[round]);
        assert_eq!(layer.get("b").as_deref(), Some(&[round][..]));
        assert!(bench.store().is_dir());
    }
    layer.close();
    assert_eq!(bench.open().get("b").as_deref(), Some(&[2][..]));
}

fn whatever_is_deleted_in_it_is_made_again(engine: DiskEngine) {
    for name in ["slot-0", "slot-0/lock", "slot-0/ledger", "removals.log", "removals.lock"] {
        let bench = Bench::new(engine);
        let layer = bench.open();
        layer.put("a", b"one");
        layer.flush();

        slot::remove(&bench.root().join(name)).unwrap();

        let made = eventually(|| {
            // The size is looked at once that much was written.
            for n in 0..5 {
                wait(layer.0.put(&k(&format!("filler={n}")), pattern(1_000_000), HOUR)).ok();
            }
            wait(layer.0.remove(&k("any"), Duration::ZERO)).ok();
            bench.root().join(name).exists().then_some(())
        });
        assert!(made, "{name}");
        layer.put("a", b"two");
        layer.close();
        assert_eq!(bench.open().get("a").as_deref(), Some(&b"two"[..]), "{name}");
    }
}

fn what_is_no_file_where_a_file_should_be_holds_up_nobody(engine: DiskEngine) {
    let instead: [fn(&Path); 3] = [
        fifo,
        |path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        |path| fs::create_dir(path).unwrap(),
    ];
    for name in ["CACHEDIR.TAG", "slot-0/lock", "slot-0/ledger", "removals.lock"] {
        for instead in instead {
            let bench = Bench::new(engine);
            let layer = bench.open();
            layer.put("a", b"one");
            layer.close();
            let path = bench.root().join(name);
            fs::remove_file(&path).unwrap();
            instead(&path);

            let layer = bench.open();
            layer.remove("a");
            assert_eq!(layer.get("a"), None, "{name}");
            layer.put("b", b"two");
            layer.close();

            assert_eq!(bench.open().get("b").as_deref(), Some(&b"two"[..]), "{name}");
        }
    }
}

/// Engines open what they find there by name.
fn what_is_no_file_in_the_store_is_not_opened(engine: DiskEngine) {
    let instead: [fn(&Path, &Path); 2] =
        [|file, _| fifo(file), |file, elsewhere| std::os::unix::fs::symlink(elsewhere, file).unwrap()];
    for instead in instead {
        let bench = Bench::new(engine);
        let layer = bench.open();
        layer.put("a", b"one");
        layer.close();
        let files = entries(&bench.store()).into_iter().filter(|path| path.is_file());
        for (n, file) in files.enumerate() {
            let elsewhere = bench.dir.path().join(format!("elsewhere-{n}"));
            fs::rename(&file, &elsewhere).unwrap();
            instead(&file, &elsewhere);
        }

        let layer = bench.open();
        assert_eq!(layer.get("a"), None);
        layer.put("a", b"two");
        assert_eq!(layer.get("a").as_deref(), Some(&b"two"[..]));
    }
}

fn a_slot_that_nobody_used_for_a_month_is_removed(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layers: Vec<_> = (0..4).map(|_| bench.open()).collect();
    for layer in &layers {
        layer.put("a", b"one");
    }
    let [first, in_use, second, third] = layers.try_into().ok().unwrap();
    for layer in [first, second, third] {
        layer.close();
    }
    for n in 1..3 {
        age(&bench.root().join(format!("slot-{n}")), slot::UNUSED + HOUR);
    }
    age(&bench.root().join("slot-3"), slot::UNUSED.saturating_sub(HOUR));

    let layer = bench.open();
    layer.put("a", b"two");
    layer.flush();

    let is_there = |n: u8| bench.root().join(format!("slot-{n}")).exists();
    assert_eq!([0, 1, 2, 3].map(is_there), [true, true, false, true]);
    assert_eq!(in_use.get("a").as_deref(), Some(&b"one"[..]));
}

fn what_was_set_aside_a_month_ago_is_removed(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();
    let set_aside = |ago: Duration| {
        let millis = (bench.clock.now().as_millis()) - u64::try_from(ago.as_millis()).unwrap();
        let path = bench.slot().join(format!("damaged-{millis}"));
        fs::create_dir(&path).unwrap();
        path
    };
    let (old, young) = (set_aside(slot::UNUSED + HOUR), set_aside(slot::UNUSED.saturating_sub(HOUR)));

    let layer = bench.open();
    layer.get("a");
    layer.flush();

    assert_eq!([old, young].map(|path| path.exists()), [false, true]);
}

/// As if nothing below `dir` had been changed for `ago`.
fn age(dir: &Path, ago: Duration) {
    for path in entries(dir) {
        if path.is_dir() {
            age(&path, ago);
        } else {
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(std::time::SystemTime::now() - ago).unwrap();
        }
    }
}
