//! Building the key of ordinary arguments asks the heap for nothing.

use allocation_counter::measure;

use super::{Area, User, argument};
use crate::key::{text::KeyText, writer::KeyWriter};

fn allocations(build: impl FnOnce()) -> u64 {
    measure(build).count_total
}

#[test]
fn integers_bools_and_short_strings_allocate_nothing() {
    let count = allocations(|| {
        let text = KeyText::written(|text| {
            KeyWriter::new(text, &["active", "id", "lang", "ratio"])
                .argument(&true)
                .argument(&u128::MAX)
                .argument("en, or whatever")
                .argument(&0.25)
                .finish();
        });
        assert!(text.lookup().ends_with(b"\xff0.25"));
    });
    assert_eq!(count, 0);
}

#[test]
fn options_tuples_structs_and_enums_of_these_allocate_nothing() {
    let user = User { id: 7, name: "Ann", team: Some(3) };
    let count = allocations(|| {
        let text = argument(&(Some(None::<u8>), &user, Area::Box { w: 1, h: 2 }, [1_i32; 4]));
        assert!(text.is_usable());
    });
    assert_eq!(count, 0);
}

#[test]
fn templates_and_displayed_values_allocate_nothing() {
    let address = std::net::Ipv6Addr::LOCALHOST;
    let count = allocations(|| {
        let text = KeyText::written(|text| {
            KeyWriter::template(text, &["user:", ":", ""]).value(&42).value(&address).finish();
        });
        assert!(text.is_usable());
    });
    assert_eq!(count, 0);
}

#[test]
fn the_counter_counts() {
    let long = "x".repeat(1000);
    assert_ne!(allocations(|| assert!(argument(&long).is_usable())), 0);
}
