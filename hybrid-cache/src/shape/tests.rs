use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{ShapeError, fingerprint};

fn shape<T: Serialize + ?Sized>(value: &T) -> u64 {
    fingerprint(value).unwrap()
}

mod yesterday {
    use serde::Serialize;

    #[derive(Serialize)]
    pub(super) struct Account {
        pub(super) id: u64,
        pub(super) balance: i64,
        pub(super) owner: String,
    }

    #[derive(Serialize)]
    pub(super) enum Plan {
        Free,
        Paid(u32),
    }
}

fn account() -> yesterday::Account {
    yesterday::Account { id: 7, balance: -50, owner: "Ann".into() }
}

/// `Account` with a field spelled otherwise; the same name, so that only that field differs.
macro_rules! account_with {
    ($($field:ident: $type:ty = $value:expr),*) => {{
        #[derive(Serialize)]
        struct Account { $($field: $type),* }
        shape(&Account { $($field: $value),* })
    }};
}

#[test]
fn contents_and_lengths_do_not_change_it() {
    let other = yesterday::Account { id: u64::MAX, balance: 0, owner: String::new() };
    assert_eq!(shape(&account()), shape(&other));
    assert_eq!(shape(&vec![1_u8; 3]), shape(&vec![2_u8; 300]));
    assert_eq!(shape("a"), shape(""));
    assert_eq!(shape(&[account(), account()][..]), shape(&[account()][..]));
}

#[test]
fn the_same_struct_compiled_again_has_the_same_one() {
    assert_eq!(account_with!(id: u64 = 1, balance: i64 = 2, owner: String = "x".into()), shape(&account()));
}

#[test]
fn reordered_fields_change_it() {
    assert_ne!(account_with!(balance: i64 = 2, id: u64 = 1, owner: String = "x".into()), shape(&account()));
}

#[test]
fn a_retyped_field_changes_it() {
    assert_ne!(account_with!(id: u64 = 1, balance: u64 = 2, owner: String = "x".into()), shape(&account()));
    assert_ne!(account_with!(id: u32 = 1, balance: i64 = 2, owner: String = "x".into()), shape(&account()));
    assert_ne!(account_with!(id: u64 = 1, balance: i64 = 2, owner: Vec<u8> = vec![1]), shape(&account()));
}

#[test]
fn a_renamed_field_changes_it() {
    assert_ne!(account_with!(id: u64 = 1, amount: i64 = 2, owner: String = "x".into()), shape(&account()));
}

#[test]
fn an_added_or_removed_field_changes_it() {
    assert_ne!(account_with!(id: u64 = 1, balance: i64 = 2), shape(&account()));
    assert_ne!(
        account_with!(id: u64 = 1, balance: i64 = 2, owner: String = "x".into(), note: () = ()),
        shape(&account())
    );
}

#[test]
fn a_renamed_struct_changes_it() {
    #[derive(Serialize)]
    struct Konto {
        id: u64,
        balance: i64,
        owner: String,
    }
    assert_ne!(shape(&Konto { id: 1, balance: 2, owner: String::new() }), shape(&account()));
}

#[test]
fn an_inserted_enum_variant_changes_those_behind_it() {
    #[derive(Serialize)]
    enum Plan {
        #[expect(dead_code, reason = "moves the others")]
        Banned,
        Free,
        Paid(u32),
    }
    assert_ne!(shape(&Plan::Free), shape(&yesterday::Plan::Free));
    assert_ne!(shape(&Plan::Paid(1)), shape(&yesterday::Plan::Paid(1)));
}

#[test]
fn every_width_of_integer_is_another_shape() {
    let shapes = [
        shape(&1_u8),
        shape(&1_u16),
        shape(&1_u32),
        shape(&1_u64),
        shape(&1_u128),
        shape(&1_i8),
        shape(&1_i16),
        shape(&1_i32),
        shape(&1_i64),
        shape(&1_i128),
        shape(&1_f32),
        shape(&1_f64),
        shape(&true),
        shape(&'1'),
        shape("1"),
        shape(&()),
        shape(&Some(1_u8)),
        shape(&None::<u8>),
        shape(&[1_u8][..]),
        shape(&(1_u8,)),
        shape(&BTreeMap::from([(1_u8, 1_u8)])),
    ];
    for (number, one) in shapes.iter().enumerate() {
        assert!(!shapes[..number].contains(one), "number {number} looks like one before it");
    }
}

