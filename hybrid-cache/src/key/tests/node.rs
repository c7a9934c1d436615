//! Any value of serde's data model, and which of them are meant to be the same.

use proptest::{collection::vec, prelude::*};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple},
    ser::{SerializeTupleStruct, SerializeTupleVariant},
};

use super::text;

type Name = &'static str;

/// What a serializer can be told.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Bool(bool),
    Narrow(i8),
    Wide(i64),
    Unsigned(u128),
    Float(f64),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Node>),
    Unit,
    UnitStruct(Name),
    UnitVariant(Name),
    NewtypeStruct(Name, Box<Node>),
    NewtypeVariant(Name, Box<Node>),
    Seq(Vec<Node>),
    Tuple(Vec<Node>),
    TupleStruct(Name, Vec<Node>),
    TupleVariant(Name, Vec<Node>),
    Map(Vec<(Node, Node)>),
    Struct(Name, Vec<(Name, Node)>),
    StructVariant(Name, Vec<(Name, Node)>),
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Narrow(value) => serializer.serialize_i8(*value),
            Self::Wide(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u128(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Str(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::None => serializer.serialize_none(),
            Self::Some(value) => serializer.serialize_some(value),
            Self::Unit => serializer.serialize_unit(),
            Self::UnitStruct(name) => serializer.serialize_unit_struct(name),
            Self::UnitVariant(name) => serializer.serialize_unit_variant("E", 0, name),
            Self::NewtypeStruct(name, value) => serializer.serialize_newtype_struct(name, value),
            Self::NewtypeVariant(name, value) => serializer.serialize_newtype_variant("E", 0, name, value),
            Self::Seq(items) => {
                let mut seq = serializer.serialize_seq(None)?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Tuple(items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_element(item))?;
                tuple.end()
            }
            Self::TupleStruct(name, items) => {
                let mut tuple = serializer.serialize_tuple_struct(name, items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_field(item))?;
                tuple.end()
            }
            Self::TupleVariant(name, items) => {
                let mut tuple = serializer.serialize_tuple_variant("E", 0, name, items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_field(item))?;
                tuple.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Struct(name, fields) => {
                let mut fields_of = serializer.serialize_struct(name, fields.len())?;
                fields.iter().try_for_each(|(field, value)| fields_of.serialize_field(field, value))?;
                fields_of.end()
            }
            Self::StructVariant(name, fields) => {
                let mut fields_of = serializer.serialize_struct_variant("E", 0, name, fields.len())?;
                fields.iter().try_for_each(|(field, value)| fields_of.serialize_field(field, value))?;
                fields_of.end()
            }
        }
    }
}

/// What the documentation of `key` says a value is, whatever it is called. Equal meanings, and only these, have
/// equal texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    Bool(bool),
    Integer(Result<i128, u128>),
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    /// So many `Some` around a `None`.
    Nothing(usize),
    Sequence(Vec<Meaning>),
    Tuple(Vec<Meaning>),
    Entries(Vec<(Meaning, Meaning)>),
    Variant(String, Box<Meaning>),
}

fn integer(value: u128) -> Meaning {
    Meaning::Integer(i128::try_from(value).map_err(|_| value))
}

fn float(value: f64) -> Meaning {
    let canonical = match value {
        value if value.is_nan() => f64::NAN,
        0.0 => 0.0,
        value => value,
    };
    Meaning::Float(canonical.to_bits())
}

fn all(nodes: &[Node]) -> Vec<Meaning> {
    nodes.iter().map(Node::meaning).collect()
}

fn fields(fields: &[(Name, Node)]) -> Meaning {
    let entry = |(name, node): &(Name, Node)| (Meaning::Text((*name).to_owned()), node.meaning());
    Meaning::Entries(fields.iter().map(entry).collect())
}

