//! A text under construction: on the stack, and on the heap only where it is longer than a key may be.
//!
//! Knows nothing of what is written.

use std::ops::Deref;

use arrayvec::ArrayVec;

use super::LONGEST_PLAIN_TEXT;

/// A short text is read as so many bytes, with zeros behind it.
const PADDED: usize = 16;

#[derive(Debug, Clone)]
pub(super) struct Buffer {
    /// Of `short`; more than it has room for once the text is in `long`.
    len: usize,
    /// The text, and behind it nothing but zeros. It does not begin as an array of zeros, as every hit would have to fill that.
    short: ArrayVec<u8, { LONGEST_PLAIN_TEXT + PADDED }>,
    long: Option<Vec<u8>>,
}

impl Buffer {
    #[inline]
    pub(super) const fn new() -> Self {
        Self { len: 0, short: ArrayVec::new_const(), long: None }
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }

    #[inline]
    pub(super) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.short.truncate(self.len);
        match self.short.try_extend_from_slice(bytes) {
            Ok(()) if self.long.is_none() => self.len += bytes.len(),
            _ => self.push_long(bytes),
        }
    }

    /// Writes the first `len` of `bytes`. The others are zeros.
    #[inline]
    pub(super) fn push_padded(&mut self, bytes: [u8; PADDED], len: usize) {
        self.short.truncate(self.len);
        // All of them, so that what follows can read them as they were written.
        match self.short.try_extend_from_slice(&bytes) {
            Ok(()) if self.long.is_none() => self.len += len,
            _ => self.push_beyond(bytes.get(..len).unwrap_or_default()),
        }
    }

    /// Puts zeros behind a short text, so that [`padded`](Self::padded) has it.
    #[inline]
    pub(super) fn pad(&mut self) {
        if self.short.len() < PADDED {
            // There is room.
            let _ = self.short.try_extend_from_slice(&[0; PADDED]);
        }
    }

    /// The first bytes, with at least one zero behind what is written, if no more is written.
    #[inline]
    pub(super) fn padded(&self) -> Option<&[u8; PADDED]> {
        if self.len < PADDED { self.short.first_chunk() } else { None }
    }

    /// Puts `byte` in front of what stands at `at`.
    pub(super) fn insert(&mut self, at: usize, byte: u8) {
        self.push(byte);
        let written = match &mut self.long {
            Some(long) => long,
            None => &mut *self.short,
        };
        if let Some(moved) = written.get_mut(at..) {
            moved.rotate_right(1);
        }
    }

    /// Takes everything from `len` on away.
    pub(super) fn truncate(&mut self, len: usize) {
        if let Some(long) = &mut self.long {
            return long.truncate(len);
        }
        self.len = self.len.min(len);
        self.short.truncate(self.len);
    }

    /// Writes bytes that may leave no room for zeros behind them.
    #[cold]
    fn push_beyond(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[cold]
    fn push_long(&mut self, bytes: &[u8]) {
        let short = self.short.get(..self.len).unwrap_or_default();
        self.long.get_or_insert_with(|| short.to_vec()).extend_from_slice(bytes);
        self.len = usize::MAX;
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
        match &self.long {
            None => self.short.get(..self.len).unwrap_or_default(),
            Some(long) => long,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_wherever_it_outgrows_the_stack() {
        let outgrows = LONGEST_PLAIN_TEXT + PADDED;
        for before in (0..20).chain(outgrows - 25..outgrows + 5) {
            let mut buffer = Buffer::new();
            buffer.extend_from_slice(&vec![b'x'; before]);
            buffer.push(b'-');
            buffer.push_padded(*b"0123456789\0\0\0\0\0\0", 10);
            buffer.extend_from_slice(b"-end");
            buffer.push(b'.');
            let text = format!("{}-0123456789-end.", "x".repeat(before));
            assert_eq!(&*buffer, text.as_bytes(), "{before} bytes before");
            buffer.insert(3, b'#');
            let text = format!("{}#{}", &text[..3], &text[3..]);
            assert_eq!(&*buffer, text.as_bytes());
            buffer.truncate(before + 2);
            assert_eq!(&*buffer, &text.as_bytes()[..before + 2]);
        }
    }

    #[test]
    fn a_short_text_has_zeros_behind_it_whatever_was_written_and_taken_away() {
        let write = |write: fn(&mut Buffer)| {
            let mut buffer = Buffer::new();
            write(&mut buffer);
            buffer.pad();
            buffer.padded().copied()
        };
        let abc = Some(*b"abc\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(write(|buffer| buffer.extend_from_slice(b"abc")), abc);
        assert_eq!(write(|buffer| buffer.push_padded(*b"abc\0\0\0\0\0\0\0\0\0\0\0\0\0", 3)), abc);
        let shortened = |buffer: &mut Buffer| {
            buffer.extend_from_slice(b"abxyz");
            buffer.truncate(2);
            buffer.push(b'c');
        };
        assert_eq!(write(shortened), abc);
        let taken_away_at_last = |buffer: &mut Buffer| {
            buffer.extend_from_slice(b"abcxyz");
            buffer.truncate(3);
        };
        assert_eq!(write(taken_away_at_last), abc);
        assert_eq!(write(|buffer| buffer.extend_from_slice(b"fifteen letters")), Some(*b"fifteen letters\0"));
        assert_eq!(write(|buffer| buffer.extend_from_slice(b"sixteen letters.")), None);
        assert_eq!(write(|buffer| buffer.extend_from_slice(&[b'x'; 500])), None);
    }
}
