//! Tests of records: round trips and refusals here, hostile bytes in `hostile`, what
//! decoding may cost in `bounds`, what postcard cannot do in `codec`.

use std::{collections::BTreeMap, time::Duration};

use proptest::{collection::btree_map, prelude::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Current, Dates, Header, Marks, Opened, Shared, Tag, answer_type,
    codec::{Codec, Payload},
    generation, open,
    refusal::Refusal,
    seal, seal_with, void,
};
use crate::{
    clock::Timestamp,
    key::{Key, text::KeyText, writer::KeyWriter},
};

mod bounds;
mod codec;
mod golden;
mod hostile;

const VERSION: u32 = 1;
const EPOCH: u64 = 0x0123_4567_89ab_cdef;
const LOAD_TIME: Duration = Duration::from_micros(12_345);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    name: String,
    price: f64,
    stock: BTreeMap<String, Option<i32>>,
}

fn product() -> Product {
    let stock = BTreeMap::from([("Berlin".into(), Some(3)), ("Köln".into(), None)]);
    Product { id: 42, name: "Lamp".into(), price: 19.9, stock }
}

fn key(id: u64) -> Key {
    KeyText::written(|text| KeyWriter::new(text, &["id"]).argument(&id).finish()).to_key("hc:shop.product")
}

fn dates() -> Dates {
    let at = Timestamp::from_millis;
    let computed_at = 1_767_225_600_000;
    Dates {
        computed_at: at(computed_at),
        fresh_until: at(computed_at + 300_000),
        kept_until: at(computed_at + 360_000),
    }
}

/// Of a record in a layer whose epoch of the function is `epoch`.
fn marks(epoch: u64) -> Marks {
    Marks { generation: super::new_generation(), epoch, shared_epoch: None }
}

fn current(epoch: u64) -> Current {
    Current { epoch, shared: None }
}

fn payload<V: Serialize + DeserializeOwned>(value: &V) -> Payload {
    Codec::new().encode(value).unwrap()
}

/// Of a function that returns `V`.
fn type_of<V>() -> u64 {
    answer_type::<V>(VERSION)
}

fn sealed<V: Serialize + DeserializeOwned>(value: &V) -> Vec<u8> {
    seal(&key(42), type_of::<V>(), &marks(EPOCH), &dates(), LOAD_TIME, &payload(value))
}

fn opened<V: Serialize + DeserializeOwned>(record: Vec<u8>) -> Result<Opened<V>, Refusal> {
    open(record, &key(42), type_of::<V>(), &current(EPOCH), Codec::new())
}

fn refusal(record: &[u8]) -> Refusal {
    opened::<Product>(record.to_vec()).unwrap_err()
}

#[test]
fn a_record_brings_back_everything_that_was_sealed() {
    let opened = opened::<Product>(sealed(&product())).unwrap();
    assert_eq!(opened.value, product());
    assert_eq!(opened.dates, dates());
    assert_eq!(opened.load_time, LOAD_TIME);
    assert_eq!(opened.payload.as_bytes(), payload(&product()).as_bytes());
    assert_eq!(opened.payload.shape(), payload(&product()).shape());
}

#[test]
fn what_was_opened_is_sealed_again_for_another_layer_without_encoding() {
    let first = opened::<Product>(sealed(&product())).unwrap();
    let record = seal(&key(42), type_of::<Product>(), &marks(99), &dates(), LOAD_TIME, &first.payload);
    let second = open(record, &key(42), type_of::<Product>(), &current(99), Codec::<Product>::new()).unwrap();
    assert_eq!(second.value, product());
}

#[test]
fn each_record_has_a_generation_of_its_own() {
    let generation = |record| opened::<Product>(record).unwrap().generation;
    assert_ne!(generation(sealed(&product())), generation(sealed(&product())));
}

#[test]
fn generation_and_claim_may_be_rewritten_without_touching_the_rest() {
    let mut record = sealed(&product());
    record[4..12].copy_from_slice(&7_u64.to_le_bytes());
    record[12..28].fill(0xff);
    assert_eq!(opened::<Product>(record).unwrap().generation, 7);
}

#[test]
fn a_record_of_another_key_is_refused() {
    let refused =
        open(sealed(&product()), &key(43), type_of::<Product>(), &current(EPOCH), Codec::<Product>::new());
    assert_eq!(refused.unwrap_err(), Refusal::OtherKey);
}

#[test]
fn a_record_of_another_function_is_refused() {
    let other =
        KeyText::written(|text| KeyWriter::new(text, &["id"]).argument(&42).finish()).to_key("hc:shop.price");
    let refused =
        open(sealed(&product()), &other, type_of::<Product>(), &current(EPOCH), Codec::<Product>::new());
    assert_eq!(refused.unwrap_err(), Refusal::OtherKey);
}

