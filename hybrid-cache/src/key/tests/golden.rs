//! Keys do not change between builds: an answer stored yesterday is found today, and by other programs.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    net::IpAddr,
};

use serde::Serialize;

use super::{Area, Meters, Nowhere, User, argument};
use crate::key::{scope, text::KeyText, writer::KeyWriter};

const GOLDEN: &str = include_str!("golden.txt");

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn one<T: Serialize + ?Sized>(&mut self, what: &str, value: &T) {
        self.text(what, &argument(value));
    }

    fn text(&mut self, what: &str, text: &KeyText) {
        writeln!(self.0, "{what:32}{}", text.to_key(scope("hc", "shop::product"))).unwrap();
    }
}

fn scalars(lines: &mut Lines) {
    lines.one("true", &true);
    lines.one("u8 0", &0_u8);
    lines.one("i64 min", &i64::MIN);
    lines.one("u128 max", &u128::MAX);
    lines.one("f64 1", &1.0_f64);
    lines.one("f64 -0", &-0.0_f64);
    lines.one("f64 max", &f64::MAX);
    lines.one("f64 smallest", &f64::from_bits(1));
    lines.one("f32 0.1", &0.1_f32);
    lines.one("f64 1/3", &(1.0 / 3.0));
    lines.one("f64 NaN", &f64::NAN);
    lines.one("f64 inf", &f64::INFINITY);
    lines.one("f64 -inf", &f64::NEG_INFINITY);
    lines.one("char", &'ß');
}

fn strings(lines: &mut Lines) {
    lines.one("string", "en-GB");
    lines.one("string empty", "");
    lines.one("string number", "007");
    lines.one("string date", "2024-01-31");
    lines.one("string word", "false");
    lines.one("string umlaut", "Zürich 東京");
    lines.one("string reserved", "% , = : ~ ' ( ) [ ] { } # * ? \\ \"");
    lines.one("string controls", "\0\t\n\u{7f}\u{80}\u{9f}");
    lines.one("string c2 harmless", "§\u{a0}£");
    lines.one("string invisible", "\u{ad}\u{200b}\u{200d}\u{2028}\u{202e}\u{2066}\u{feff}\u{e0041}");
    lines.one("string e2 harmless", "– … € ﬁ ب 🦀");
}

fn compounds(lines: &mut Lines) {
    lines.one("none", &None::<u8>);
    lines.one("some none", &Some(None::<u8>));
    lines.one("some", &Some("x"));
    lines.one("unit", &());
    lines.one("unit struct", &Nowhere);
    lines.one("newtype", &Meters(2.5));
    lines.one("sequence", &["a", "", "1"][..]);
    lines.one("tuple", &(1, "a", None::<u8>));
    lines.one("map", &BTreeMap::from([("b", 1), ("a", 2), ("10", 3)]));
    lines.one("map of integers", &BTreeMap::from([(9, 'x'), (10, 'y')]));
    lines.one("set", &HashSet::from(["b", "a", "10", "c d"]));
    lines.one("struct", &User { id: 1, name: "Ann Lee", team: None });
    lines.one("unit variant", &Area::Everywhere);
    lines.one("newtype variant", &Area::Circle(1.0));
    lines.one("tuple variant", &Area::Between(-1, 1));
    lines.one("struct variant", &Area::Box { w: 1, h: 2 });
    lines.one("address", &IpAddr::from([127, 0, 0, 1]));
}

fn whole_keys(lines: &mut Lines) {
    lines.text("no arguments", &KeyText::written(|text| KeyWriter::new(text, &[]).finish()));
    lines.text(
        "two arguments",
        &KeyText::written(|text| KeyWriter::new(text, &["id", "lang"]).argument(&42).argument("en").finish()),
    );
    lines.text(
        "template",
        &KeyText::written(|text| {
            KeyWriter::template(text, &["user:", ":", ""]).value(&42).value("en").finish();
        }),
    );
    lines.text(
        "template touching",
        &KeyText::written(|text| KeyWriter::template(text, &["", "", ""]).value(&4).value(&2).finish()),
    );
    lines.text(
        "template guarded",
        &KeyText::written(|text| {
            KeyWriter::template(text, &["", "-", "!"]).value(&-4).value("a-b!").finish();
        }),
    );
    lines.text(
        "template reserved",
        &KeyText::written(|text| KeyWriter::template(text, &["{50% of} ", ""]).value("x").finish()),
    );
    lines.one("200 bytes", &"x".repeat(198));
    lines.one("201 bytes", &"x".repeat(199));
    lines.one("10 000 numbers", &(0..10_000).collect::<Vec<u32>>());
}

#[test]
fn keys_are_what_they_were() {
    let mut lines = Lines::default();
    scalars(&mut lines);
    strings(&mut lines);
    compounds(&mut lines);
    whole_keys(&mut lines);
    assert_eq!(lines.0, GOLDEN, "a changed key makes every stored answer a miss; now:\n{}", lines.0);
}
