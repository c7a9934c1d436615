//! A text under construction: on the stack, and on the heap only where it is longer than a key may be.
//!
//! Not a `SmallVec`, whose checks at each step were a part of every hit in memory (`docs/decisions/0021-what-a-hit-may-cost.md`).
//! Knows nothing of what is written.

use std::ops::Deref;

use super::LONGEST_PLAIN_TEXT;

#[derive(Debug, Clone)]
pub(super) struct Buffer {
    /// Of `short`; more than it has once the text is in `long`.
    len: usize,
    /// With zeros behind what is written.
    short: [u8; LONGEST_PLAIN_TEXT],
    long: Vec<u8>,
}

impl Buffer {
    #[inline]
    pub(super) const fn new() -> Self {
        Self { len: 0, short: [0; LONGEST_PLAIN_TEXT], long: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        match self.short.get_mut(self.len) {
            Some(place) => {
                *place = byte;
                self.len += 1;
            }
            None => self.push_long(&[byte]),
        }
    }

    #[inline]
    pub(super) fn extend_from_slice(&mut self, bytes: &[u8]) {
        match self.short.get_mut(self.len..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.push_long(bytes),
        }
    }

    /// Writes the first `len` of `bytes`. The others are zeros.
    #[inline]
    pub(super) fn push_padded(&mut self, bytes: [u8; 16], len: usize) {
        // All of them, so that what follows can read them as they were written.
        match self.short.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut) {
            Some(place) => {
                *place = bytes;
                self.len += len;
            }
            None => self.extend_from_slice(bytes.get(..len).unwrap_or_default()),
        }
    }

    /// The first `LENGTH` bytes, with zeros behind what is written, if no more is written.
    #[inline]
    pub(super) fn padded<const LENGTH: usize>(&self) -> Option<&[u8; LENGTH]> {
        if self.len <= LENGTH { self.short.first_chunk() } else { None }
    }

    /// Writes a number, digit by digit where it is to stand.
    #[inline]
    pub(super) fn push_decimal(&mut self, number: u64) {
        let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        match self.short.get_mut(self.len..).and_then(|rest| rest.get_mut(..digits)) {
            Some(place) => {
                write_decimal(place, number);
                self.len += digits;
            }
            None => self.push_long(itoa::Buffer::new().format(number).as_bytes()),
        }
    }

    /// Puts `byte` in front of what stands at `at`.
    pub(super) fn insert(&mut self, at: usize, byte: u8) {
        self.push(byte);
        if let Some(moved) = self.written().get_mut(at..) {
            moved.rotate_right(1);
        }
    }

    /// Takes everything from `len` on away.
    pub(super) fn truncate(&mut self, len: usize) {
        if let Some(cut) = self.short.get_mut(len.min(self.len)..self.len) {
            cut.fill(0);
            self.len = self.len.min(len);
        } else {
            self.long.truncate(len);
        }
    }

    fn written(&mut self) -> &mut [u8] {
        self.short.get_mut(..self.len).unwrap_or(&mut self.long)
    }

    #[cold]
    fn push_long(&mut self, bytes: &[u8]) {
        if let Some(short) = self.short.get(..self.len) {
            self.long.extend_from_slice(short);
            self.len = LONGEST_PLAIN_TEXT + 1;
        }
        self.long.extend_from_slice(bytes);
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.short.get(..self.len).unwrap_or(&self.long)
    }
}

/// Fills `place` with the last digits of `number`.
#[inline]
fn write_decimal(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_displayed() {
        let edges = (0..20).flat_map(|power| {
            let power = 10_u64.pow(power);
            [power - 1, power, power + 1]
        });
        for number in edges.chain([u64::MAX - 1, u64::MAX]) {
            let mut buffer = Buffer::new();
            buffer.push_decimal(number);
            assert_eq!(&*buffer, number.to_string().as_bytes());
        }
    }

    #[test]
    fn a_text_is_the_same_wherever_it_outgrows_the_stack() {
        for before in LONGEST_PLAIN_TEXT - 25..LONGEST_PLAIN_TEXT + 5 {
            let mut buffer = Buffer::new();
            buffer.extend_from_slice(&vec![b'x'; before]);
            buffer.push(b'-');
            buffer.push_decimal(u64::MAX);
            buffer.extend_from_slice(b"-end");
            buffer.push(b'.');
            let text = format!("{}-{}-end.", "x".repeat(before), u64::MAX);
            assert_eq!(&*buffer, text.as_bytes(), "{before} bytes before");
            buffer.insert(3, b'#');
            assert_eq!(&*buffer, format!("{}#{}", &text[..3], &text[3..]).as_bytes());
            buffer.truncate(before + 1);
            assert_eq!(&*buffer, format!("xxx#{}", &text[3..before]).as_bytes());
        }
    }
}
