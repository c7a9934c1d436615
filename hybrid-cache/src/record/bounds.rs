//! What decoding may cost: depth, number of elements and memory are bounded by the bytes there are, whatever they say.
//!
//! A deserializer around another one. It knows nothing of the format that is read, and of a value only how large its
//! parts are in memory.
//!
//! Memory is counted as the compiler lays it out: each value that is asked for takes `size_of` of what its visitor
//! makes. A field stands in the value that it belongs to, which was counted already, as long as there is room in it; so
//! what is on the heap behind a `Box` is counted, and a struct in a struct is not counted twice. Whatever nesting of
//! boxes and fields a type has, no more than twice of what was counted is in use.

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor},
};

use super::refusal::Refusal;
use crate::shape::{DEEPEST, Kind, Shape};

/// What every value may take: a few bytes can say that a large enum has its smallest variant.
const MEMORY_OF_ANY: usize = 1 << 20;

/// What a value may take for each of its bytes. An `Option<String>` that is `None` takes 24.
const MEMORY_PER_BYTE: usize = 32;

/// As many elements as a visitor may make room for before it has seen one of them; fewer in each further sequence that
/// is open at the same time.
const FORESEEN_ELEMENTS: usize = 4096;

/// A value, and how it began.
#[derive(Debug)]
pub(super) struct Taken<'de, V> {
    pub(super) value: V,
    /// What the type's `Deserialize` asked for before it was told anything: see [`Opening`].
    pub(super) opening: u64,
    /// What is left behind it.
    pub(super) rest: &'de [u8],
}

/// Reads a `V` from the beginning of `bytes`.
///
/// If `opening` is given, a type that begins with another request is told nothing.
pub(super) fn take<'de, V: Deserialize<'de>>(
    bytes: &'de [u8],
    opening: Option<u64>,
) -> Result<Taken<'de, V>, Refusal> {
    let mut limits = Limits::of(bytes.len(), opening);
    let mut postcard = postcard::Deserializer::from_bytes(bytes);
    let read = V::deserialize(Bounded { inner: &mut postcard, limits: &mut limits, room: &mut 0 });
    // Asked first: a `Deserialize` may have made something else of our error.
    if let Some(refusal) = limits.refusal {
        return Err(refusal);
    }
    let value = read.map_err(Refusal::Undecodable)?;
    let rest = postcard.finalize().map_err(Refusal::Undecodable)?;
    Ok(Taken { value, opening: limits.opening.requests.number(), rest })
}

/// What is still allowed, and why something was not.
#[derive(Debug)]
struct Limits {
    memory: usize,
    depth: usize,
    opening: Opening,
    refusal: Option<Refusal>,
}

/// What a type asks for until it is told the first thing of its own: through options, sequences and the like to a
/// struct's name and fields, an enum's variants, or a number.
///
/// It tells types of one name apart before one of them reads what the other wrote, and runs none of their code for it.
#[derive(Debug)]
struct Opening {
    requests: Shape,
    over: bool,
    expected: Option<u64>,
}

impl Limits {
    fn of(bytes: usize, opening: Option<u64>) -> Self {
        let memory = bytes.saturating_mul(MEMORY_PER_BYTE).saturating_add(MEMORY_OF_ANY);
        let opening = Opening { requests: Shape::of(Kind::Unit), over: false, expected: opening };
        Self { memory, depth: 0, opening, refusal: None }
    }

    #[inline]
    fn count<E: Error>(&mut self, memory: usize) -> Result<(), E> {
        match self.memory.checked_sub(memory) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => self.refuse(Refusal::TooLarge),
        }
    }

    #[inline]
    fn request<E: Error>(&mut self, kind: Kind, name: &str, parts: &[&str], ends: bool) -> Result<(), E> {
        if self.opening.over { Ok(()) } else { self.open(kind, name, parts, ends) }
    }

    #[cold]
    fn open<E: Error>(&mut self, kind: Kind, name: &str, parts: &[&str], ends: bool) -> Result<(), E> {
        let request = Shape::of(kind).then_name(name);
        let request = parts.iter().fold(request, |request, part| request.then_name(part));
        self.opening.requests = self.opening.requests.then(request.number());
        self.opening.over = ends;
        let requests = self.opening.requests.number();
        if ends && self.opening.expected.is_some_and(|expected| expected != requests) {
            return self.refuse(Refusal::OtherType);
        }
        Ok(())
    }

    #[inline]
    fn enter<E: Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > DEEPEST { self.refuse(Refusal::TooDeep) } else { Ok(()) }
    }

    #[cold]
    fn refuse<E: Error>(&mut self, refusal: Refusal) -> Result<(), E> {
        let error = E::custom(&refusal);
        self.refusal.get_or_insert(refusal);
        Err(error)
    }
}

/// A deserializer that asks `limits` before it reads.
#[derive(Debug)]
struct Bounded<'a, D> {
    inner: D,
    limits: &'a mut Limits,
    /// What the value that this one stands in has not given to other parts yet.
    room: &'a mut usize,
}

impl<'de, D: Deserializer<'de>> Bounded<'_, D> {
    /// Counts what is about to be read.
    #[inline]
    fn begin<V: Visitor<'de>>(
        &mut self,
        kind: Kind,
        name: &str,
        parts: &[&str],
        ends: bool,
    ) -> Result<(), D::Error> {
        let size = size_of::<V::Value>();
        match self.room.checked_sub(size) {
            Some(left) => *self.room = left,
            None => self.limits.count(size)?,
        }
        self.limits.request(kind, name, parts, ends)
    }

    /// Reads something with parts, which stand in it or on the heap.
    #[inline]
    fn nested<V: Visitor<'de>>(
        self,
        visitor: V,
        place: Place,
        read: impl FnOnce(D, Nested<'_, V>) -> Result<V::Value, D::Error>,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, limits, .. } = self;
        limits.enter()?;
        let room = match place {
            Place::Inside => size_of::<V::Value>(),
            Place::Heap => 0,
        };
        let value = read(inner, Nested { visitor, limits, room })?;
        limits.depth -= 1;
        Ok(value)
    }
}