#[test]
fn what_can_change_places_in_a_tuple_changes_it() {
    assert_ne!(shape(&(1_u8, 1_u16)), shape(&(1_u16, 1_u8)));
    assert_ne!(shape(&(1_u8, 1_u8, 1_u16)), shape(&(1_u8, 1_u16, 1_u16)));
    assert_ne!(shape(&[1_u8; 3]), shape(&[1_u8; 4]));
    assert_ne!(shape(&((1_u8, 2_u8), 3_u8)), shape(&(1_u8, (2_u8, 3_u8))));
}

#[test]
fn the_order_of_a_map_does_not_change_it() {
    let words = ["a", "b", "c", "d", "e"];
    let forward: HashMap<_, _> = words.iter().zip([Some(1), None, Some(2), None, Some(3)]).collect();
    let ordered: BTreeMap<_, _> = words.iter().zip([None, Some(1), Some(2), Some(3), None]).collect();
    assert_eq!(shape(&forward), shape(&ordered));
    assert_ne!(shape(&BTreeMap::from([(1_u8, 1_u16)])), shape(&BTreeMap::from([(1_u16, 1_u8)])));
}

#[test]
fn the_order_of_a_set_does_not_change_it_and_what_is_in_it_does() {
    use yesterday::Plan;
    let mixed = |order: &[u8]| {
        let plans: Vec<_> =
            order.iter().map(|n| if *n == 0 { Plan::Free } else { Plan::Paid((*n).into()) }).collect();
        shape(&plans)
    };
    assert_eq!(mixed(&[0, 1, 0, 1]), mixed(&[1, 2, 3, 0]));
    assert_ne!(mixed(&[0, 0]), mixed(&[0, 1]));
    assert_ne!(mixed(&[1, 1]), mixed(&[0, 1]));
    assert_ne!(mixed(&[]), mixed(&[0]));
}

#[test]
fn as_many_shapes_as_there_are_in_a_sequence_are_told_apart() {
    // Tuples of as many options as a number has bits: each number is a shape of its own.
    let value =
        |number: u32| -> [Option<u8>; 9] { std::array::from_fn(|bit| (number >> bit & 1 == 1).then_some(7)) };
    let all: Vec<_> = (0..512).chain(0..512).map(value).collect();
    let backwards: Vec<_> = (0..512).rev().map(value).collect();
    let all_but_one: Vec<_> = (0..512).filter(|number| *number != 300).map(value).collect();
    assert_eq!(shape(&all), shape(&backwards));
    assert_ne!(shape(&all), shape(&all_but_one));
}

#[test]
fn what_is_nested_too_deeply_is_an_error_and_never_the_end_of_the_stack() {
    #[derive(Serialize)]
    struct Chain(Option<Box<Chain>>);
    let chain = |length: usize| (0..length).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))));
    assert!(fingerprint(&chain(super::DEEPEST / 2 - 1)).is_ok());
    assert_eq!(fingerprint(&chain(super::DEEPEST / 2)), Err(ShapeError::TooDeep));
    assert_eq!(fingerprint(&chain(10_000)), Err(ShapeError::TooDeep));
}

#[test]
fn a_skipped_field_is_an_error() {
    #[derive(Serialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<u8>,
    }
    assert_eq!(fingerprint(&Sparse { note: None }), Err(ShapeError::SkippedField("note")));
    assert!(fingerprint(&Sparse { note: Some(1) }).is_ok());
}

#[test]
fn a_value_that_refuses_to_be_serialised_is_an_error() {
    use std::sync::Mutex;

    let poisoned = Mutex::new(1);
    let _ = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let _guard = poisoned.lock();
                std::panic::resume_unwind(Box::new("on purpose"));
            })
            .join()
    });
    assert!(matches!(fingerprint(&poisoned), Err(ShapeError::Serialize(_))));
}

/// A changed number makes every stored answer of that shape a miss.
#[test]
fn fingerprints_are_what_they_were() {
    let shapes = [
        shape(&1_u8),
        shape(&account()),
        shape(&yesterday::Plan::Free),
        shape(&yesterday::Plan::Paid(1)),
        shape(&(1_u8, "a", [1_i32; 3], Some(()), 'x')),
        shape(&HashMap::from([("a", vec![1.0]), ("b", vec![])])),
    ];
    let shown: Vec<_> = shapes.iter().map(|shape| format!("{shape:016x}")).collect();
    assert_eq!(
        shown,
        [
            "63cbe1e459320dd7",
            "1c9378917e60ae69",
            "a0dea8db0d1c47fa",
            "7a37f1f7928e6845",
            "887c53e314ca30d0",
            "3dc1c1411f3a8990"
        ]
    );
}
