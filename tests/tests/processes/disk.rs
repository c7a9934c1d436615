//! The cache directory: several processes, crashes, damage, permissions.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::{
    eventually,
    program::{Program, Settings},
};

/// The engines to test.
const ENGINES: &[&str] = if cfg!(feature = "disk-sled") { &["redb", "sled"] } else { &["redb"] };

/// All files and directories below `dir`.
fn tree(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    let Ok(entries) = fs::read_dir(dir) else { return found };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() { found.extend(tree(&path)) } else { found.push(path) }
    }
    found
}

/// The files that hold answers.
fn store_files(dir: &Path) -> Vec<PathBuf> {
    tree(dir).into_iter().filter(|path| path.is_file() && fs::metadata(path).unwrap().len() > 4_096).collect()
}

/// What `dir` takes on the disk.
#[cfg(unix)]
fn size_on_disk(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // The program may remove a file while we look.
    tree(dir).into_iter().filter_map(|path| Some(fs::metadata(path).ok()?.blocks() * 512)).sum()
}

/// The program with `dir` and `engine`.
fn on_disk(dir: &Path, engine: &str) -> Settings {
    Settings::new().disk(dir).set("HYBRID_CACHE_DISK_ENGINE", engine)
}

fn fill(settings: &Settings) {
    let mut program = settings.start();
    for id in 0..200 {
        program.call("quote", id);
    }
    program.ask("flush");
    program.quit();
}

#[test]
fn two_processes_that_share_a_directory_each_keep_their_answers() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let settings = on_disk(dir.path(), engine).quote_in("disk");
        let mut programs = [settings.start(), settings.start()];
        for round in 0..20 {
            for program in &mut programs {
                assert_eq!(program.call("quote", round), "1");
                assert_eq!(program.call("quote", round), "1");
            }
        }
        let mut logs = String::new();
        for mut program in programs {
            assert_eq!(program.stats("quote").of(["loads", "disk", "disk_failures"]), [20, 20, 0]);
            program.ask("flush");
            logs += &program.quit();
        }
        assert!(!logs.contains(" WARN "), "{logs}");

        let mut again = [settings.start(), settings.start()];
        for program in &mut again {
            program.ask("price 2");
            for id in 0..20 {
                assert_eq!(program.call("quote", id), "1");
            }
            assert_eq!(program.stats("quote").of(["loads", "disk"]), [0, 20]);
        }
    }
}

#[test]
fn a_program_killed_again_and_again_finds_what_was_safe_and_nothing_that_was_forgotten() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let settings = on_disk(dir.path(), engine).quote_in("mem,disk");
        let mut forgotten = Vec::new();
        for round in 1..=12_u64 {
            let mut program = settings.start();
            program.ask(&format!("price {round}"));
            for id in &forgotten {
                assert_eq!(
                    program.ask(&format!("peek quote {id}")),
                    "none",
                    "{id} came back in round {round}"
                );
            }
            if round > 1 {
                assert_eq!(program.call("quote", 100 + round - 1), (round - 1).to_string(), "it was flushed");
            }
            // Kept by a flush; put there and forgotten before the crash, in the middle of other writes.
            program.call("quote", 100 + round);
            program.call("quote", round);
            program.ask("flush");
            program.ask("traffic 400 4 400");
            eventually("some writes are under way", || program.number("made") > 30 * round);
            assert_eq!(
                program.ask(&format!("invalidate quote {round}")),
                "memory=done redis=not-in-use disk=done"
            );
            forgotten.push(round);
            let (_, log) = program.crash();
            assert!(!log.contains(" WARN ") && !log.contains("panicked"), "round {round}: {log}");
        }
    }
}

#[test]
fn an_answer_that_was_replaced_is_not_back_after_a_kill() {
    for engine in ENGINES {
        for replace in ["put quote 7 2", "refresh quote 7"] {
            let dir = tempfile::tempdir().unwrap();
            let settings = on_disk(dir.path(), engine).quote_in("mem,disk");
            fill(&settings);
            let mut program = settings.start();
            program.ask("price 2");
            program.ask(replace);
            program.crash();

            let mut program = settings.start();
            program.ask("price 3");
            assert_ne!(program.call("quote", 7), "1", "{engine}: {replace}");
            assert_eq!(program.call("quote", 8), "1", "{engine}: the others are still there");
        }
    }
}

#[test]
fn what_one_process_of_a_directory_forgot_another_one_has_not_either() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let settings = on_disk(dir.path(), engine).quote_in("disk");
        let mut programs = [settings.start(), settings.start()];
        for program in &mut programs {
            for id in 0..4 {
                program.call("quote", id);
            }
        }
        let [mut first, mut second] = programs;

        assert_eq!(second.ask("invalidate quote 1"), "memory=not-in-use redis=not-in-use disk=done");
        second.ask("put quote 2 5");
        assert_eq!(first.ask("peek quote 1"), "none");
        assert_eq!(first.ask("peek quote 2"), "none");
        assert_ne!(first.ask("peek quote 3"), "none");
        first.quit();
        second.ask("invalidate_all quote");
        second.quit();

        let [mut first, mut second] = [settings.start(), settings.start()];
        for program in [&mut first, &mut second] {
            for id in 0..4 {
                assert_eq!(program.ask(&format!("peek quote {id}")), "none");
            }
        }
    }
}

