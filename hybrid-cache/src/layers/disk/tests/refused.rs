//! An operating system that says no: errors, pauses, never a panic and never a removed record back.

use std::process::Command;

use super::*;

on_each_engine![
    a_directory_that_cannot_be_made_is_an_error_and_then_a_rest,
    the_layer_is_back_after_the_trouble_is_over,
    a_removal_during_the_trouble_is_made_before_anything_is_read_again,
    files_that_may_not_grow_are_survived,
    a_removal_that_cannot_be_written_down_takes_everything_with_it,
];

/// Set where this test program runs as the process with the limit.
const DIR: &str = "HYBRID_CACHE_DISK_TEST_DIR";

fn a_directory_that_cannot_be_made_is_an_error_and_then_a_rest(engine: DiskEngine) {
    let bench = Bench::new(engine);
    fs::write(bench.root(), b"a file").unwrap();
    let layer = bench.open();

    for _ in 0..3 {
        let read = wait(layer.0.get(&k("a")));
        assert!(matches!(read, Err(LayerError::Resting { .. })), "{read:?}");
        assert!(wait(layer.0.put(&k("a"), vec![], HOUR)).is_err());
    }
    assert_eq!(fs::read(bench.root()).unwrap(), b"a file");
    layer.close();
}

fn the_layer_is_back_after_the_trouble_is_over(engine: DiskEngine) {
    let bench = Bench::new(engine);
    fs::write(bench.root(), b"a file").unwrap();
    let layer = bench.open();
    assert!(wait(layer.0.get(&k("a"))).is_err());

    fs::remove_file(bench.root()).unwrap();
    rested(&layer);

    layer.put("a", b"one");
    assert!(layer.get("a").is_some());
}

fn a_removal_during_the_trouble_is_made_before_anything_is_read_again(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.put("b", b"two");
    let epoch = layer.epoch();
    layer.close();
    let hidden = bench.dir.path().join("hidden");
    fs::rename(bench.root(), &hidden).unwrap();
    fs::write(bench.root(), b"a file").unwrap();
    let layer = bench.open();
    assert!(wait(layer.0.get(&k("a"))).is_err());

    assert!(wait(layer.0.remove(&k("a"), Duration::ZERO)).is_err(), "nobody else can know of it");
    assert!(wait(layer.0.remove_all("app:f")).is_err());
    assert_eq!(layer.0.removals_owed(), 2);
    fs::remove_file(bench.root()).unwrap();
    fs::rename(&hidden, bench.root()).unwrap();
    rested(&layer);

    assert_eq!(layer.get("a"), None);
    assert_eq!(layer.0.removals_owed(), 0);
    assert!(layer.get("b").is_some());
    assert_ne!(layer.epoch(), epoch);
    let changed = layer.epoch();
    layer.close();
    let layer = bench.open();
    assert_eq!(layer.get("a"), None);
    assert_eq!(layer.epoch(), changed);
}

/// Like a full disk, but for one process: no file of it may be larger than 3 MB.
fn files_that_may_not_grow_are_survived(engine: DiskEngine) {
    if let Some(root) = std::env::var_os(DIR) {
        return run_into_the_limit(root.into(), engine);
    }
    let bench = Bench::new(engine);
    limited(&bench, 6000, "files_that_may_not_grow_are_survived");

    // What it removed is gone also for a process without the limit.
    assert_eq!(bench.open().get("removed"), None);
}

/// Where not even the log may grow, it goes, and nothing that agreed with it is trusted.
fn a_removal_that_cannot_be_written_down_takes_everything_with_it(engine: DiskEngine) {
    if let Some(root) = std::env::var_os(DIR) {
        let layer = in_child(root.into(), engine);
        // Until the log is full, and then something that another store has as well.
        for key in (0..100).map(|n| format!("n={n}")).chain(["a".to_owned()]) {
            layer.remove(&key);
        }
        return;
    }
    let bench = Bench::new(engine);
    for layer in [bench.open_and_used(), bench.open_and_used()] {
        layer.put("a", b"one");
        layer.flush();
    }

    limited(&bench, 2, "a_removal_that_cannot_be_written_down_takes_everything_with_it");

    for layer in [bench.open_and_used(), bench.open_and_used()] {
        assert_eq!(layer.get("a"), None);
        layer.put("a", b"two");
        assert!(layer.get("a").is_some());
    }
}

/// Runs this test again as a process that may make no file larger than so many blocks of 512 bytes.
fn limited(bench: &Bench, blocks: u32, test: &str) {
    let engine = format!("{:?}", bench.engine).to_lowercase();
    let limited = Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([&format!("layers::disk::tests::refused::{engine}::{test}"), "--exact", "--nocapture"])
        .env(DIR, bench.root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout) + String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success(), "{said}");
}

fn in_child(root: PathBuf, engine: DiskEngine) -> Handle {
    let timeout = Duration::from_secs(20);
    let settings = DiskSettings { dir: root, max_bytes: 256 * MIB, timeout, engine };
    Handle(DiskLayer::with_clock(settings, Clock::manual(Timestamp::from_millis(1_800_000_000_000))))
}

fn run_into_the_limit(root: PathBuf, engine: DiskEngine) {
    let layer = in_child(root, engine);
    layer.put("removed", b"one");
    layer.flush();

    let refused =
        (0..300).filter(|n| wait(layer.0.put(&k(&format!("n={n}")), pattern(50_000), HOUR)).is_err());
    assert!(refused.count() > 0, "the limit was not felt");
    rested(&layer);
    let removal = wait(layer.0.remove(&k("removed"), Duration::ZERO)).unwrap();
    println!("{removal:?}");
    rested(&layer);
    wait(layer.0.flush()).ok();
    assert_eq!(wait(layer.0.get(&k("removed"))).map_or(None, |reading| reading.record), None);
    layer.close();
}

/// Ends the pause after a failure, and has the store opened if it can be.
fn rested(layer: &Handle) {
    layer.0.exchange.rest.end();
    wait(layer.0.flush()).ok();
}
