//! One value → its canonical text: a serde serializer that follows the grammar in `key.rs`.
//!
//! Knows nothing of argument names, templates' literals and digests.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Serialize, Serializer};
use smallvec::SmallVec;

use super::{buffer::Buffer, escape, packed};

mod compound;
mod set;

use self::compound::{Entries, Fields, Items};

/// A value could not be written; what its `Serialize` said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotWritten(String);

impl ser::Error for NotWritten {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes values into a key text.
#[derive(Debug)]
pub(super) struct Encoder<'a> {
    buffer: &'a mut Buffer,
    /// The first character of the literal that follows the value in a template; it ends the value.
    guarded: Option<char>,
    /// Where the value begins that is [packed] if it is an integer.
    packed_at: usize,
}

impl<'a> Encoder<'a> {
    /// For an argument: packed.
    #[inline]
    pub(super) fn argument(buffer: &'a mut Buffer) -> Self {
        Self { packed_at: buffer.len(), buffer, guarded: None }
    }

    /// For a value in a template.
    pub(super) fn new(buffer: &'a mut Buffer, guarded: Option<char>) -> Self {
        Self { buffer, guarded, packed_at: usize::MAX }
    }

    /// A number, a word of the grammar: nothing in it is reserved.
    fn token(&mut self, token: &str) {
        match self.guarded {
            None => self.buffer.extend_from_slice(token.as_bytes()),
            Some(guarded) => escape::push_token_guarding(self.buffer, token, guarded),
        }
    }

    /// A string or a name: quoted where it could be something else.
    fn text(&mut self, text: &str) {
        let ambiguous = escape::is_ambiguous(text);
        if ambiguous {
            self.structure(b'\'');
        }
        match self.guarded {
            None => escape::push_text(self.buffer, text),
            Some(guarded) => escape::push_text_guarding(self.buffer, text, guarded),
        }
        if ambiguous {
            self.structure(b'\'');
        }
    }

    /// A mark of the grammar. Never escaped: at the top of a value these are not found plain in any literal, and
    /// further in a reader knows by the brackets that the value has not ended.
    fn structure(&mut self, mark: u8) {
        self.buffer.push(mark);
    }

    #[inline]
    fn integer(&mut self, is_negative: bool, magnitude: u64) {
        if self.buffer.len() == self.packed_at {
            return packed::push_integer(self.buffer, is_negative, magnitude);
        }
        if self.guarded.is_some() {
            return self.guarded_integer(is_negative, magnitude);
        }
        if is_negative {
            self.buffer.push(b'-');
        }
        self.buffer.extend_from_slice(itoa::Buffer::new().format(magnitude).as_bytes());
    }

    fn guarded_integer(&mut self, is_negative: bool, magnitude: u64) {
        if is_negative {
            self.token("-");
        }
        self.token(itoa::Buffer::new().format(magnitude));
    }

    /// Writes a value that is part of another, or an argument.
    #[inline]
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        let start = self.buffer.len();
        value.serialize(&mut *self)?;
        if set::is_set::<T>() {
            set::sort(self.buffer, start);
        }
        Ok(())
    }

    fn items(&mut self, open: u8, close: u8) -> Items<'_, 'a> {
        self.structure(open);
        Items::new(self, close)
    }

    fn fields(&mut self) -> Fields<'_, 'a> {
        self.structure(b'{');
        Fields::new(self)
    }
}

/// The word for a float that is not finite.
fn infinite_word(is_nan: bool, is_negative: bool) -> &'static str {
    match (is_nan, is_negative) {
        (true, _) => "NaN",
        (false, false) => "inf",
        (false, true) => "-inf",
    }
}

