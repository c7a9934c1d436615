//! Files that are not what was written: set aside, replaced, and never a removed record back.

use super::*;

on_each_engine![
    every_kind_of_damage_is_survived_and_brings_nothing_back,
    a_damaged_store_is_set_aside_and_replaced,
    only_the_last_damaged_store_is_kept,
    a_second_damage_within_ten_minutes_switches_the_layer_off,
    a_second_damage_after_ten_minutes_is_replaced_again,
    an_older_state_of_the_store_forgets_what_was_removed_since,
    a_store_without_its_ledger_is_not_used,
    a_store_deleted_under_way_is_replaced,
    garbage_in_place_of_the_slot_is_set_aside,
    a_store_left_half_made_is_thrown_away_without_a_word,
];

/// A way to damage the files below a directory.
type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 9] = [
    ("cut to half", |store| each_file(store, |bytes| bytes.truncate(bytes.len() / 2))),
    ("cut by one byte", |store| each_file(store, |bytes| bytes.truncate(bytes.len().saturating_sub(1)))),
    ("emptied", |store| each_file(store, Vec::clear)),
    ("zeroed head", |store| each_file(store, |bytes| bytes.iter_mut().take(4096).for_each(|byte| *byte = 0))),
    ("flipped bytes", |store| each_file(store, |bytes| flip(bytes, 64))),
    ("flipped bytes in the head", |store| {
        each_file(store, |bytes| flip(bytes.get_mut(..512).unwrap_or(&mut []), 3));
    }),
    ("garbage", |store| each_file(store, |bytes| bytes.fill_with(|| fastrand::u8(..)))),
    ("deleted files", |store| files(store).iter().for_each(|file| fs::remove_file(file).unwrap())),
    ("a file in place of the directory", |store| {
        fs::remove_dir_all(store).unwrap();
        fs::write(store, b"no directory").unwrap();
    }),
];

fn every_kind_of_damage_is_survived_and_brings_nothing_back(engine: DiskEngine) {
    for (name, damage) in DAMAGES {
        for round in 0..4 {
            fastrand::seed(round);
            let bench = Bench::new(engine);
            written(&bench);

            damage(&bench.store());

            let layer = bench.open();
            for n in 0..200 {
                // An error while it is being replaced is an answer, too.
                let found = wait(layer.0.get(&k(&format!("n={n}")))).ok().and_then(|reading| reading.record);
                let intact = pattern(1000 + n);
                assert!(found.is_none_or(|found| n % 2 == 0 && found == intact), "{name} {n}");
            }
            let again = eventually(|| wait(layer.0.put(&k("new"), b"new".to_vec(), HOUR)).ok());
            assert!(again, "{name}: no record can be put after it");
            assert_eq!(layer.get("new").as_deref(), Some(&b"new"[..]), "{name}");
            layer.remove("n=0");
            layer.close();
            assert_eq!(bench.open().get("new").as_deref(), Some(&b"new"[..]), "{name}");
        }
    }
}

fn a_damaged_store_is_set_aside_and_replaced(engine: DiskEngine) {
    let bench = Bench::new(engine);
    damaged(&bench);

    let layer = bench.open();
    assert_eq!(layer.get("n=0"), None);

    assert_eq!(set_aside(&bench).len(), 1);
    layer.put("a", b"one");
    layer.close();
    assert_eq!(bench.open().get("a").as_deref(), Some(&b"one"[..]));
}

fn only_the_last_damaged_store_is_kept(engine: DiskEngine) {
    let bench = Bench::new(engine);
    for _ in 0..3 {
        damaged(&bench);
        let layer = bench.open();
        layer.get("n=0");
        layer.close();
        bench.advance(HOUR);
    }
    let millis = bench.clock.now().as_millis() - 3_600_000;
    assert_eq!(set_aside(&bench), [bench.slot().join(format!("damaged-{millis}"))]);
}

fn a_second_damage_within_ten_minutes_switches_the_layer_off(engine: DiskEngine) {
    let bench = Bench::new(engine);
    damaged(&bench);
    let layer = bench.open();
    layer.put("a", b"one");
    bench.advance(Duration::from_secs(590));

    report_damage(&layer);

    let read = wait(layer.0.get(&k("a")));
    assert!(matches!(read, Err(LayerError::Disk { operation: "be used", .. })), "{read:?}");
    assert!(wait(layer.0.put(&k("a"), vec![], HOUR)).is_err());
    // Nothing of it is left, and so it is forgotten.
    layer.remove("a");
    layer.remove_all();
    layer.close();
    assert_eq!(bench.open().get("a"), None);
}

fn a_second_damage_after_ten_minutes_is_replaced_again(engine: DiskEngine) {
    let bench = Bench::new(engine);
    damaged(&bench);
    let layer = bench.open();
    layer.put("a", b"one");
    bench.advance(Duration::from_secs(610));

    report_damage(&layer);

    assert_eq!(layer.get("a"), None);
    layer.put("a", b"two");
    assert!(layer.get("a").is_some());
}

