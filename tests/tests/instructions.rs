//! How many instructions a hit and a miss in memory take, counted by valgrind where there is one: the same each time, however
//! busy the machine is. CI has one.
//!
//! The bounds are for a build without optimisation, as tests are; with it, a hit takes a twelfth. They are what was counted
//! when they were written, and a tenth more. A change that needs more should say why, here.

#![expect(clippy::unwrap_used, reason = "in a test, that is how it fails")]

use std::process::Command;

#[test]
fn a_hit_takes_no_more_instructions_than_it_did() {
    at_most(5_500, 20_000, env!("CARGO_BIN_EXE_hits"), "hits::the_hits");
}

#[test]
fn a_miss_takes_no_more_instructions_than_it_did() {
    at_most(65_000, 2_000, env!("CARGO_BIN_EXE_misses"), "misses::the_counted_misses");
}

/// What `program` does so many `times` in `function` takes at most so many instructions each time.
#[track_caller]
fn at_most(most: u64, times: u64, program: &str, function: &str) {
    let counted = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={function}"))
        .args([program, &times.to_string()])
        .output();
    let Ok(counted) = counted else {
        assert!(
            std::env::var_os("CI").is_none(),
            "there is no valgrind to count instructions with; .ci/run installs it"
        );
        eprintln!("not counted: there is no valgrind");
        return;
    };
    let report = String::from_utf8_lossy(&counted.stderr);
    assert!(counted.status.success(), "{report}");
    let collected = report.lines().find_map(|line| line.split("Collected :").nth(1)).unwrap();
    let each = collected.trim().parse::<u64>().unwrap() / times;
    assert!(each > 100, "{each} instructions: that cannot be all of it\n{report}");
    assert!(each <= most, "{each} instructions; at most {most} are allowed");
}
