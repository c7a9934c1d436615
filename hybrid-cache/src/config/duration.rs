//! How a length of time is written in settings, and shown in the report: `300` (seconds), `250ms`, `1h30m`, `1.5d`.

use std::{fmt::Write as _, time::Duration};

use super::values::Reason;

/// From long to short, by the names that are shown; in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const SECOND: u128 = 1_000_000_000;

const NO_DURATION: Reason = "is not a duration";
const TOO_LONG: Reason = "is longer than a duration can be";

/// Whole seconds, or numbers with units.
pub(super) fn parse(text: &str) -> Result<Duration, Reason> {
    let mut rest = text.trim();
    if !rest.is_empty() && rest.bytes().all(|digit| digit.is_ascii_digit()) {
        return rest.parse().map(Duration::from_secs).map_err(|_| TOO_LONG);
    }
    let mut nanos = 0_u128;
    loop {
        let (number, behind) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, behind) = split_where(behind.trim_start(), |c| !c.is_alphabetic());
        nanos = nanos.checked_add(nanos_of(number, nanos_in(unit)?)?).ok_or(TOO_LONG)?;
        rest = behind.trim_start();
        if rest.is_empty() {
            break;
        }
    }
    let seconds = u64::try_from(nanos / SECOND).map_err(|_| TOO_LONG)?;
    Ok(Duration::new(seconds, u32::try_from(nanos % SECOND).unwrap_or_default()))
}

fn split_where(text: &str, is_behind: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_behind).unwrap_or(text.len()))
}

/// `1.5` in a unit of so many nanoseconds.
fn nanos_of(number: &str, unit: u128) -> Result<u128, Reason> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| {
        if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NO_DURATION);
        }
        text.parse::<u64>().map(u128::from).map_err(|_| TOO_LONG)
    };
    let places = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(u32::MAX).min(38));
    Ok(digits(whole)? * unit + digits(fraction)? * unit / places)
}

/// Months and years are of no fixed length, and nobody who writes `5M` wants answers to live for five months.
fn nanos_in(unit: &str) -> Result<u128, Reason> {
    let name = match unit {
        "d" | "day" | "days" => "d",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "millis" => "ms",
        "us" | "µs" | "usec" => "us",
        "ns" | "nsec" | "nanos" => "ns",
        "w" | "wk" | "wks" | "week" | "weeks" => return Ok(7 * 86_400 * SECOND),
        "M" => {
            return Err("counts in `M`, which could be months; minutes are `m` (\"5m\"), a month is \"30d\"");
        }
        "month" | "months" | "y" | "yr" | "yrs" | "year" | "years" => {
            return Err("counts in months or years, which are of no fixed length; count in days (\"365d\")");
        }
        _ => return Err(NO_DURATION),
    };
    UNITS.iter().find(|(known, _)| *known == name).map(|(_, nanos)| *nanos).ok_or(NO_DURATION)
}

/// As it can be written: `1h 30m`.
pub(super) fn show(duration: Duration) -> String {
    let (mut text, mut nanos) = (String::new(), duration.as_nanos());
    for (name, unit) in UNITS {
        if nanos >= unit {
            let space = if text.is_empty() { "" } else { " " };
            // Into a text: nothing that could fail.
            let _ = write!(text, "{space}{}{name}", nanos / unit);
            nanos %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_seconds_and_others_have_units() {
        let millis = |text| parse(text).unwrap().as_millis();
        let cases = [
            ("300", 300_000),
            (" 300 ", 300_000),
            ("250ms", 250),
            ("5m", 300_000),
            ("5 min", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("0.25 s", 250),
            ("1d", 86_400_000),
            ("2w", 14 * 86_400_000),
            ("1500us", 1),
            ("0", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(millis(text), expected, "{text}");
        }
    }

    #[test]
    fn months_are_no_minutes_and_nothing_is_counted_in_what_has_no_fixed_length() {
        assert_eq!(parse("5m").unwrap(), Duration::from_mins(5));
        assert!(parse("5M").unwrap_err().contains("minutes are `m` (\"5m\")"));
        assert!(parse("1h 5M").unwrap_err().contains("minutes are `m`"));
        for text in ["1month", "2 months", "1y", "1year", "1d 2years"] {
            assert!(parse(text).unwrap_err().contains("count in days"), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_and_nothing_overflows() {
        for text in [
            "",
            " ",
            "soon",
            "5 parsecs",
            "-5s",
            "5",
            "1.s",
            ".5s",
            "1..5s",
            "1.5",
            "5m-",
            "5m 3",
            "S",
            "5S",
            "٣s",
            "5ß",
        ] {
            let expected = if text == "5" { Ok(Duration::from_secs(5)) } else { Err(NO_DURATION) };
            assert_eq!(parse(text), expected, "{text}");
        }
        let second = "18446744073709551615s";
        assert_eq!(parse(&format!("{second} 999999999ns")), Ok(Duration::MAX));
        let nines = "9".repeat(400);
        for text in [
            format!("{second} 1000000000ns"),
            format!("{second} {second}"),
            "18446744073709551616".to_owned(),
            "18446744073709551615w".to_owned(),
            format!("{nines}s"),
            format!("0.{nines}s"),
        ] {
            assert_eq!(parse(&text), Err(TOO_LONG), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_written() {
        let durations = [0, 1, 999, 250_000_000, 300_000_000_000, 5_400_000_000_000, 31_557_600_000_000_000];
        for duration in durations.map(Duration::from_nanos).into_iter().chain([Duration::MAX]) {
            assert_eq!(parse(&show(duration)), Ok(duration), "{}", show(duration));
        }
        assert_eq!(show(Duration::from_mins(90)), "1h 30m");
        assert_eq!(show(Duration::from_hours(24)), "1d");
    }
}