/// Where the parts of a value are.
#[derive(Debug, Clone, Copy)]
enum Place {
    Inside,
    Heap,
}

macro_rules! leaves {
    ($($method:ident: $kind:ident),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, D::Error> {
            self.begin::<V>(Kind::$kind, "", &[], true)?;
            self.inner.$method(visitor)
        }
    )*};
}

/// What the format has to refuse by itself: it could only be read by looking at what follows.
macro_rules! left_to_the_format {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    leaves! {
        deserialize_bool: Bool,
        deserialize_i8: I8, deserialize_i16: I16, deserialize_i32: I32, deserialize_i64: I64, deserialize_i128: I128,
        deserialize_u8: U8, deserialize_u16: U16, deserialize_u32: U32, deserialize_u64: U64, deserialize_u128: U128,
        deserialize_f32: F32, deserialize_f64: F64,
        deserialize_char: Char, deserialize_str: Str, deserialize_string: Str,
        deserialize_bytes: Bytes, deserialize_byte_buf: Bytes,
        deserialize_unit: Unit,
    }

    left_to_the_format! { deserialize_any deserialize_identifier deserialize_ignored_any }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::UnitStruct, name, &[], true)?;
        self.inner.deserialize_unit_struct(name, visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::Some, "", &[], false)?;
        self.nested(visitor, Place::Inside, |inner, nested| inner.deserialize_option(nested))
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::NewtypeStruct, name, &[], false)?;
        self.nested(visitor, Place::Inside, |inner, nested| inner.deserialize_newtype_struct(name, nested))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::Seq, "", &[], false)?;
        self.nested(visitor, Place::Heap, |inner, nested| inner.deserialize_seq(nested))
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::Map, "", &[], false)?;
        self.nested(visitor, Place::Heap, |inner, nested| inner.deserialize_map(nested))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::Tuple, "", &[], false)?;
        self.nested(visitor, Place::Inside, |inner, nested| inner.deserialize_tuple(len, nested))
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::TupleStruct, name, &[], false)?;
        self.nested(visitor, Place::Inside, |inner, nested| inner.deserialize_tuple_struct(name, len, nested))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::Struct, name, fields, true)?;
        self.nested(visitor, Place::Inside, |inner, nested| inner.deserialize_struct(name, fields, nested))
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.begin::<V>(Kind::StructVariant, name, variants, true)?;
        self.nested(visitor, Place::Inside, |inner, nested| inner.deserialize_enum(name, variants, nested))
    }
}

/// A visitor whose parts are bounded, too.
#[derive(Debug)]
struct Nested<'a, V> {
    visitor: V,
    limits: &'a mut Limits,
    room: usize,
}

impl<'a, V> Nested<'a, V> {
    fn parts<A>(self, inner: A) -> (V, Parts<'a, A>) {
        (self.visitor, Parts { inner, limits: self.limits, room: self.room })
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Nested<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(mut self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Bounded { inner, limits: self.limits, room: &mut self.room })
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(mut self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Bounded { inner, limits: self.limits, room: &mut self.room })
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let (visitor, parts) = self.parts(items);
        visitor.visit_seq(parts)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        let (visitor, parts) = self.parts(entries);
        visitor.visit_map(parts)
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let (visitor, parts) = self.parts(variant);
        visitor.visit_enum(parts)
    }
}

/// Elements, entries, fields, or a variant.
#[derive(Debug)]
struct Parts<'a, A> {
    inner: A,
    limits: &'a mut Limits,
    room: usize,
}

impl<A> Parts<'_, A> {
    #[inline]
    fn seed<S>(&mut self, seed: S) -> (&mut A, Part<'_, S>) {
        (&mut self.inner, Part { seed, limits: self.limits, room: &mut self.room })
    }

    fn foreseen(&self, promised: Option<usize>) -> Option<usize> {
        promised.map(|promised| promised.min(FORESEEN_ELEMENTS >> self.limits.depth.min(6)))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Parts<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        // Elements of no size are as many as somebody says.
        self.limits.count(1)?;
        let (inner, part) = self.seed(seed);
        inner.next_element_seed(part)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.foreseen(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Parts<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.limits.count(1)?;
        let (inner, part) = self.seed(seed);
        inner.next_key_seed(part)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let (inner, part) = self.seed(seed);
        inner.next_value_seed(part)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.foreseen(self.inner.size_hint())
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Parts<'a, A> {
    type Error = A::Error;
    type Variant = Parts<'a, A::Variant>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, inner) = self.inner.variant_seed(seed)?;
        Ok((value, Parts { inner, limits: self.limits, room: self.room }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Parts<'_, A> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Part { seed, limits: self.limits, room: &mut self.room })
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let Self { inner, limits, room } = self;
        inner.tuple_variant(len, Nested { visitor, limits, room })
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let Self { inner, limits, room } = self;
        inner.struct_variant(fields, Nested { visitor, limits, room })
    }
}

/// One of [`Parts`].
#[derive(Debug)]
struct Part<'a, S> {
    seed: S,
    limits: &'a mut Limits,
    room: &'a mut usize,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Part<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Bounded { inner, limits: self.limits, room: self.room })
    }
}
