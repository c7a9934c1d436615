//! Wire version 2 does not change: a record written yesterday is read today.

use std::fmt::Write as _;

use super::*;

/// Hex, sixteen bytes to a line.
const GOLDEN: &str = include_str!("wire-version-2.hex");

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(16) {
        let digits: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{}", digits.join(" ")).unwrap();
    }
    text
}

fn golden_bytes() -> Vec<u8> {
    GOLDEN.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn a_record_is_written_as_it_was() {
    let mut record = sealed(&product());
    record[4..12].copy_from_slice(&0x1122_3344_5566_7788_u64.to_le_bytes());
    assert_eq!(hex(&record), GOLDEN, "a changed layout needs a new wire version; now:\n{}", hex(&record));
}

#[test]
fn a_record_of_yesterday_is_read() {
    let opened = opened::<Product>(golden_bytes()).unwrap();
    assert_eq!(opened.value, product());
    assert_eq!(opened.dates, dates());
    assert_eq!(opened.load_time, LOAD_TIME);
    assert_eq!(opened.generation, 0x1122_3344_5566_7788);
}
