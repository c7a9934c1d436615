//! The shape of what holds other values.

use serde::ser::{self, Serialize};
use smallvec::SmallVec;

use super::{Shape, ShapeError, Walk};

/// The parts of a tuple or an array, run by run: a million bytes cost a million comparisons, not a million hashes.
#[derive(Debug)]
pub(super) struct Items {
    walk: Walk,
    shape: Shape,
    run: Option<Run>,
}

/// Parts of the same shape, one behind the other. How many is part of the type: `(u8, u8, u16)` is not `(u8, u16, u16)`.
#[derive(Debug)]
struct Run {
    part: Shape,
    length: u64,
}

impl Items {
    pub(super) fn new(walk: Walk, shape: Shape) -> Self {
        Self { walk, shape, run: None }
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ShapeError> {
        let part = item.serialize(self.walk)?;
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
            self.shape = self.shape.then(run.part.0).then(run.length);
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
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

/// Which shapes occur, not in which order or how often.
#[derive(Debug, Default)]
struct Occurring {
    shapes: SmallVec<[Shape; 8]>,
    /// How many there may be before those that occurred twice are looked for.
    crowd: usize,
}

impl Occurring {
    #[inline]
    fn add(&mut self, shape: Shape) {
        // Most sequences and maps have parts of one shape.
        if self.shapes.last() != Some(&shape) {
            self.add_another(shape);
        }
    }

    fn add_another(&mut self, shape: Shape) {
        if self.shapes.len() > self.crowd {
            self.sort();
            self.crowd = 64 + 2 * self.shapes.len();
        }
        self.shapes.push(shape);
    }

    fn sort(&mut self) {
        self.shapes.sort_unstable();
        self.shapes.dedup();
    }

    fn end(mut self, shape: Shape) -> Shape {
        self.sort();
        self.shapes.iter().fold(shape, |shape, part| shape.then(part.0))
    }
}

/// The elements of a sequence, which may be a set.
#[derive(Debug)]
pub(super) struct Elements {
    walk: Walk,
    shape: Shape,
    occurring: Occurring,
}

impl Elements {
    pub(super) fn new(walk: Walk, shape: Shape) -> Self {
        Self { walk, shape, occurring: Occurring::default() }
    }
}

impl ser::SerializeSeq for Elements {
    type Ok = Shape;
    type Error = ShapeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), ShapeError> {
        self.occurring.add(element.serialize(self.walk)?);
        Ok(())
    }

    fn end(self) -> Result<Shape, ShapeError> {
        Ok(self.occurring.end(self.shape))
    }
}

/// The fields of a struct: names and shapes, in order.
#[derive(Debug)]
pub(super) struct Fields {
    walk: Walk,
    shape: Shape,
}

impl Fields {
    pub(super) fn new(walk: Walk, shape: Shape) -> Self {
        Self { walk, shape }
    }
}

macro_rules! fields {
    ($($what:ident),*) => {$(
        impl ser::$what for Fields {
            type Ok = Shape;
            type Error = ShapeError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ShapeError> {
                self.shape = self.shape.then_name(name).then(value.serialize(self.walk)?.0);
                Ok(())
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), ShapeError> {
                Err(ShapeError::SkippedField(name))
            }

            fn end(self) -> Result<Shape, ShapeError> {
                Ok(self.shape)
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

/// The entries of a map.
#[derive(Debug)]
pub(super) struct Entries {
    walk: Walk,
    shape: Shape,
    key: Option<Shape>,
    occurring: Occurring,
}

impl Entries {
    pub(super) fn new(walk: Walk, shape: Shape) -> Self {
        Self { walk, shape, key: None, occurring: Occurring::default() }
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Shape;
    type Error = ShapeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ShapeError> {
        self.key = Some(key.serialize(self.walk)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        let key = self.key.take().ok_or_else(|| ser::Error::custom("a map's value came before its key"))?;
        self.occurring.add(key.then(value.serialize(self.walk)?.0));
        Ok(())
    }

    fn end(self) -> Result<Shape, ShapeError> {
        Ok(self.occurring.end(self.shape))
    }
}
