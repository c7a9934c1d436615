//! What holds other values: sequences and tuples, structs, maps.

use std::ops::Range;

use serde::ser::{self, Serialize};
use smallvec::SmallVec;

use super::{Encoder, NotWritten};

/// The parts of a sequence, a tuple, or a tuple variant.
#[derive(Debug)]
pub(in crate::key) struct Items<'w, 'a> {
    encoder: &'w mut Encoder<'a>,
    close: u8,
    empty: bool,
}

impl<'w, 'a> Items<'w, 'a> {
    pub(super) fn new(encoder: &'w mut Encoder<'a>, close: u8) -> Self {
        Self { encoder, close, empty: true }
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NotWritten> {
        if !std::mem::take(&mut self.empty) {
            self.encoder.structure(b',');
        }
        self.encoder.value(item)
    }

    fn close(self) {
        self.encoder.structure(self.close);
    }
}

macro_rules! items {
    ($($what:ident, $part:ident;)*) => {$(
        impl ser::$what for Items<'_, '_> {
            type Ok = ();
            type Error = NotWritten;

            fn $part<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NotWritten> {
                self.item(item)
            }

            fn end(self) -> Result<(), NotWritten> {
                self.close();
                Ok(())
            }
        }
    )*};
}

items! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

/// The fields of a struct or a struct variant, in declared order.
#[derive(Debug)]
pub(in crate::key) struct Fields<'w, 'a> {
    encoder: &'w mut Encoder<'a>,
    empty: bool,
}

impl<'w, 'a> Fields<'w, 'a> {
    pub(super) fn new(encoder: &'w mut Encoder<'a>) -> Self {
        Self { encoder, empty: true }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), NotWritten> {
        if !std::mem::take(&mut self.empty) {
            self.encoder.structure(b',');
        }
        self.encoder.text(name);
        self.encoder.structure(b'=');
        self.encoder.value(value)
    }
}

macro_rules! fields {
    ($($what:ident),*) => {$(
        impl ser::$what for Fields<'_, '_> {
            type Ok = ();
            type Error = NotWritten;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotWritten> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), NotWritten> {
                self.encoder.structure(b'}');
                Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

/// The entries of a map. They are written as they come and put in order at the end, because maps without an order
/// of their own come in a different one in every process.
#[derive(Debug)]
pub(in crate::key) struct Entries<'w, 'a> {
    encoder: &'w mut Encoder<'a>,
    start: usize,
    written: SmallVec<[Entry; 8]>,
}

/// Where one entry stands in the buffer: `key` `=` `value`.
#[derive(Debug)]
struct Entry {
    key: Range<usize>,
    value: Range<usize>,
}

impl<'w, 'a> Entries<'w, 'a> {
    pub(super) fn new(encoder: &'w mut Encoder<'a>) -> Self {
        let start = encoder.buffer.len();
        Self { encoder, start, written: SmallVec::new() }
    }

    /// Puts the entries in the order of their written keys.
    fn sort(&mut self) {
        let buffer = &mut *self.encoder.buffer;
        let text = |range: &Range<usize>| buffer.get(range.clone()).unwrap_or_default();
        let order = |entry: &Entry| (text(&entry.key), text(&entry.value));
        if self.written.is_sorted_by_key(order) {
            return;
        }
        self.written.sort_by(|a, b| order(a).cmp(&order(b)));

        let mut sorted = Vec::with_capacity(buffer.len() - self.start);
        for entry in &self.written {
            if !sorted.is_empty() {
                sorted.push(b',');
            }
            sorted.extend_from_slice(text(&(entry.key.start..entry.value.end)));
        }
        buffer.truncate(self.start);
        buffer.extend_from_slice(&sorted);
    }
}

impl ser::SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = NotWritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotWritten> {
        if !self.written.is_empty() {
            self.encoder.structure(b',');
        }
        let start = self.encoder.buffer.len();
        self.encoder.value(key)?;
        let end = self.encoder.buffer.len();
        self.encoder.structure(b'=');
        self.written.push(Entry { key: start..end, value: end + 1..end + 1 });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        self.encoder.value(value)?;
        let end = self.encoder.buffer.len();
        let entry =
            self.written.last_mut().ok_or_else(|| ser::Error::custom("a map's value came before its key"))?;
        entry.value.end = end;
        Ok(())
    }

    fn end(mut self) -> Result<(), NotWritten> {
        self.sort();
        self.encoder.structure(b'}');
        Ok(())
    }
}
