//! Types that postcard writes and cannot read back are found out before anything is stored.

use std::{
    collections::{HashMap, HashSet},
    panic::resume_unwind,
};

use super::{hostile::around, *};
use crate::{
    record::codec::{EncodeError, NoRoundTrip},
    shape::ShapeError,
};

fn complaint<V: Serialize + DeserializeOwned>(value: &V) -> NoRoundTrip {
    Codec::new().encode(value).unwrap_err()
}

#[test]
fn ordinary_types_survive() {
    let codec = Codec::new();
    assert!(codec.encode(&product()).is_ok());
    assert!(Codec::new().encode(&Some(vec![(1_u8, 'x')])).is_ok());
    assert!(Codec::new().encode(&f64::NAN).is_ok());
    assert!(Codec::new().encode(&()).is_ok());
}

#[test]
fn a_json_value_is_found_out() {
    assert!(matches!(complaint(&serde_json::json!({"a": [1, null]})), NoRoundTrip::Decode(_)));
    assert!(matches!(complaint(&serde_json::json!(null)), NoRoundTrip::Decode(_)));
}

#[test]
fn an_untagged_enum_is_found_out() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum NumberOrText {
        Number(u32),
        Text(String),
    }
    assert!(matches!(complaint(&NumberOrText::Number(1)), NoRoundTrip::Decode(_)));
    assert!(matches!(complaint(&NumberOrText::Text("a".into())), NoRoundTrip::Decode(_)));
}

#[test]
fn an_internally_tagged_enum_is_found_out() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Event {
        Created { id: u32 },
    }
    assert!(matches!(complaint(&Event::Created { id: 1 }), NoRoundTrip::Decode(_)));
}

#[test]
fn a_flattened_struct_is_found_out() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Page {
        #[serde(flatten)]
        range: Range,
    }
    #[derive(Debug, Serialize, Deserialize)]
    struct Range {
        from: u32,
    }
    assert!(matches!(
        complaint(&Page { range: Range { from: 1 } }),
        NoRoundTrip::Encode(EncodeError::Postcard(postcard::Error::SerializeSeqLengthUnknown))
    ));
}

#[derive(Debug, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u8>,
    second: u8,
}

#[test]
fn a_skipped_field_is_found_out_at_whichever_store_it_happens() {
    let codec = Codec::new();
    assert!(codec.encode(&Sparse { first: Some(1), second: 2 }).is_ok());
    let later = codec.encode(&Sparse { first: None, second: 2 });
    assert!(matches!(later, Err(NoRoundTrip::Encode(EncodeError::Shape(ShapeError::SkippedField("first"))))));
    assert!(matches!(
        complaint(&Sparse { first: None, second: 2 }),
        NoRoundTrip::Encode(EncodeError::Shape(_))
    ));
}

#[test]
fn a_type_that_reads_otherwise_than_it_writes_is_found_out() {
    #[derive(Debug, Deserialize)]
    struct Count(#[expect(dead_code, reason = "only read")] u64);
    impl Serialize for Count {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_some(&0_u8)
        }
    }
    assert!(matches!(complaint(&Count(300)), NoRoundTrip::Decode(Refusal::TrailingBytes(1))));
}

#[test]
fn a_type_that_comes_back_as_something_else_is_found_out() {
    #[derive(Debug, Deserialize)]
    struct Switch(bool);
    impl Serialize for Switch {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            // One byte either way; what is read is a bool and goes on as one.
            if self.0 {
                serializer.serialize_newtype_struct("Switch", &false)
            } else {
                serializer.serialize_u8(1)
            }
        }
    }
    assert!(matches!(complaint(&Switch(false)), NoRoundTrip::OtherShape));
}

/// A codec that compares what comes back.
fn comparing<V: Serialize + DeserializeOwned + PartialEq>() -> Codec<V> {
    Codec::new().comparing(Some(V::eq))
}

#[test]
fn a_field_that_serde_skips_is_found_out_where_values_can_be_compared() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct User {
        id: u32,
        #[serde(skip)]
        roles: Vec<String>,
    }
    let user = |roles: &[&str]| User { id: 7, roles: roles.iter().map(ToString::to_string).collect() };
    assert!(comparing().encode(&user(&[])).is_ok(), "nothing is lost of this one");
    assert!(matches!(comparing().encode(&user(&["admin"])), Err(NoRoundTrip::OtherValue)));
    assert!(Codec::new().encode(&user(&["admin"])).is_ok(), "without a comparison nobody knows");
}

