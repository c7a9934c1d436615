//! The shape of what holds other values.

use serde::ser::{self, Serialize};
use smallvec::SmallVec;

use super::{Shape, ShapeError, Walk};

/// The parts of a sequence or tuple, run by run: a million bytes cost a million comparisons, not a million hashes.
#[derive(Debug)]
pub(super) struct Items {
    shape: Shape,
    run: Option<Run>,
    lengths_matter: bool,
}

/// Parts of the same shape, one behind the other.
#[derive(Debug)]
struct Run {
    part: Shape,
    length: u64,
}

impl Items {
    /// Of a sequence: its length, and that of its runs, is content.
    pub(super) fn of_sequence(shape: Shape) -> Self {
        Self { shape, run: None, lengths_matter: false }
    }

    /// Of a tuple or an array: the length is part of the type. `(u8, u8, u16)` is not `(u8, u16, u16)`.
    pub(super) fn of_tuple(shape: Shape) -> Self {
        Self { shape, run: None, lengths_matter: true }
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ShapeError> {
        let part = item.serialize(Walk)?;
        match &mut self.run {
            Some(run) if run.part == part => run.length += 1,
            _ => {
                self.end_run();
                self.run = Some(Run { part, length: 1 });
            }
        }
        Ok(())
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.shape = self.shape.then(run.part.0);
            if self.lengths_matter {
                self.shape = self.shape.then(run.length);
            }
        }
    }

    fn end(mut self) -> Shape {
        self.end_run();
        self.shape
    }
}

macro_rules! items {
    ($($what:ident, $part:ident;)*) => {$(
        impl ser::$what for Items {
            type Ok = Shape;
            type Error = ShapeError;

            #[inline]
            fn $part<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ShapeError> {
                self.item(item)
            }

            fn end(self) -> Result<Shape, ShapeError> {
                Ok(Items::end(self))
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

/// The fields of a struct: names and shapes, in order.
#[derive(Debug)]
pub(super) struct Fields(Shape);

impl Fields {
    pub(super) fn new(shape: Shape) -> Self {
        Self(shape)
    }
}

macro_rules! fields {
    ($($what:ident),*) => {$(
        impl ser::$what for Fields {
            type Ok = Shape;
            type Error = ShapeError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ShapeError> {
                self.0 = self.0.then_name(name).then(value.serialize(Walk)?.0);
                Ok(())
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), ShapeError> {
                Err(ShapeError::SkippedField(name))
            }

            fn end(self) -> Result<Shape, ShapeError> {
                Ok(self.0)
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

/// The entries of a map: which shapes occur, not in which order or how often.
#[derive(Debug)]
pub(super) struct Entries {
    shape: Shape,
    key: Option<Shape>,
    seen: SmallVec<[Shape; 8]>,
}

impl Entries {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, key: None, seen: SmallVec::new() }
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Shape;
    type Error = ShapeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ShapeError> {
        self.key = Some(key.serialize(Walk)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        let key = self.key.take().ok_or_else(|| ser::Error::custom("a map's value came before its key"))?;
        let entry = key.then(value.serialize(Walk)?.0);
        // Most maps have entries of one shape.
        if self.seen.last() != Some(&entry) {
            self.seen.push(entry);
        }
        Ok(())
    }

    fn end(mut self) -> Result<Shape, ShapeError> {
        self.seen.sort_unstable();
        self.seen.dedup();
        Ok(self.seen.iter().fold(self.shape, |shape, entry| shape.then(entry.0)))
    }
}
