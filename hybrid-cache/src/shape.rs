//! A fingerprint of what a value looks like: names, kinds and nesting, not its contents.
//!
//! Postcard writes no names and no types, so bytes of yesterday's struct are happily read as today's, with the fields
//! swapped. Therefore a record carries the fingerprint of the value that was stored, and what was decoded from it
//! must have the same one.
//!
//! Two values have the same fingerprint if a serializer is told the same about them, leaving out: the contents of
//! numbers, strings and bytes; the number and order of the elements of a sequence and of the entries of a map, which are
//! those of a set each time another one. `None` and `Some`, and the variants of an enum, are different shapes.
//!
//! Fingerprints are part of the wire format: stable between builds, platforms and versions of Rust.
//! This file knows nothing of postcard or records.

use std::fmt::Display;

use serde::ser::{self, Serialize, Serializer};
use twox_hash::XxHash3_64;

mod compound;
mod type_name;

#[cfg(test)]
mod tests;

use self::compound::{Elements, Entries, Fields, Items};
pub(crate) use self::type_name::of_type;

/// How deep values may be nested, each `Some` and each newtype counted, as in other serde formats: nobody knows how much
/// stack there is, and running out of it ends the process.
pub(crate) const DEEPEST: usize = 128;

/// The fingerprint of `value`.
///
/// # Errors
///
/// If its `Serialize` fails, or leaves out a field that it writes at other times (`skip_serializing_if`): a format
/// without names cannot bring such a value back.
pub(crate) fn fingerprint<T: Serialize + ?Sized>(value: &T) -> Result<u64, ShapeError> {
    value.serialize(Walk { deeper: DEEPEST }).map(|shape| shape.0)
}

/// A value has no shape that a stored copy could be checked against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShapeError {
    /// `skip_serializing_if` or the like took effect.
    #[error("the field `{0}` was left out (skip_serializing_if?), which the stored format cannot express")]
    SkippedField(&'static str),
    /// As deep as this nothing is written, since nothing as deep is read.
    #[error("it is nested more than {DEEPEST} deep")]
    TooDeep,
    /// What the type's own `Serialize` said.
    #[error("{0}")]
    Serialize(String),
}

impl ser::Error for ShapeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Serialize(message.to_string())
    }
}

/// The fingerprint of a part, on the way to that of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape(u64);

/// What a serializer can be told of. The numbers are part of the wire format.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Kind {
    Bool = 1,
    I8 = 2,
    I16 = 3,
    I32 = 4,
    I64 = 5,
    I128 = 6,
    U8 = 7,
    U16 = 8,
    U32 = 9,
    U64 = 10,
    U128 = 11,
    F32 = 12,
    F64 = 13,
    Char = 14,
    Str = 15,
    Bytes = 16,
    None = 17,
    Some = 18,
    Unit = 19,
    UnitStruct = 20,
    UnitVariant = 21,
    NewtypeStruct = 22,
    NewtypeVariant = 23,
    Seq = 24,
    Tuple = 25,
    TupleStruct = 26,
    TupleVariant = 27,
    Map = 28,
    Struct = 29,
    StructVariant = 30,
}

impl Shape {
    pub(crate) const fn of(kind: Kind) -> Self {
        Self(mix(kind as u64))
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// This shape followed by `part`; the order matters.
    pub(crate) const fn then(self, part: u64) -> Self {
        Self(mix(self.0.rotate_left(23) ^ mix(part)))
    }

    pub(crate) fn then_name(self, name: &str) -> Self {
        self.then(XxHash3_64::oneshot(name.as_bytes()))
    }

    fn of_variant(kind: Kind, name: &str, index: u32, variant: &str) -> Self {
        Self::of(kind).then_name(name).then(index.into()).then_name(variant)
    }
}

/// The finaliser of `SplitMix64`: every bit of the input changes about half of the output's.
const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A serializer whose output is the fingerprint.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// How much deeper it may go.
    deeper: usize,
}

impl Walk {
    /// For the parts of a value.
    fn inside(self) -> Result<Self, ShapeError> {
        self.deeper.checked_sub(1).map(|deeper| Self { deeper }).ok_or(ShapeError::TooDeep)
    }
}

macro_rules! leaves {
    ($($method:ident($content:ty): $kind:ident),* $(,)?) => {$(
        #[inline]
        fn $method(self, _: $content) -> Result<Shape, ShapeError> {
            const SHAPE: Shape = Shape::of(Kind::$kind);
            Ok(SHAPE)
        }
    )*};
}

impl Serializer for Walk {
    type Ok = Shape;
    type Error = ShapeError;
    type SerializeSeq = Elements;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    /// As postcard says, since types such as addresses and dates serialise differently for people.
    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        serialize_bool(bool): Bool,
        serialize_i8(i8): I8, serialize_i16(i16): I16, serialize_i32(i32): I32, serialize_i64(i64): I64,
        serialize_i128(i128): I128,
        serialize_u8(u8): U8, serialize_u16(u16): U16, serialize_u32(u32): U32, serialize_u64(u64): U64,
        serialize_u128(u128): U128,
        serialize_f32(f32): F32, serialize_f64(f64): F64,
        serialize_char(char): Char, serialize_str(&str): Str, serialize_bytes(&[u8]): Bytes,
    }

    fn serialize_none(self) -> Result<Shape, ShapeError> {
        Ok(Shape::of(Kind::None))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape, ShapeError> {
        Ok(Shape::of(Kind::Some).then(value.serialize(self.inside()?)?.0))
    }

    fn serialize_unit(self) -> Result<Shape, ShapeError> {
        Ok(Shape::of(Kind::Unit))
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Shape, ShapeError> {
        Ok(Shape::of(Kind::UnitStruct).then_name(name))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<Shape, ShapeError> {
        Ok(Shape::of_variant(Kind::UnitVariant, name, index, variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Shape, ShapeError> {
        Ok(Shape::of(Kind::NewtypeStruct).then_name(name).then(value.serialize(self.inside()?)?.0))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Shape, ShapeError> {
        Ok(Shape::of_variant(Kind::NewtypeVariant, name, index, variant)
            .then(value.serialize(self.inside()?)?.0))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements, ShapeError> {
        Ok(Elements::new(self.inside()?, Shape::of(Kind::Seq)))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, ShapeError> {
        Ok(Items::new(self.inside()?, Shape::of(Kind::Tuple)))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Items, ShapeError> {
        Ok(Items::new(self.inside()?, Shape::of(Kind::TupleStruct).then_name(name)))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, ShapeError> {
        Ok(Items::new(self.inside()?, Shape::of_variant(Kind::TupleVariant, name, index, variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, ShapeError> {
        Ok(Entries::new(self.inside()?, Shape::of(Kind::Map)))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields, ShapeError> {
        Ok(Fields::new(self.inside()?, Shape::of(Kind::Struct).then_name(name)))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, ShapeError> {
        Ok(Fields::new(self.inside()?, Shape::of_variant(Kind::StructVariant, name, index, variant)))
    }

    /// Whatever it would display is a string.
    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<Shape, ShapeError> {
        Ok(Shape::of(Kind::Str))
    }
}
