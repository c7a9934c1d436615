//! How many instructions a hit in memory takes, counted by valgrind where there is one: the same each time, however busy the
//! machine is. CI has one.

use std::process::Command;

const HITS: u64 = 20_000;

/// For a build without optimisation, as tests are; with it, a hit takes a twelfth. What was counted when this was written,
/// and a tenth more. A change that needs more should say why, here.
const MOST: u64 = 5_500;

#[test]
fn a_hit_takes_no_more_instructions_than_it_did() {
    let counted = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=hits::the_hits"])
        .arg(env!("CARGO_BIN_EXE_hits"))
        .arg(HITS.to_string())
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
    let each = collected.trim().parse::<u64>().unwrap() / HITS;
    assert!(each > 100, "{each} instructions a hit: that cannot be all of it\n{report}");
    assert!(each <= MOST, "{each} instructions a hit; at most {MOST} are allowed");
}
