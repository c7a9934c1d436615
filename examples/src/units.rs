//! Numbers as people read them: thousands in groups, durations with a unit that fits.

use std::time::Duration;

/// A number with a comma after every three digits.
#[must_use]
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in the unit that leaves at most three digits before the point; the point is always in the same column.
///
/// Eight characters wide: `412   ns`, `  3.1 µs`, ` 87.0 ms`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (unit, size) = match nanos {
        0..1_000 => return format!("{nanos:>3}   ns"),
        1_000..1_000_000 => ("µs", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s ", 1_000_000_000),
    };
    let tenths = nanos * 10 / size;
    format!("{:>3}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let numbers = [0, 7, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn every_duration_has_a_unit_that_fits_and_the_same_width() {
        let nanos = [0, 999, 1_000, 43_210, 999_999, 1_000_000, 412_345_678, 1_500_000_000];
        let texts = nanos.map(|nanos| duration(Duration::from_nanos(nanos)));
        assert_eq!(
            texts,
            ["  0   ns", "999   ns", "  1.0 µs", " 43.2 µs", "999.9 µs", "  1.0 ms", "412.3 ms", "  1.5 s "]
        );
    }
}
