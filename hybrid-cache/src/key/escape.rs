//! Which characters are escaped in keys, and how. Knows nothing of values.

use super::buffer::Buffer;

/// Characters with a meaning in keys, in Redis patterns or on a command line.
const fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        0..=b' '
            | 0x7f
            | b'%'
            | b','
            | b'='
            | b':'
            | b'~'
            | b'\''
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'#'
            | b'*'
            | b'?'
            | b'\\'
            | b'"'
    )
}

/// What the literals of a template may not contain as it is: whatever opens, closes or marks a value.
const fn is_structural(character: char) -> bool {
    matches!(character, ' ' | '~' | '\'' | '(' | ')' | '[' | ']' | '{' | '}' | '#' | '%')
}

/// For each byte, whether a text that holds only such bytes stays as it is. Halves the time for a string of 36 bytes.
#[expect(
    clippy::indexing_slicing,
    reason = "computed by the compiler, which would refuse an index out of bounds"
)]
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0_u8;
    while let Some(next) = byte.checked_add(1) {
        plain[byte as usize] = !is_reserved(byte) && !may_begin_invisible(byte);
        byte = next;
    }
    plain
};

fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).is_some_and(|plain| *plain)
}

fn needs_escape(character: char) -> bool {
    u8::try_from(character).is_ok_and(is_reserved) || is_invisible(character)
}

/// Characters that cannot be seen, or that change how others are shown: controls, which Unicode promises never to change;
/// the separators of lines and paragraphs, which begin a new line in many a log; marks of direction, which make a key look
/// like another one; and others of no width. This list stays as it is, whatever Unicode adds, since keys are a format.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Whether this is the first byte in UTF-8 of a character that [`is_invisible`]. So it is of harmless ones, which are then
/// looked at closely.
const fn may_begin_invisible(byte: u8) -> bool {
    matches!(byte, 0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3)
}

const fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' - 10 + nibble,
    }
}

/// `%XX` for each byte of `character`.
fn push_escape(buffer: &mut Buffer, character: char) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        buffer.extend_from_slice(&[b'%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
    }
}

fn push_char(buffer: &mut Buffer, character: char) {
    buffer.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Writes `text` with everything reserved escaped.
pub(super) fn push_text(buffer: &mut Buffer, text: &str) {
    if text.bytes().all(is_plain) {
        buffer.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        if needs_escape(character) {
            push_escape(buffer, character);
        } else {
            push_char(buffer, character);
        }
    }
}

/// Writes `text` with everything reserved escaped, and `guarded` too.
pub(super) fn push_text_guarding(buffer: &mut Buffer, text: &str, guarded: char) {
    for character in text.chars() {
        if character == guarded || needs_escape(character) {
            push_escape(buffer, character);
        } else {
            push_char(buffer, character);
        }
    }
}

/// Writes `token`, which holds nothing reserved, with `guarded` escaped.
pub(super) fn push_token_guarding(buffer: &mut Buffer, token: &str, guarded: char) {
    for character in token.chars() {
        if character == guarded {
            push_escape(buffer, character);
        } else {
            push_char(buffer, character);
        }
    }
}

/// Writes a literal of a template. No value ever contains `%%`, so an escaped literal is told from an escaped value.
pub(super) fn push_literal(buffer: &mut Buffer, literal: &str) {
    if literal.chars().all(stays_in_literal) {
        buffer.extend_from_slice(literal.as_bytes());
        return;
    }
    for character in literal.chars() {
        if stays_in_literal(character) {
            push_char(buffer, character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                buffer.extend_from_slice(&[b'%', b'%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
            }
        }
    }
}

/// Whether `character` of a template's literal stands in the key as it is.
fn stays_in_literal(character: char) -> bool {
    !is_structural(character) && !is_invisible(character)
}

/// The character that has to be escaped in a value so that the value ends where `literal` begins. None where no value
/// holds it plain anyway.
pub(super) fn guard_before(literal: &str) -> Option<char> {
    literal.chars().next().filter(|first| stays_in_literal(*first) && !needs_escape(*first))
}

/// Whether `text` could be read as something other than a string and has to be quoted.
pub(super) fn is_ambiguous(text: &str) -> bool {
    match text.as_bytes() {
        [b'0'..=b'9', rest @ ..] | [b'-', b'0'..=b'9', rest @ ..] => {
            rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
        }
        b"" | b"true" | b"false" | b"NaN" | b"inf" | b"-inf" => true,
        _ => false,
    }
}