#[test]
fn invalidate_all_survives_a_kill() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let settings = on_disk(dir.path(), engine).quote_in("disk");
        fill(&settings);
        let mut program = settings.start();
        program.ask("invalidate_all quote");
        program.crash();

        let mut program = settings.start();
        for id in 0..200 {
            assert_eq!(program.ask(&format!("peek quote {id}")), "none");
        }
    }
}

/// A store damaged by `damage` is replaced: no call fails, one warning says so, and the next process finds all in order.
fn damage_is_survived(what: &str, damage: impl Fn(&Path)) {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let settings = on_disk(&cache, engine).quote_in("disk");
        fill(&settings);
        let files = store_files(&cache);
        assert!(!files.is_empty());
        for file in &files {
            damage(file);
        }

        let use_all = |program: &mut Program| {
            for id in 0..200 {
                assert_eq!(program.call("quote", id), "1", "{what}");
            }
            program.ask("flush");
            program.stats("quote")
        };
        let mut program = settings.start();
        use_all(&mut program);
        let log = program.quit_whatever_panicked();
        assert!(log.matches(" WARN ").count() <= 1, "{what}: {log}");
        assert_eq!(log.matches(" ERROR ").count(), 0, "{what}: {log}");

        let mut program = settings.start();
        let stats = use_all(&mut program);
        assert_eq!(stats.of(["loads", "disk"]), [0, 200], "{what}: the new store works");
        let log = program.quit();
        assert!(!log.contains(" WARN "), "{what}, afterwards: {log}");
    }
}

fn overwrite(file: &Path, byte: u8, begin: u64, end: u64) {
    use std::io::{Seek as _, SeekFrom};
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(begin)).unwrap();
    file.write_all(&vec![byte; usize::try_from(end - begin).unwrap()]).unwrap();
}

#[test]
fn a_store_cut_short_is_replaced() {
    for parts in [0, 1, 5, 9] {
        damage_is_survived(&format!("{parts} tenths are left"), |file| {
            let length = fs::metadata(file).unwrap().len();
            OpenOptions::new().write(true).open(file).unwrap().set_len(length * parts / 10).unwrap();
        });
    }
}

#[test]
fn a_store_with_other_bytes_in_it_is_replaced() {
    for (byte, begin, parts) in [(0, 0, 10), (0xff, 0, 10), (0xa5, 0, 1), (0xa5, 3, 5), (0, 1, 10)] {
        damage_is_survived(&format!("{byte:x} from {begin} to {parts} tenths"), |file| {
            let tenth = fs::metadata(file).unwrap().len() / 10;
            overwrite(file, byte, tenth * begin, tenth * parts);
        });
    }
}

#[test]
fn a_store_whose_files_are_gone_is_replaced() {
    damage_is_survived("deleted", |file| fs::remove_file(file).unwrap());
    damage_is_survived("a directory in place of the file", |file| {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
    });
    damage_is_survived("somebody else's text", |file| fs::write(file, "Dear diary").unwrap());
}

#[test]
fn a_store_that_is_damaged_or_deleted_while_it_is_used_fails_no_call() {
    for engine in ENGINES {
        for delete in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let cache = dir.path().join("cache");
            let settings = on_disk(&cache, engine).quote_in("disk");
            fill(&settings);
            let mut program = settings.start();
            program.call("quote", 0);
            for file in store_files(&cache) {
                let length = fs::metadata(&file).unwrap().len();
                if delete { fs::remove_file(&file).unwrap() } else { overwrite(&file, 0x5a, 0, length) }
            }
            for id in 0..400 {
                assert_eq!(program.call("quote", id), "1");
            }
            program.ask("invalidate quote 3");
            program.ask("price 2");
            assert_eq!(program.call("quote", 3), "2");
            let log = program.quit_whatever_panicked();
            assert!(log.matches(" WARN ").count() <= 1, "{log}");

            let mut program = settings.start();
            program.ask("price 3");
            assert_ne!(program.call("quote", 3), "1", "it was forgotten");
            program.quit_whatever_panicked();
        }
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_said_once_and_calls_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let mut program = Settings::new().disk(&file.join("cache")).quote_in("mem,disk").start();
    for id in 0..50 {
        assert_eq!(program.call("quote", id), "1");
    }
    let log = program.quit();
    assert_eq!(log.matches(" WARN ").count(), 1, "{log}");
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_what_is_on_the_disk() {
    for engine in ENGINES {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("deep/down/cache");
        let settings = on_disk(&cache, engine).quote_in("disk");
        let mut program = settings.start();
        for id in 0..200 {
            program.call("quote", id);
        }
        program.ask("flush");

        for path in tree(&cache) {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            let private = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, private, "{} is {mode:o}", path.display());
        }
    }
}

#[cfg(unix)]
#[test]
fn the_directory_does_not_outgrow_its_bound() {
    const MIB: u64 = 1024 * 1024;
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let settings = on_disk(dir.path(), engine).set("HYBRID_CACHE_DISK_MAX_BYTES", "16MiB");
        let mut program = settings.set("HYBRID_CACHE_FN_SHOP_LETTER_LAYERS", "disk").start();
        let mut largest = 0;
        for length in 100_000..100_600 {
            program.call("letter", length);
            if length % 50 == 0 {
                program.ask("flush");
                largest = largest.max(size_on_disk(dir.path()));
            }
        }
        program.ask("flush");
        assert!(largest <= 17 * MIB, "{engine}: {largest} bytes after writing 60 MB");
        assert_eq!(program.ask("peek letter 100599"), "100599 bytes", "the newest is kept");
        assert_eq!(program.ask("peek letter 100000"), "none", "the oldest went");
        program.quit();
    }
}
