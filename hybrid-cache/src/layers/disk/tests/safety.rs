//! Who may read the files, and where we do not write.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

on_each_engine![
    files_are_for_their_owner_only,
    modes_are_set_again_when_the_store_is_opened,
    a_directory_that_others_use_keeps_its_mode,
    a_symbolic_link_to_a_directory_of_ours_is_used,
    a_link_that_leads_nowhere_is_an_error,
    a_slot_that_is_a_symbolic_link_is_passed_over,
];

fn files_are_for_their_owner_only(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", &pattern(500_000));
    layer.close();
    bench.open().get("a");

    must_be_private(&bench.root());
}

fn modes_are_set_again_when_the_store_is_opened(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();
    for path in [bench.root(), bench.slot(), bench.store()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for file in entries(&bench.store()).into_iter().filter(|path| path.is_file()) {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }

    let layer = bench.open();
    assert!(layer.get("a").is_some());

    must_be_private(&bench.root());
}

/// It may be `/var/cache`, or `/tmp`.
fn a_directory_that_others_use_keeps_its_mode(engine: DiskEngine) {
    let bench = Bench::new(engine);
    fs::create_dir(bench.root()).unwrap();
    fs::set_permissions(bench.root(), fs::Permissions::from_mode(0o755)).unwrap();

    bench.open().put("a", b"one");

    assert_eq!(fs::metadata(bench.root()).unwrap().mode() & 0o777, 0o755);
    must_be_private(&bench.slot());
}

fn a_symbolic_link_to_a_directory_of_ours_is_used(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), bench.root()).unwrap();
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();

    assert_eq!(bench.open().get("a").as_deref(), Some(&b"one"[..]));
    assert!(elsewhere.path().join("slot-0").is_dir());
    must_be_private(&elsewhere.path().join("slot-0"));
}

fn a_link_that_leads_nowhere_is_an_error(engine: DiskEngine) {
    let bench = Bench::new(engine);
    symlink(bench.dir.path().join("nowhere"), bench.root()).unwrap();
    let layer = bench.open();

    assert!(wait(layer.0.put(&k("a"), b"one".to_vec(), HOUR)).is_err());
}

fn a_slot_that_is_a_symbolic_link_is_passed_over(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(bench.root()).unwrap();
    symlink(elsewhere.path(), bench.slot()).unwrap();

    bench.open().put("a", b"one");

    assert_eq!(entries(elsewhere.path()), Vec::<PathBuf>::new());
    assert!(bench.root().join("slot-1").is_dir());
}

fn must_be_private(path: &Path) {
    let found = fs::symlink_metadata(path).unwrap();
    let wanted = if found.is_dir() { 0o700 } else { 0o600 };
    if path.file_name().unwrap() != "CACHEDIR.TAG" {
        assert_eq!(found.mode() & 0o777, wanted, "{}", path.display());
    }
    if found.is_dir() {
        for entry in entries(path) {
            must_be_private(&entry);
        }
    }
}
