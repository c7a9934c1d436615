//! An operating system that says no: errors, pauses, never a panic and never a removed record back.

use std::process::Command;

use super::*;

on_each_engine![
    a_directory_that_cannot_be_made_is_an_error_and_then_a_rest,
    the_layer_is_back_after_the_trouble_is_over,
    a_removal_during_the_trouble_is_made_before_anything_is_read_again,
    files_that_may_not_grow_are_survived,
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

    assert_eq!(wait(layer.0.remove(&k("a"), Duration::ZERO)).unwrap(), Removal::Queued);
    assert_eq!(wait(layer.0.remove_all("app:f")).unwrap(), Removal::Queued);
    fs::remove_file(bench.root()).unwrap();
    fs::rename(&hidden, bench.root()).unwrap();
    rested(&layer);

    assert_eq!(layer.get("a"), None);
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
    let test = format!(
        "layers::disk::tests::refused::{}::files_that_may_not_grow_are_survived",
        format!("{engine:?}").to_lowercase()
    );
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 6000; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([&test, "--exact", "--nocapture"])
        .env(DIR, bench.root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout) + String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success(), "{said}");

    // What it removed is gone also for a process without the limit.
    assert_eq!(bench.open().get("removed"), None);
}

fn run_into_the_limit(root: PathBuf, engine: DiskEngine) {
    let timeout = Duration::from_secs(20);
    let settings = DiskSettings { dir: root, max_bytes: 256 * MIB, timeout, engine };
    let time = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
    let layer = Handle(DiskLayer::with_clock(settings, time));
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
