//! How much one reply may be.
//!
//! The client library reads whatever a server sends into memory before anybody can look at it. This stands between the
//! socket and the library: it knows where replies of the Redis protocol begin and end, and closes the connection when one
//! is larger than anything we ask for. It does not know what they mean.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What greets us and what refuses us is much shorter; what is read is asked for with a limit below this one.
const LARGEST_REPLY: usize = super::LARGEST_RECORD + 64 * 1024;
/// Values inside of one reply, each of which takes more memory than its bytes do. A greeting has some dozens.
const MOST_VALUES: u64 = 4_096;
/// A line is a length, a number or an error.
const LONGEST_LINE: usize = 64 * 1024;

/// A stream whose replies are bounded.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    stream: S,
    replies: Replies,
    /// Whether it was too much once. The client library has an error of its own for those who wait then.
    overrun: Arc<AtomicBool>,
}

/// Why a connection is closed whose stream was [overrun](Bounded::overrun).
pub(super) const OVERRUN: &str =
    "the server sent a reply that is larger than anything that is stored, or no reply at all";

impl<S> Bounded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, replies: Replies::default(), overrun: Arc::default() }
    }

    /// Becomes true when a reply is more than it may be.
    pub(super) fn overrun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.overrun)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(this.replies.take(read).map_err(|Refused| {
            this.overrun.store(true, Relaxed);
            io::Error::other(OVERRUN)
        }))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A reply is larger than [`LARGEST_REPLY`], or nothing that could be measured.
#[derive(Debug, PartialEq, Eq)]
struct Refused;

/// Where in the replies the stream is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Replies {
    /// Bytes of the present reply, those of texts that are announced included.
    size: usize,
    /// Values of the present reply that have begun.
    values: u64,
    /// Values of the present reply that have not ended.
    open: u64,
    /// Bytes of the present text that are still to come, its line end included.
    text: usize,
    /// The present line, if one has begun.
    line: Option<Line>,
}

/// A line, as far as it is there: what kind of value it begins, and the number in it.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    kind: u8,
    length: usize,
    number: u64,
    /// Whether there is nothing in it but digits, as far as it goes.
    is_number: bool,
    /// Whether it begins with a minus, and goes on with digits.
    is_negative: bool,
    /// Whether its last byte is the first one of a line end.
    is_ending: bool,
}

impl Replies {
    /// The next bytes of the stream.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        while let Some((&next, rest)) = bytes.split_first() {
            if self.text > 0 {
                let (skipped, left) = bytes.split_at(self.text.min(bytes.len()));
                self.text -= skipped.len();
                if self.text == 0 {
                    self.end_value();
                }
                bytes = left;
                continue;
            }
            bytes = rest;
            self.grow(1)?;
            match &mut self.line {
                None => self.begin_value(next)?,
                Some(line) if line.is_ending && next == b'\n' => {
                    let line = self.line.take();
                    line.map_or(Ok(()), |line| self.end_line(&line))?;
                }
                Some(line) => line.add(next)?,
            }
        }
        Ok(())
    }

    fn begin_value(&mut self, kind: u8) -> Result<(), Refused> {
        self.open = self.open.max(1);
        self.values += 1;
        self.line =
            Some(Line { kind, length: 0, number: 0, is_number: true, is_negative: false, is_ending: false });
        if self.values > MOST_VALUES { Err(Refused) } else { Ok(()) }
    }

    fn end_line(&mut self, line: &Line) -> Result<(), Refused> {
        let inside = match (line.kind, line.count()) {
            (b'$' | b'!' | b'=', Count::Of(bytes)) => {
                let bytes = usize::try_from(bytes).map_err(|_| Refused)?;
                self.grow(bytes)?;
                self.text = bytes + 2;
                return Ok(());
            }
            (b'*' | b'~' | b'>', Count::Of(values)) => values,
            (b'%', Count::Of(pairs)) => pairs.saturating_mul(2),
            // And what it is about.
            (b'|', Count::Of(pairs)) => pairs.saturating_mul(2).saturating_add(1),
            (b'$' | b'*' | b'~' | b'>', Count::Nothing) => 0,
            // Where the protocol has no nothing, the library reads an enormous length.
            (b'$' | b'!' | b'=' | b'*' | b'~' | b'>' | b'%' | b'|', _) => return Err(Refused),
            _ => 0,
        };
        self.open = self.open.saturating_add(inside);
        if self.open > MOST_VALUES {
            return Err(Refused);
        }
        self.end_value();
        Ok(())
    }

    fn end_value(&mut self) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            *self = Self::default();
        }
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Refused> {
        self.size = self.size.saturating_add(bytes);
        if self.size > LARGEST_REPLY { Err(Refused) } else { Ok(()) }
    }
}

/// What a line announces.
enum Count {
    Of(u64),
    /// `-1`: there is no text, no list.
    Nothing,
    Unknown,
}

