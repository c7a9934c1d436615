//! Records of many types from arbitrary bytes, for the fuzzer and for the test that stands in for it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use twox_hash::XxHash3_64;

use super::{
    Current, Dates, Header, Tag,
    codec::{Codec, Decoded},
    open,
    prefix::{KIND_VALUE, Prefix},
    seal_with,
};
use crate::{
    clock::Timestamp,
    key::{Key, text::KeyText, writer::KeyWriter},
};

const EPOCH: u64 = 7;

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Not(Box<Tree>),
    All(Vec<Tree>),
    Named { name: String, of: Option<Box<Tree>> },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    id: u64,
    name: String,
    price: f64,
    note: Option<(char, i128)>,
    stock: BTreeMap<String, Option<i32>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Right {
    Read,
    Write(u8),
    Admin { until: i16 },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nothing;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Empty {}

/// One record: of the type that the first byte says, damaged as the second one says.
///
/// # Panics
///
/// If what was opened is not what would be written.
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "only the fuzzer reaches it from outside"))]
pub fn record(input: &[u8]) {
    let Some(([answer, form], bytes)) = input.split_first_chunk::<2>() else { return };
    let try_as = match answer % 12 {
        0 => of::<u64>,
        1 => of::<Row>,
        2 => of::<Tree>,
        3 => of::<Chain>,
        4 => of::<Vec<Row>>,
        5 => of::<HashSet<Right>>,
        6 => of::<HashMap<Right, BTreeSet<i64>>>,
        7 => of::<(Vec<Nothing>, Vec<()>, Vec<Empty>)>,
        8 => of::<Vec<Option<[[u64; 16]; 16]>>>,
        9 => of::<Result<String, (u8, bool, f32)>>,
        10 => of::<Vec<Vec<Vec<Box<str>>>>>,
        _ => of::<BTreeMap<u8, Box<Tree>>>,
    };
    try_as(*form, bytes);
}

fn of<V: Serialize + DeserializeOwned>(form: u8, bytes: &[u8]) {
    let codec = Codec::<V>::new();
    let mut text = KeyText::new();
    KeyWriter::new(&mut text, &["id"]).argument(&1).finish();
    let key = text.to_key("hc:fuzz");
    let answer_type = super::answer_type::<V>(1);
    let record = match form % 4 {
        0 => bytes.to_vec(),
        1 => checked(bytes),
        // What the type asks for first is in the header, and any value is of some shape.
        _ => match codec.decode_any(bytes) {
            Ok(Decoded { opening, shape, .. }) => {
                seal_with(&header(&key, answer_type, opening, shape), 1, bytes)
            }
            Err(_) => return,
        },
    };
    let right = form % 4 > 1;
    let opened = open(record, &key, answer_type, &Current { epoch: EPOCH, shared: None }, codec);
    assert!(opened.is_ok() || !right, "a right record is refused");
    let Ok(opened) = opened else { return };
    // What takes fewer bytes when it is written again, having been written with leading zeros, may take too much for them.
    match codec.encode(&opened.value) {
        Ok(payload) => assert_eq!(
            (payload.opening(), payload.shape()),
            (opened.payload.opening(), opened.payload.shape()),
            "it is written otherwise"
        ),
        Err(error) => assert!(error.is_of_the_value(), "{error}"),
    }
}

/// `bytes` behind a prefix, with a right checksum.
fn checked(bytes: &[u8]) -> Vec<u8> {
    let checksum = XxHash3_64::oneshot(bytes);
    let prefix = Prefix { kind: KIND_VALUE, generation: 1, checksum }.to_bytes();
    [&prefix, bytes].concat()
}

fn header(key: &Key, answer_type: u64, opening: u64, shape: u64) -> Header<'_> {
    let at = Timestamp::from_millis(1);
    Header {
        dates: Dates { computed_at: at, fresh_until: at, kept_until: at },
        load_micros: 0,
        scope: key.scope(),
        arguments: key.canonical(),
        tags: vec![Tag { id: super::EPOCH_TAG, nonce: EPOCH }],
        flags: 0,
        answer_type,
        opening,
        shape,
    }
}