#[test]
fn the_full_text_of_a_digested_key_is_compared() {
    let long = |word: &str| {
        KeyText::written(|text| KeyWriter::new(text, &["q"]).argument(&word.repeat(100)).finish())
            .to_key("hc:search")
    };
    let record = seal(&long("abc"), type_of::<u8>(), &marks(EPOCH), &dates(), LOAD_TIME, &payload(&1_u8));
    let text = format!("q={}", "abc".repeat(100));
    assert!(record.windows(text.len()).any(|window| window == text.as_bytes()));
    assert!(open(record.clone(), &long("abc"), type_of::<u8>(), &current(EPOCH), Codec::<u8>::new()).is_ok());
    let refused = open(record, &long("abd"), type_of::<u8>(), &current(EPOCH), Codec::<u8>::new());
    assert_eq!(refused.unwrap_err(), Refusal::OtherKey);
}

#[test]
fn a_record_of_another_version_of_the_function_is_refused() {
    let next = answer_type::<Product>(VERSION + 1);
    let refused = open(sealed(&product()), &key(42), next, &current(EPOCH), Codec::<Product>::new());
    assert_eq!(refused.unwrap_err(), Refusal::OtherType);
}

#[test]
fn a_record_from_before_all_answers_were_forgotten_is_refused() {
    let refused = open(
        sealed(&product()),
        &key(42),
        type_of::<Product>(),
        &current(EPOCH + 1),
        Codec::<Product>::new(),
    );
    assert_eq!(refused.unwrap_err(), Refusal::OtherEpoch);
}

/// What another function that names its type like `V` stored, read as a `V`.
fn read_as<V: Serialize + DeserializeOwned, W: Serialize + DeserializeOwned>(stored: &W) -> Refusal {
    let bytes = payload(stored);
    assert!(postcard::from_bytes::<V>(bytes.as_bytes()).is_ok(), "postcard alone does not notice");
    assert_eq!(type_of::<V>(), type_of::<W>(), "they have the same name");
    opened::<V>(sealed(stored)).err().unwrap()
}

#[test]
fn a_record_of_a_type_of_another_name_is_refused() {
    assert_eq!(opened::<u16>(sealed(&1_u64)).unwrap_err(), Refusal::OtherType);
    assert_eq!(opened::<Vec<i64>>(sealed(&vec![1_u64])).unwrap_err(), Refusal::OtherType);
}

#[test]
fn a_struct_with_other_fields_reads_nothing_of_the_record_of_another() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Account {
        id: i64,
        balance: i64,
    }
    mod before {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) struct Account {
            pub(super) balance: i64,
            pub(super) id: i64,
        }
    }
    let before = || before::Account { balance: -50, id: 7 };
    assert_eq!(read_as::<Account, _>(&before()), Refusal::OtherType);
    assert_eq!(read_as::<Vec<Account>, _>(&vec![before()]), Refusal::OtherType);
    assert_eq!(read_as::<Option<(Account, u8)>, _>(&Some((before(), 1_u8))), Refusal::OtherType);
}

#[test]
fn a_record_of_another_shape_is_refused_though_it_decodes() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Account {
        id: i64,
        balance: i64,
    }
    mod before {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) struct Account {
            pub(super) balance: i64,
            pub(super) id: i64,
        }
    }
    // Not the first thing that the type asks for.
    let refused = read_as::<(u8, Account), _>(&(1_u8, before::Account { balance: -50, id: 7 }));
    assert_eq!(refused, Refusal::OtherShape);
}

#[test]
fn an_enum_with_an_inserted_variant_is_refused_though_it_decodes() {
    #[derive(Debug, Serialize, Deserialize)]
    enum Plan {
        Banned,
        Free,
    }
    mod before {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) enum Plan {
            Free,
        }
    }
    assert_eq!(read_as::<Plan, _>(&before::Plan::Free), Refusal::OtherType);
    assert_eq!(read_as::<(u8, Plan), _>(&(1_u8, before::Plan::Free)), Refusal::OtherShape);
    assert!(opened::<Plan>(sealed(&Plan::Banned)).is_ok());
    assert!(opened::<Plan>(sealed(&Plan::Free)).is_ok());
}

#[test]
fn dates_out_of_order_are_refused() {
    let at = Timestamp::from_millis;
    for (computed_at, fresh_until, kept_until) in [(2, 1, 3), (1, 3, 2), (3, 2, 1), (u64::MAX, 0, 0)] {
        let dates =
            Dates { computed_at: at(computed_at), fresh_until: at(fresh_until), kept_until: at(kept_until) };
        let record =
            seal(&key(42), type_of::<Product>(), &marks(EPOCH), &dates, LOAD_TIME, &payload(&product()));
        assert_eq!(refusal(&record), Refusal::Dates);
    }
}

#[test]
fn a_date_in_the_future_is_left_to_the_policy() {
    let at = Timestamp::from_millis(u64::MAX);
    let dates = Dates { computed_at: at, fresh_until: at, kept_until: at };
    let record =
        seal(&key(42), type_of::<Product>(), &marks(EPOCH), &dates, Duration::MAX, &payload(&product()));
    assert_eq!(opened::<Product>(record).unwrap().dates, dates);
}