impl Line {
    fn add(&mut self, byte: u8) -> Result<(), Refused> {
        self.is_ending = byte == b'\r';
        self.length += 1;
        if self.length > LONGEST_LINE {
            return Err(Refused);
        }
        match byte {
            b'0'..=b'9' => {
                let digit = u64::from(byte - b'0');
                self.number = self.number.saturating_mul(10).saturating_add(digit);
            }
            b'\r' => {}
            _ => {
                self.is_number = false;
                self.is_negative = byte == b'-' && self.length == 1;
            }
        }
        Ok(())
    }

    /// What it announces, once it has ended.
    fn count(&self) -> Count {
        // With the first byte of its end.
        match self.length {
            2.. if self.is_number => Count::Of(self.number),
            3 if self.is_negative && self.number == 1 => Count::Nothing,
            _ => Count::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(bytes: &[u8]) -> Result<Replies, Refused> {
        let mut replies = Replies::default();
        replies.take(bytes).map(|()| replies)
    }

    #[test]
    fn replies_of_every_kind_are_passed_on_however_they_are_cut() {
        let stream = b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n+modules\r\n*1\r\n%1\r\n$4\r\nname\r\n$0\r\n\r\n+OK\r\n\
            -ERR no\nsuch thing\r\n:42\r\n$-1\r\n*-1\r\n*0\r\n_\r\n,1.5\r\n#t\r\n(123\r\n!3\r\nERR\r\n=7\r\ntxt:a\r\n\r\n\
            |1\r\n+a\r\n:1\r\n*2\r\n~1\r\n_\r\n>1\r\n+x\r\n$5\r\n\r\n$9\r\r\n";
        for cut in 0..stream.len() {
            let (before, after) = stream.split_at(cut);
            let mut replies = take(before).unwrap();
            replies.take(after).unwrap();
            assert_eq!(replies, Replies::default(), "cut at {cut}");
        }
        // Replies are measured one by one.
        let mut many = Replies::default();
        let text = [&b"$700000\r\n"[..], &vec![b'\n'; 700_000], b"\r\n"].concat();
        for _ in 0..10 {
            many.take(&text).unwrap();
        }
    }

    #[test]
    fn the_largest_text_is_passed_on_and_a_larger_one_is_refused_before_it_comes() {
        assert!(take(format!("${}\r\n", super::super::LARGEST_RECORD + 1).as_bytes()).is_ok());
        for kind in ["$", "!", "=", "*2\r\n$"] {
            assert_eq!(take(format!("{kind}{}\r\n", LARGEST_REPLY + 1).as_bytes()), Err(Refused));
            assert_eq!(take(format!("{kind}{}\r\n", u64::MAX).as_bytes()), Err(Refused));
            assert_eq!(take(format!("{kind}{}0\r\n", u64::MAX).as_bytes()), Err(Refused));
        }
    }

    #[test]
    fn many_small_values_in_one_reply_are_refused() {
        for kind in ["*", "%", "~", ">", "|"] {
            assert_eq!(take(format!("{kind}1000000\r\n").as_bytes()), Err(Refused));
        }
        assert_eq!(take(&b"*1\r\n".repeat(5_000)), Err(Refused));
        assert_eq!(take(&b"*2\r\n_\r\n".repeat(5_000)), Err(Refused));
        let texts = format!("$600000\r\n{}\r\n", "x".repeat(600_000));
        assert_eq!(take(format!("*2\r\n{texts}{texts}").as_bytes()), Err(Refused));
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        for kind in ["+", "-", "$", "x"] {
            assert_eq!(take(format!("{kind}{}", "\n".repeat(LONGEST_LINE + 1)).as_bytes()), Err(Refused));
        }
    }

    #[test]
    fn nothing_is_refused_where_the_library_reads_an_enormous_length() {
        for kind in ["!", "=", "%", "|", "*2\r\n!"] {
            assert_eq!(take(format!("{kind}-1\r\n").as_bytes()), Err(Refused), "{kind}");
        }
        // Both take it for a whole value, so what follows is measured as the next one.
        for kind in ["$", "*", "~", ">"] {
            let bytes = format!("{kind}-1\r\n");
            assert_eq!(take(bytes.as_bytes()), Ok(Replies::default()), "{kind}");
            assert!(redis::parse_redis_value(bytes.as_bytes()).is_ok(), "{kind}");
        }
    }

    #[test]
    fn what_others_might_read_as_a_length_and_we_do_not_is_refused() {
        for length in ["", "+5", " 5", "5 ", "-2", "-01", "?", "5x", "1-", "0x5"] {
            for kind in ["$", "*", "%"] {
                assert_eq!(take(format!("{kind}{length}\r\n").as_bytes()), Err(Refused), "{kind}{length}");
            }
        }
    }
}
