//! Types that postcard writes and cannot read back are found out before anything is stored.

use super::*;
use crate::{
    record::codec::{EncodeError, NoRoundTrip},
    shape::ShapeError,
};

fn complaint<V: Serialize + DeserializeOwned>(value: &V) -> NoRoundTrip {
    Codec::new().survives_round_trip(value).unwrap_err()
}

#[test]
fn ordinary_types_survive() {
    let codec = Codec::new();
    assert_eq!(codec.survives_round_trip(&product()).unwrap(), codec.encode(&product()).unwrap());
    assert!(Codec::new().survives_round_trip(&Some(vec![(1_u8, 'x')])).is_ok());
    assert!(Codec::new().survives_round_trip(&f64::NAN).is_ok());
    assert!(Codec::new().survives_round_trip(&()).is_ok());
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
    assert!(codec.survives_round_trip(&Sparse { first: Some(1), second: 2 }).is_ok());
    let later = codec.encode(&Sparse { first: None, second: 2 });
    assert!(matches!(later, Err(EncodeError::Shape(ShapeError::SkippedField("first")))));
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
