//! Processes that end without warning, and processes side by side.

use std::{
    io::{BufRead, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

use super::*;

on_each_engine![no_removal_is_undone_however_often_the_process_is_killed, another_process_uses_another_slot,];

/// Set where this test program runs as the process that is killed.
const DIR: &str = "HYBRID_CACHE_DISK_TEST_DIR";

fn no_removal_is_undone_however_often_the_process_is_killed(engine: DiskEngine) {
    if let Some(root) = std::env::var_os(DIR) {
        write_until_killed(root.into(), engine);
    }
    let bench = Bench { max_bytes: 1024 * MIB, ..Bench::new(engine) };
    let (mut removed, mut flushed) = (Vec::new(), Vec::new());
    for round in 0..12 {
        let mut child = Spawned::new(&bench, engine);
        let patience = Duration::from_millis(fastrand::u64(20..300));
        let lines = child.lines_for(patience);
        drop(child);
        assert!(round == 0 || !lines.is_empty());
        for line in lines {
            let (what, key) = line.split_once(' ').unwrap();
            match what {
                "removed" => removed.push(key.to_owned()),
                "flushed" => flushed.push(key.to_owned()),
                _ => {}
            }
        }

        let layer = bench.open();
        for key in &removed {
            assert_eq!(layer.get(key), None, "{key}");
        }
        for key in &flushed {
            assert!(layer.get(key).is_some(), "{key}");
        }
        layer.close();
        assert!(entries(&bench.slot()).iter().all(|path| !path.to_str().unwrap().contains("damaged-")));
        assert!(!bench.root().join("slot-1").exists());
    }
    eprintln!("{engine:?}: {} removals, {} flushed puts, 12 kills", removed.len(), flushed.len());
    assert!(removed.len() > 50 && flushed.len() > 10, "{} {}", removed.len(), flushed.len());
}

fn another_process_uses_another_slot(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let mut child = Spawned::new(&bench, engine);
    assert!(!child.lines_for(Duration::from_millis(1)).is_empty());

    let layer = bench.open();
    layer.put("a", b"one");

    assert!(layer.get("a").is_some());
    assert!(bench.root().join("slot-1").is_dir());
}

/// Puts and removes until it is killed, and says what was acknowledged.
fn write_until_killed(root: PathBuf, engine: DiskEngine) -> ! {
    let settings =
        DiskSettings { dir: root, max_bytes: 1024 * MIB, timeout: Duration::from_secs(20), engine };
    // The time of the test, so that nothing is expired for it.
    let layer =
        Handle(DiskLayer::with_clock(settings, Clock::manual(Timestamp::from_millis(1_800_000_000_000))));
    let mut out = std::io::stdout().lock();
    let run = fastrand::u64(..);
    let mut n = 0_u64;
    loop {
        let key = format!("{run:x}.{n}");
        layer.put(&key, &pattern(if n.is_multiple_of(7) { 100_000 } else { 300 }));
        match n % 5 {
            0 | 1 => {
                layer.remove(&key);
                writeln!(out, "\nack removed {key}").unwrap();
            }
            2 => {
                layer.flush();
                // Few enough that none of them has to make room.
                if n < 50 {
                    writeln!(out, "\nack flushed {key}").unwrap();
                }
            }
            _ => writeln!(out, "\nack put {key}").unwrap(),
        }
        out.flush().unwrap();
        n += 1;
    }
}

/// A child that is killed when it goes out of scope.
struct Spawned {
    process: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Spawned {
    fn new(bench: &Bench, engine: DiskEngine) -> Self {
        let test = format!(
            "layers::disk::tests::killed::{}::no_removal_is_undone_however_often_the_process_is_killed",
            format!("{engine:?}").to_lowercase()
        );
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([&test, "--exact", "--nocapture"])
            .env(DIR, bench.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        Self { process, out }
    }

    /// What it acknowledged up to the first moment after `patience`, then until it was killed.
    fn lines_for(&mut self, patience: Duration) -> Vec<String> {
        let mut lines = vec![self.next().expect("the child acknowledges something")];
        let until = std::time::Instant::now() + patience;
        while std::time::Instant::now() < until {
            lines.extend(self.next());
        }
        lines
    }

    fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(acknowledged) = line.trim_end().strip_prefix("ack ")
                && line.ends_with('\n')
            {
                return Some(acknowledged.to_owned());
            }
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().unwrap();
    }
}