/// A healthy store, but from before the last removal: what redb does after its header was damaged, what sled does
/// when its log was cut.
fn an_older_state_of_the_store_forgets_what_was_removed_since(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.put("stays", b"two");
    layer.remove("other");
    layer.close();
    let earlier = tempfile::tempdir().unwrap();
    copy(&bench.store(), earlier.path());
    let layer = bench.open();
    layer.remove("a");
    layer.close();

    fs::remove_dir_all(bench.store()).ok();
    copy(earlier.path(), &bench.slot().join(format!("{}-1", name(engine))));

    let layer = bench.open();
    assert_eq!(layer.get("a"), None);
    assert_eq!(layer.get("stays").as_deref(), Some(&b"two"[..]));
}

fn a_store_without_its_ledger_is_not_used(engine: DiskEngine) {
    let ways: [fn(&Path); 2] =
        [|ledger| fs::remove_file(ledger).unwrap(), |ledger| fs::write(ledger, [9; 128]).unwrap()];
    for way in ways {
        let bench = Bench::new(engine);
        let layer = bench.open();
        layer.put("a", b"one");
        layer.close();

        way(&bench.slot().join("ledger"));

        let layer = bench.open();
        assert_eq!(layer.get("a"), None);
        layer.put("a", b"two");
        layer.close();
        assert_eq!(bench.open().get("a").as_deref(), Some(&b"two"[..]));
    }
}

fn a_store_deleted_under_way_is_replaced(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.flush();
    fs::remove_dir_all(bench.store()).unwrap();

    let replaced = eventually(|| {
        // sled may find out by itself.
        wait(layer.0.put(&k("filler"), pattern(1_000_000), HOUR)).ok();
        wait(layer.0.flush()).ok();
        slot::stores(&bench.slot()).is_ok_and(|stores| stores.len() == 1).then_some(())
    });

    assert!(replaced);
    layer.put("a", b"two");
    assert_eq!(layer.get("a").as_deref(), Some(&b"two"[..]));
}

fn garbage_in_place_of_the_slot_is_set_aside(engine: DiskEngine) {
    let bench = Bench::new(engine);
    fs::create_dir(bench.root()).unwrap();
    fs::write(bench.slot(), b"no slot").unwrap();

    let layer = bench.open();
    layer.put("a", b"one");

    assert!(layer.get("a").is_some());
    assert!(bench.store().starts_with(bench.slot()));
}

fn a_store_left_half_made_is_thrown_away_without_a_word(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();
    fs::create_dir(bench.slot().join(format!("{}-2", name(engine)))).unwrap();
    fs::write(bench.slot().join(format!("{}-2", name(engine))).join("rows.redb"), b"half").unwrap();

    let layer = bench.open();
    assert!(layer.get("a").is_some());
    assert_eq!(set_aside(&bench).len(), 0);
    assert_eq!(slot::stores(&bench.slot()).unwrap().len(), 1);
}

/// 200 records of different length, the odd ones removed again.
fn written(bench: &Bench) {
    let layer = bench.open();
    for n in 0..200 {
        layer.put(&format!("n={n}"), &pattern(1000 + n));
    }
    layer.flush();
    let keys: Vec<_> = (1..200).step_by(2).map(|n| k(&format!("n={n}"))).collect();
    let removals: Vec<_> = keys.iter().map(|key| accepted(layer.0.remove(key, Duration::ZERO))).collect();
    for removal in removals {
        assert_eq!(wait(removal).unwrap(), Removal::Done);
    }
    layer.close();
}

/// A store of which not one file is sound.
fn damaged(bench: &Bench) {
    let layer = bench.open();
    layer.put("n=0", b"zero");
    layer.close();
    each_file(&bench.store(), |bytes| bytes.fill(7));
}

/// What a reader does when it finds damage.
fn report_damage(layer: &Handle) {
    use super::super::{Gate, Write, sync};

    let Gate::Open(engine) = sync::read(&layer.0.exchange.gate).clone() else { panic!("not open") };
    let fault = Fault::damaged("the test says so");
    assert!(layer.0.exchange.writes.push(Write::Trouble { engine, fault }).is_ok());
    wait(layer.0.flush()).ok();
}

fn set_aside(bench: &Bench) -> Vec<PathBuf> {
    let damaged = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("damaged-");
    entries(&bench.slot()).into_iter().filter(damaged).collect()
}

fn name(engine: DiskEngine) -> &'static str {
    if engine == DiskEngine::Redb { "redb" } else { "sled" }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let (dirs, mut found): (Vec<_>, Vec<_>) = entries(dir).into_iter().partition(|path| path.is_dir());
    found.extend(dirs.iter().flat_map(|dir| files(dir)));
    found
}

fn each_file(dir: &Path, change: impl Fn(&mut Vec<u8>)) {
    for file in files(dir) {
        let mut bytes = fs::read(&file).unwrap();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
    }
}

fn flip(bytes: &mut [u8], count: usize) {
    for _ in 0..count.min(bytes.len()) {
        let place = fastrand::usize(..bytes.len());
        bytes[place] ^= 1 << fastrand::u8(..8);
    }
}