macro_rules! integers {
    (signed: $($signed:ident: $i:ty),*; unsigned: $($unsigned:ident: $u:ty),*; large: $($large:ident: $l:ty),* $(,)?) => {
        $(
            #[inline]
            fn $signed(self, value: $i) -> Result<(), NotWritten> {
                self.integer(value < 0, value.unsigned_abs().into());
                Ok(())
            }
        )*
        $(
            #[inline]
            fn $unsigned(self, value: $u) -> Result<(), NotWritten> {
                self.integer(false, value.into());
                Ok(())
            }
        )*
        $(
            fn $large(self, value: $l) -> Result<(), NotWritten> {
                // Whatever its width, a number is written in one way.
                match i64::try_from(value) {
                    Ok(value) => self.integer(value < 0, value.unsigned_abs()),
                    Err(_) => match u64::try_from(value) {
                        Ok(value) => self.integer(false, value),
                        Err(_) => self.token(itoa::Buffer::new().format(value)),
                    },
                }
                Ok(())
            }
        )*
    };
}

macro_rules! floats {
    ($($method:ident: $float:ty),* $(,)?) => {$(
        fn $method(self, value: $float) -> Result<(), NotWritten> {
            if value.is_finite() {
                // Adding zero turns -0.0 into 0.0 and changes nothing else.
                self.token(ryu::Buffer::new().format_finite(value + 0.0));
            } else {
                self.token(infinite_word(value.is_nan(), value.is_sign_negative()));
            }
            Ok(())
        }
    )*};
}

impl<'w, 'a> Serializer for &'w mut Encoder<'a> {
    type Ok = ();
    type Error = NotWritten;
    type SerializeSeq = Items<'w, 'a>;
    type SerializeTuple = Items<'w, 'a>;
    type SerializeTupleStruct = Items<'w, 'a>;
    type SerializeTupleVariant = Items<'w, 'a>;
    type SerializeMap = Entries<'w, 'a>;
    type SerializeStruct = Fields<'w, 'a>;
    type SerializeStructVariant = Fields<'w, 'a>;

    fn is_human_readable(&self) -> bool {
        true
    }

    integers! {
        signed: serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64;
        unsigned: serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64;
        large: serialize_i128: i128, serialize_u128: u128,
    }

    floats! { serialize_f32: f32, serialize_f64: f64 }

    fn serialize_bool(self, value: bool) -> Result<(), NotWritten> {
        self.token(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), NotWritten> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), NotWritten> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NotWritten> {
        self.token("x");
        self.structure(b'\'');
        for byte in value {
            let digits =
                [byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0'));
            for digit in digits {
                self.token(digit.encode_utf8(&mut [0; 4]));
            }
        }
        self.structure(b'\'');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), NotWritten> {
        self.structure(b'~');
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotWritten> {
        let start = self.buffer.len();
        self.value(value)?;
        if self.buffer.get(start) == Some(&b'~') {
            self.buffer.insert(start, b'~');
        }
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), NotWritten> {
        self.structure(b'(');
        self.structure(b')');
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), NotWritten> {
        self.text(name);
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NotWritten> {
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotWritten> {
        self.value(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NotWritten> {
        self.text(variant);
        self.structure(b'(');
        self.value(value)?;
        self.structure(b')');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'w, 'a>, NotWritten> {
        Ok(self.items(b'[', b']'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'w, 'a>, NotWritten> {
        Ok(self.items(b'(', b')'))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'w, 'a>, NotWritten> {
        Ok(self.items(b'(', b')'))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'w, 'a>, NotWritten> {
        self.text(variant);
        Ok(self.items(b'(', b')'))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'w, 'a>, NotWritten> {
        self.structure(b'{');
        Ok(Entries::new(self))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'w, 'a>, NotWritten> {
        Ok(self.fields())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'w, 'a>, NotWritten> {
        self.text(variant);
        Ok(self.fields())
    }

    /// Whether a text is quoted shows only at its end, so it is collected first; on the stack where it is short.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), NotWritten> {
        let mut collected = Collected(SmallVec::new());
        write!(collected, "{value}").map_err(|_| ser::Error::custom("its Display failed"))?;
        self.text(std::str::from_utf8(&collected.0).map_err(ser::Error::custom)?);
        Ok(())
    }
}

struct Collected(SmallVec<[u8; 128]>);

impl fmt::Write for Collected {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0.extend_from_slice(part.as_bytes());
        Ok(())
    }
}