/// A record as a later version of the library might write it, with a right checksum.
fn foreign(change: impl FnOnce(&mut Header<'_>)) -> Vec<u8> {
    let key = key(42);
    let payload = payload(&product());
    let mut header = Header {
        dates: dates(),
        load_micros: 0,
        scope: key.scope(),
        arguments: key.canonical(),
        tags: vec![Tag { id: 0, nonce: EPOCH }],
        flags: 0,
        answer_type: type_of::<Product>(),
        opening: payload.opening(),
        shape: payload.shape(),
    };
    change(&mut header);
    seal_with(&header, 1, payload.as_bytes())
}

/// A private copy with a mark of the shared layer, read when that says something else.
fn private(shared_epoch: Option<u64>, shared: Option<Shared>) -> Result<Opened<Product>, Refusal> {
    let marks = Marks { generation: 5, epoch: EPOCH, shared_epoch };
    let record = seal(&key(42), type_of::<Product>(), &marks, &dates(), LOAD_TIME, &payload(&product()));
    open(record, &key(42), type_of::<Product>(), &Current { epoch: EPOCH, shared }, Codec::new())
}

#[test]
fn a_private_copy_is_believed_while_the_shared_layer_cannot_be_asked_or_agrees() {
    assert!(private(Some(7), None).is_ok() && private(None, None).is_ok());
    assert!(private(Some(7), Some(Shared { epoch: 7, generation: None })).is_ok());
    assert!(private(Some(7), Some(Shared { epoch: 7, generation: Some(5) })).is_ok());
}

#[test]
fn a_private_copy_from_before_an_invalidation_in_the_shared_layer_is_refused() {
    let of_the_key = private(Some(7), Some(Shared { epoch: 7, generation: Some(6) }));
    assert_eq!(of_the_key.unwrap_err(), Refusal::OtherGeneration);
    let of_the_function = private(Some(7), Some(Shared { epoch: 8, generation: None }));
    assert_eq!(of_the_function.unwrap_err(), Refusal::OtherEpoch);
}

#[test]
fn a_private_copy_that_the_shared_layer_never_saw_proves_nothing() {
    let refused = private(None, Some(Shared { epoch: 7, generation: None }));
    assert_eq!(refused.unwrap_err(), Refusal::OtherEpoch);
}

#[test]
fn a_void_has_a_generation_and_no_value() {
    let (one, other) = (void(), void());
    assert_eq!(refusal(&one), Refusal::Void);
    assert!(generation(&one) != 0 && generation(&one) != generation(&other));
}

#[test]
fn bytes_that_are_not_ours_have_a_generation_that_no_copy_agrees_with() {
    for bytes in [&b""[..], b"something else", &[0; 64]] {
        assert_eq!(generation(bytes), 0);
    }
    assert!((0..1_000).all(|_| super::new_generation() != 0));
}

#[test]
fn flags_and_tags_that_we_do_not_know_are_refused() {
    assert!(opened::<Product>(foreign(|_| {})).is_ok());
    assert_eq!(refusal(&foreign(|header| header.flags = 1)), Refusal::UnknownFlags(1));
    assert_eq!(refusal(&foreign(|header| header.tags.push(Tag { id: 9, nonce: 9 }))), Refusal::OtherEpoch);
    assert_eq!(refusal(&foreign(|header| header.tags.clear())), Refusal::OtherEpoch);
}

#[test]
fn the_end_of_the_arguments_does_not_move_into_the_scope() {
    let record = foreign(|header| (header.scope, header.arguments) = ("hc:shop", "product:id=42"));
    assert_eq!(refusal(&record), Refusal::OtherKey);
}

fn any_product() -> impl Strategy<Value = Product> {
    (any::<u64>(), any::<String>(), -1e9..1e9_f64, btree_map(any::<String>(), any::<Option<i32>>(), 0..5))
        .prop_map(|(id, name, price, stock)| Product { id, name, price, stock })
}

proptest! {
    #[test]
    fn any_value_comes_back(
        value in any_product(),
        times in any::<[u64; 3]>(),
        version in any::<u32>(),
        epoch in any::<u64>(),
        micros in any::<u64>(),
    ) {
        let mut times = times;
        times.sort_unstable();
        let [computed_at, fresh_until, kept_until] = times.map(Timestamp::from_millis);
        let dates = Dates { computed_at, fresh_until, kept_until };
        let load_time = Duration::from_micros(micros);
        let codec = Codec::<Product>::new();

        let payload = codec.encode(&value).unwrap();
        let answer_type = answer_type::<Product>(version);
        let record = seal(&key(42), answer_type, &marks(epoch), &dates, load_time, &payload);
        let opened = open(record, &key(42), answer_type, &current(epoch), codec).unwrap();

        prop_assert_eq!(opened.value, value);
        prop_assert_eq!(opened.dates, dates);
        prop_assert_eq!(opened.load_time, load_time);
    }
}