#[test]
fn a_lossy_with_is_found_out_where_values_can_be_compared() {
    mod seconds {
        use std::time::Duration;

        use serde::{Deserialize as _, Deserializer, Serializer};

        pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u64(time.as_secs())
        }
        pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
            u64::deserialize(deserializer).map(Duration::from_secs)
        }
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Timeout(#[serde(with = "seconds")] Duration);
    assert!(comparing().encode(&Timeout(Duration::from_secs(2))).is_ok());
    let error = comparing().encode(&Timeout(Duration::from_millis(2_500))).unwrap_err();
    assert!(matches!(error, NoRoundTrip::OtherValue) && !error.is_of_the_value());
    for word in ["skip", "with", "Decimal"] {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_value_that_is_not_equal_to_itself_is_not_taken_for_a_loss() {
    assert!(comparing().encode(&vec![1.5, f64::NAN]).is_ok());
    assert!(comparing().encode(&(0.0_f32, -0.0_f32)).is_ok());
}

#[test]
fn a_set_comes_back_in_whichever_order_it_is_walked() {
    #[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    enum Right {
        Read,
        Write,
        Delete(u8),
    }
    let rights = || HashSet::from([Right::Read, Right::Write, Right::Delete(1), Right::Delete(2)]);
    for _ in 0..20 {
        let payload = comparing().encode(&rights()).unwrap();
        let shape = |set: HashSet<Right>| comparing().encode(&set).unwrap().shape();
        assert_eq!(shape(rights()), payload.shape());
        let nested: HashMap<u8, HashSet<Right>> = (0..5).map(|n| (n, rights())).collect();
        assert!(comparing().encode(&nested).is_ok());
        assert!(comparing().encode(&vec![(rights(), 1_u8), (HashSet::from([Right::Read]), 2)]).is_ok());
    }
}

/// Panics in whichever of its implementations it is told to.
#[derive(Debug, Clone, Copy)]
enum Panics {
    Never,
    Writing,
    Reading,
    Comparing,
}

impl Serialize for Panics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if matches!(self, Self::Writing) {
            resume_unwind(Box::new("writing"));
        }
        serializer.serialize_u8(*self as u8)
    }
}

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            2 => resume_unwind(Box::new("reading")),
            3 => Ok(Self::Comparing),
            _ => Ok(Self::Never),
        }
    }
}

impl PartialEq for Panics {
    fn eq(&self, other: &Self) -> bool {
        if matches!(self, Self::Comparing) {
            resume_unwind(Box::new("comparing"));
        }
        *self as u8 == *other as u8
    }
}

#[test]
fn a_panic_of_the_types_own_code_is_a_value_that_is_not_kept() {
    let codec = comparing();
    assert!(codec.encode(&Panics::Never).is_ok());
    for value in [Panics::Writing, Panics::Reading, Panics::Comparing] {
        let error = codec.encode(&value).unwrap_err();
        assert!(matches!(error, NoRoundTrip::Panicked) && error.is_of_the_value(), "{value:?}: {error}");
    }
    assert_eq!(codec.size()(&Panics::Writing), usize::MAX);
}

#[test]
fn a_panic_over_a_record_is_a_refusal() {
    let record = around(&Panics::Never, &[2]);
    assert_eq!(opened::<Panics>(record).unwrap_err(), Refusal::Panicked);
}

#[test]
fn a_codec_is_shared_without_asking_anything_of_the_value() {
    struct NotEvenDebug;
    fn copied<V>(codec: Codec<V>) -> (Codec<V>, Codec<V>) {
        (codec, codec)
    }
    let (one, other) = copied(Codec::<u8>::new());
    assert_eq!(one.encode(&1).unwrap(), other.encode(&1).unwrap());
    let _: Option<Codec<NotEvenDebug>> = None;
}

#[test]
fn the_complaint_says_what_to_look_for() {
    let complaint = complaint(&serde_json::json!(1));
    assert!(complaint.to_string().contains("serde_json::Value"), "{complaint}");
    assert!(std::error::Error::source(&complaint).is_some());
}
