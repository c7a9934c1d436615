//! The epoch of a function: a random number in Redis under one key per function.
//!
//! Every record carries the epoch of its function from before its value was computed and is good while the two
//! are equal. Replacing the number forgets all answers of the function at once. Only equality means anything:
//! no number is later than another, so no clock and no counter can be wrong.

use std::time::Duration;

use redis::{Pipeline, Value};

use super::fault::{Censor, Fault};

/// How long Redis keeps an epoch after its function last stored an answer, and the longest life of a record.
///
/// A record must not outlive the epoch it relies on only to be unreadable, so no record lives longer than this, and
/// each stored record starts the epoch's life anew. The same everywhere: if processes with shorter answers renewed for
/// a shorter time, they would cut the lives of other processes' records.
pub(super) const LIFE: Duration = Duration::from_hours(365 * 24);

/// Where the epoch of the function `scope` (`namespace:function`) stands: `namespace:!all:function`.
///
/// No function is named `!all`, so this is never the key of an answer.
pub(super) fn key(namespace: &str, scope: &str) -> String {
    let function = scope.strip_prefix(namespace).and_then(|rest| rest.strip_prefix(':')).unwrap_or(scope);
    format!("{namespace}:!all:{function}")
}

/// Reads what stands under an epoch's key, as far as it can be one: the largest number has twenty digits.
pub(super) fn push_read(commands: &mut Pipeline, epoch_key: &str) {
    commands.cmd("GETRANGE").arg(epoch_key).arg(0).arg(20);
}

/// What stands where the epoch of a function should.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    Epoch(u64),
    Nothing,
    /// Another text, a list, a hash: somebody else's, or damage.
    SomethingElse,
    /// Nobody knows: the server does not say.
    Unknown(Fault),
}

impl Stored {
    pub(super) fn of(reply: &Value, censor: &Censor) -> Self {
        match reply {
            Value::Nil => Self::Nothing,
            Value::BulkString(text) if text.is_empty() => Self::Nothing,
            Value::BulkString(text) => parse(text).map_or(Self::SomethingElse, Self::Epoch),
            // Only what is certainly there is overwritten: a new epoch forgets all answers of the function.
            Value::ServerError(error) if error.code() != "WRONGTYPE" => {
                Self::Unknown(censor.of_server(error))
            }
            _ => Self::SomethingElse,
        }
    }
}

/// The number in what Redis holds, if that is exactly something we write: decimal digits, as `redis-cli` shows best. Neither
/// zero nor a sign nor zeros in front, so that no two texts are the same epoch.
pub(super) fn parse(stored: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for digit in stored {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        if number == 0 && digit == 0 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(digit.into())?;
    }
    (number != 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stands_beside_the_answers_of_its_namespace() {
        assert_eq!(key("hc", "hc:shop.product"), "hc:!all:shop.product");
        assert_eq!(key("a:b", "a:b:shop.product"), "a:b:!all:shop.product");
    }

    #[test]
    fn a_scope_of_another_namespace_gets_a_key_of_its_own() {
        assert_eq!(key("hc", "hcx:shop.product"), "hc:!all:hcx:shop.product");
    }

    #[test]
    fn what_we_write_is_read_back() {
        for number in [1, 42, u64::MAX] {
            assert_eq!(parse(number.to_string().as_bytes()), Some(number));
        }
    }

    #[test]
    fn the_largest_number_is_read_and_none_beyond() {
        assert_eq!(parse(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse(b"18446744073709551619"), None);
        assert_eq!(parse(b"99999999999999999999"), None);
    }

    #[test]
    fn anything_else_is_not_an_epoch() {
        for garbage in [
            &b""[..],
            b"0",
            b"007",
            b"00",
            b"12a",
            b"1/",
            b"1:",
            b"+7",
            b"-1",
            b" 7",
            b"7\n",
            b"1e3",
            b"\xff\xfe",
            b"18446744073709551616",
        ] {
            assert_eq!(parse(garbage), None, "{garbage:?}");
        }
    }
}
