//! The packed form of a key: what a call is looked up by in its own process.
//!
//! It is the canonical text with two things left out that a hit would pay for. The names of the arguments are not written:
//! all keys of a function have the same. And an argument that is an integer is written in binary, behind a byte that never
//! occurs in UTF-8 and says how long it is:
//!
//! ```text
//! packed    = [ argument *( 0xFF argument ) ] [ 0xFF template ]
//! argument  = integer | text                as in the grammar of keys, which no byte from 0xF5 on occurs in
//! integer   = ( 0xF5 | 0xF6 | 0xF7 | 0xF8 ) 1, 2, 4 or 8 bytes      not negative, least significant byte first
//!           | ( 0xF9 | 0xFA | 0xFB | 0xFC ) 1, 2, 4 or 8 bytes      of what is to be subtracted from zero
//! ```
//!
//! An integer is written in as few bytes as it fits into, so equal texts have equal packed forms; and as the text can be
//! made of it, different ones have different ones. It is never longer than the text. No packed form is another one with zero
//! bytes behind it: only integers have these, and they say how many bytes they have.

use super::buffer::Buffer;

/// Between arguments.
pub(super) const MARK: u8 = 0xff;

const POSITIVE: u8 = 0xf5;
const NEGATIVE: u8 = 0xf9;

/// Writes an integer.
#[inline]
pub(super) fn push_integer(buffer: &mut Buffer, is_negative: bool, magnitude: u64) {
    let width = match magnitude {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    };
    let lead = if is_negative { NEGATIVE } else { POSITIVE } + width;
    let bytes = u128::from(magnitude) << u8::BITS | u128::from(lead);
    buffer.push_padded(bytes.to_le_bytes(), 1 + (1 << width));
}

/// The canonical text of what is `packed`, with these names of the arguments. `None` if it is no packed form.
pub(super) fn unpack(packed: &[u8], names: &[&str]) -> Option<String> {
    let mut text = String::with_capacity(2 * packed.len());
    let mut rest = packed;
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            text.push(',');
            rest = rest.strip_prefix(&[MARK])?;
        }
        text.push_str(name);
        text.push('=');
        if let Some(behind) = unpack_integer(rest, &mut text) {
            rest = behind;
            continue;
        }
        let end = rest.iter().position(|byte| *byte == MARK).unwrap_or(rest.len());
        let (argument, behind) = rest.split_at_checked(end)?;
        text.push_str(std::str::from_utf8(argument).ok()?);
        rest = behind;
    }
    if let Some(template) = rest.strip_prefix(&[MARK]) {
        text.push(',');
        rest = template;
    }
    text.push_str(std::str::from_utf8(rest).ok()?);
    Some(text)
}

/// Writes the integer that stands at the beginning, if one does; what stands behind it.
fn unpack_integer<'a>(packed: &'a [u8], text: &mut String) -> Option<&'a [u8]> {
    let (lead, rest) = packed.split_first()?;
    let width = match *lead {
        POSITIVE..NEGATIVE => *lead - POSITIVE,
        NEGATIVE..0xfd => {
            text.push('-');
            *lead - NEGATIVE
        }
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(1 << width)?;
    let magnitude = digits.iter().rev().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    text.push_str(itoa::Buffer::new().format(magnitude));
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::LONGEST_PLAIN_TEXT;

    fn packed(is_negative: bool, magnitude: u64) -> Vec<u8> {
        let mut buffer = Buffer::new();
        push_integer(&mut buffer, is_negative, magnitude);
        buffer.to_vec()
    }

    #[test]
    fn integers_take_as_few_bytes_as_they_fit_into_and_come_back() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit]).chain([u64::MAX]);
        for magnitude in edges {
            for is_negative in [false, true] {
                let packed = packed(is_negative, magnitude);
                let sign = if is_negative { "-" } else { "" };
                assert_eq!(unpack(&packed, &["a"]), Some(format!("a={sign}{magnitude}")));
                assert!(packed.len() < format!("a={magnitude}").len(), "{magnitude}");
            }
        }
        let lengths =
            [255, 256, 65_535, 65_536, u64::from(u32::MAX), u64::MAX].map(|n| packed(false, n).len());
        assert_eq!(lengths, [2, 3, 3, 5, 5, 9]);
    }

    #[test]
    fn an_integer_is_the_same_wherever_the_buffer_outgrows_the_stack() {
        for before in LONGEST_PLAIN_TEXT - 4..LONGEST_PLAIN_TEXT + 20 {
            let mut buffer = Buffer::new();
            buffer.extend_from_slice(&vec![b'x'; before]);
            push_integer(&mut buffer, false, 70_000);
            let expected = [vec![b'x'; before], packed(false, 70_000)].concat();
            assert_eq!(&*buffer, expected, "{before} bytes before");
        }
    }

    #[test]
    fn what_is_no_packed_form_has_no_text() {
        for (bytes, names) in [
            (&[POSITIVE][..], &["a"][..]),
            (&[POSITIVE + 3, 1, 2], &["a"]),
            (b"x", &["a", "b"]),
            (&[0xfe], &["a"]),
            (&[0xfe], &[]),
        ] {
            assert_eq!(unpack(bytes, names), None, "{bytes:?}");
        }
    }
}