impl Node {
    pub(super) fn meaning(&self) -> Meaning {
        match self {
            Self::Bool(value) => Meaning::Bool(*value),
            Self::Narrow(value) => Meaning::Integer(Ok((*value).into())),
            Self::Wide(value) => Meaning::Integer(Ok((*value).into())),
            Self::Unsigned(value) => integer(*value),
            Self::Float(value) => float(*value),
            Self::Char(value) => Meaning::Text(value.to_string()),
            Self::Str(value) => Meaning::Text(value.clone()),
            Self::Bytes(value) => Meaning::Bytes(value.clone()),
            Self::None => Meaning::Nothing(0),
            Self::Some(value) => match value.meaning() {
                Meaning::Nothing(depth) => Meaning::Nothing(depth + 1),
                some => some,
            },
            Self::Unit => Meaning::Tuple(Vec::new()),
            Self::UnitStruct(name) | Self::UnitVariant(name) => Meaning::Text((*name).to_owned()),
            Self::NewtypeStruct(_, value) => value.meaning(),
            Self::NewtypeVariant(name, value) => {
                Meaning::Variant((*name).to_owned(), Box::new(Meaning::Tuple(vec![value.meaning()])))
            }
            Self::Seq(items) => Meaning::Sequence(all(items)),
            Self::Tuple(items) | Self::TupleStruct(_, items) => Meaning::Tuple(all(items)),
            Self::TupleVariant(name, items) => {
                Meaning::Variant((*name).to_owned(), Box::new(Meaning::Tuple(all(items))))
            }
            Self::Map(entries) => {
                // Only the order is taken from the texts; that is how the grammar defines it.
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, value)| (text(key), text(value)));
                Meaning::Entries(
                    entries.iter().map(|(key, value)| (key.meaning(), value.meaning())).collect(),
                )
            }
            Self::Struct(_, of) => fields(of),
            Self::StructVariant(name, of) => Meaning::Variant((*name).to_owned(), Box::new(fields(of))),
        }
    }
}

/// Names and strings made of what has a meaning in keys, few and short: accidents are to be frequent.
fn name() -> impl Strategy<Value = Name> {
    prop::sample::select(vec![
        "a", "b", "1", "", "~", "true", "x", "a=", "A,a", "-inf", "(", "é", "1(1)", "%",
    ])
}

pub(super) fn hostile_string() -> impl Strategy<Value = String> {
    let characters = "ab1-.e,=:~'()[]{}#%*x2C \u{85}é\n";
    vec(prop::sample::select(characters.chars().collect::<Vec<_>>()), 0..4).prop_map(String::from_iter)
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        any::<bool>().prop_map(Node::Bool),
        (-2..3_i8).prop_map(Node::Narrow),
        prop_oneof![-2..12_i64, any::<i64>()].prop_map(Node::Wide),
        prop_oneof![0..12_u128, any::<u128>()].prop_map(Node::Unsigned),
        prop_oneof![
            prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, f64::NAN, -f64::NAN, f64::INFINITY, 1e20, 0.1]),
            any::<f64>(),
        ]
        .prop_map(Node::Float),
        prop::sample::select(vec!['a', '1', '~', ',', '\'', '\u{85}']).prop_map(Node::Char),
        hostile_string().prop_map(Node::Str),
        vec(prop::sample::select(vec![0, 1, b'a']), 0..3).prop_map(Node::Bytes),
        Just(Node::None),
        Just(Node::Unit),
        name().prop_map(Node::UnitStruct),
        name().prop_map(Node::UnitVariant),
    ]
}

/// Any value, up to a few levels deep.
pub(super) fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(3, 12, 3, |part| {
        let parts = || vec(part.clone(), 0..3);
        let named = || vec((name(), part.clone()), 0..3);
        let boxed = || part.clone().prop_map(Box::new);
        prop_oneof![
            boxed().prop_map(Node::Some),
            (name(), boxed()).prop_map(|(name, value)| Node::NewtypeStruct(name, value)),
            (name(), boxed()).prop_map(|(name, value)| Node::NewtypeVariant(name, value)),
            parts().prop_map(Node::Seq),
            parts().prop_map(Node::Tuple),
            (name(), parts()).prop_map(|(name, items)| Node::TupleStruct(name, items)),
            (name(), parts()).prop_map(|(name, items)| Node::TupleVariant(name, items)),
            vec((part.clone(), part.clone()), 0..3).prop_map(Node::Map),
            (name(), named()).prop_map(|(name, fields)| Node::Struct(name, fields)),
            (name(), named()).prop_map(|(name, fields)| Node::StructVariant(name, fields)),
        ]
    })
}
