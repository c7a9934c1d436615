//! Tests of keys: the grammar by example here, by random values in `injective`, pinned in `golden`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use serde::{Serialize, Serializer, ser};

use super::{Key, scope, text::KeyText, writer::KeyWriter};

mod allocations;
mod exhaustive;
mod golden;
mod injective;
mod node;

fn argument<T: Serialize + ?Sized>(value: &T) -> KeyText {
    KeyText::written(|text| KeyWriter::new(text, &["a"]).argument(value).finish())
}

/// The canonical text of one value.
fn text<T: Serialize + ?Sized>(value: &T) -> String {
    let key = argument(value).to_key("ns:f");
    key.canonical().strip_prefix("a=").unwrap().to_owned()
}

fn two_arguments(a: &(impl Serialize + ?Sized), b: &(impl Serialize + ?Sized)) -> String {
    KeyText::written(|text| KeyWriter::new(text, &["a", "b"]).argument(a).argument(b).finish()).text()
}

#[derive(Serialize)]
struct User<'a> {
    id: u32,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<u8>,
}

#[derive(Serialize)]
struct Meters(f64);

#[derive(Serialize)]
struct Nowhere;

#[derive(Serialize)]
enum Area {
    Everywhere,
    Circle(f32),
    Between(i8, i8),
    Box { w: u8, h: u8 },
}

#[test]
fn arguments_are_written_with_their_names() {
    assert_eq!(
        KeyText::written(|text| KeyWriter::new(text, &["id", "lang"]).argument(&42).argument("en").finish())
            .text(),
        "id=42,lang=en"
    );
}

#[test]
fn a_function_without_arguments_has_an_empty_text() {
    let text = KeyText::written(|text| KeyWriter::new(text, &[]).finish());
    assert!(text.is_usable());
    assert_eq!(text.text(), "");
    assert_eq!(text.to_key("ns:f").as_str(), "ns:f:");
}

#[test]
fn a_key_shows_scope_and_arguments() {
    let key = KeyText::written(|text| KeyWriter::new(text, &["id"]).argument(&42).finish())
        .to_key("hc:shop.product");
    assert_eq!(key.as_str(), "hc:shop.product:id=42");
    assert_eq!(key.to_string(), "hc:shop.product:id=42");
    assert_eq!(key.scope(), "hc:shop.product");
    assert_eq!(key.canonical(), "id=42");
    assert_eq!(key.lookup(), [0xf5, 42]);
}

#[test]
fn numbers_are_decimal_whatever_their_width() {
    assert_eq!(text(&u64::MAX), "18446744073709551615");
    assert_eq!(text(&i128::MIN), "-170141183460469231731687303715884105728");
    assert_eq!(text(&7_u8), text(&7_i64));
}

#[test]
fn floats_are_told_from_integers_and_keep_every_digit() {
    assert_eq!(text(&1.0), "1.0");
    assert_eq!(text(&0.1_f32), "0.1");
    assert_eq!(text(&1e300), "1e300");
    assert_ne!(text(&0.1), text(&0.100_000_000_000_000_02));
}

#[test]
fn all_nans_are_one_and_both_zeros_are_one() {
    assert_eq!(text(&f64::NAN), "NaN");
    assert_eq!(text(&-f64::NAN), "NaN");
    assert_eq!(text(&f64::from_bits(0x7ff0_0000_0000_0001)), "NaN");
    assert_eq!(text(&-0.0_f32), text(&0.0_f32));
    assert_eq!(text(&f64::NEG_INFINITY), "-inf");
}

#[test]
fn ordinary_strings_are_bare() {
    for bare in
        ["en", "Grüße", "日本", "user@example.com", "a/b.c-d_e", "v1", "+49", "1e5x", "-", "-x", "e5", ".5"]
    {
        assert_eq!(text(bare), bare);
    }
}

#[test]
fn strings_that_could_be_something_else_are_quoted() {
    for word in ["", "true", "false", "NaN", "inf", "-inf", "1", "-1", "1.0", "1e5", "2024-01-31", "0"] {
        assert_eq!(text(word), format!("'{word}'"));
    }
    assert_ne!(text("1"), text(&1));
    assert_ne!(text("true"), text(&true));
}

#[test]
fn a_key_is_one_word_of_printable_characters() {
    let hostile: String = (0..=0x9f).map(char::from).chain("*?[]{}\"\\ \u{2028}".chars()).collect();
    let text_of_all = text(&hostile);
    assert!(!text_of_all.chars().any(|c| c.is_control() || c == ' '), "{text_of_all}");
    assert_eq!(text("\u{85}"), "%C2%85");
}

#[test]
fn separators_in_values_are_escaped() {
    assert_ne!(two_arguments("x,b=y", ""), two_arguments("x", "y"));
    assert_eq!(two_arguments("x,b=y", "z"), "a=x%2Cb%3Dy,b=z");
    assert_ne!(text(&("a,b", "c")), text(&("a", "b,c")));
    assert_ne!(text("%2C"), text(","));
}

#[test]
fn none_is_not_some_none_is_not_the_word_none() {
    let none: Option<&str> = None;
    assert_eq!(text(&none), "~");
    assert_eq!(text(&Some(none)), "~~");
    assert_eq!(text(&Some(Some(none))), "~~~");
    assert_eq!(text(&Some("None")), "None");
    assert_eq!(text(&Some("~")), "%7E");
    assert_eq!(text(&Some(5)), text(&5));
}

#[test]
fn an_empty_string_is_not_absent() {
    assert_ne!(text(""), text(&None::<&str>));
    assert_ne!(text(""), text(&()));
    assert_ne!(text(&[""]), text(&[] as &[&str]));
}

#[test]
fn structs_and_enums_are_written_by_name() {
    assert_eq!(text(&User { id: 1, name: "Ann", team: Some(2) }), "{id=1,name=Ann,team=2}");
    assert_eq!(text(&User { id: 1, name: "Ann", team: None }), "{id=1,name=Ann}");
    assert_eq!(text(&Meters(1.5)), "1.5");
    assert_eq!(text(&Nowhere), "Nowhere");
    assert_eq!(text(&Area::Everywhere), "Everywhere");
    assert_eq!(text(&Area::Circle(1.0)), "Circle(1.0)");
    assert_eq!(text(&Area::Between(-1, 1)), "Between(-1,1)");
    assert_eq!(text(&Area::Box { w: 1, h: 2 }), "Box{w=1,h=2}");
}

#[test]
fn sequences_tuples_and_units_have_their_own_brackets() {
    assert_eq!(text(&vec![1, 2]), "[1,2]");
    assert_eq!(text(&(1, "a")), "(1,a)");
    assert_eq!(text(&()), "()");
    assert_eq!(text(&Vec::<u8>::new()), "[]");
}

#[test]
fn bytes_are_hex() {
    struct Raw;
    impl Serialize for Raw {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[0, 0x1f, 0xff])
        }
    }
    assert_eq!(text(&Raw), "x'001fff'");
    assert_ne!(text("x'001fff'"), text(&Raw));
}

#[test]
fn maps_are_equal_in_any_order_of_insertion() {
    let words = ["b", "a", "c", "a-b", "a,b", ""];
    let forward: HashMap<_, _> = words.iter().enumerate().map(|(n, word)| (*word, n)).collect();
    let ordered: BTreeMap<_, _> = words.iter().enumerate().map(|(n, word)| (*word, n)).collect();
    assert_eq!(text(&forward), text(&ordered));
    assert_eq!(text(&ordered), "{''=5,a=1,a%2Cb=4,a-b=3,b=0,c=2}");
    assert_eq!(text(&BTreeMap::from([(10, "x"), (9, "y")])), "{10=x,9=y}");
    assert_eq!(text(&BTreeMap::<u8, u8>::new()), "{}");
}

#[test]
fn maps_in_maps_are_sorted_too() {
    let inner = HashMap::from([("z", 1), ("y", 2)]);
    let outer = HashMap::from([("q", inner.clone()), ("p", inner)]);
    assert_eq!(text(&outer), "{p={y=2,z=1},q={y=2,z=1}}");
}

#[test]
fn displayed_values_are_strings() {
    assert_eq!(text(&std::net::Ipv4Addr::LOCALHOST), "'127.0.0.1'");
    assert_eq!(text(&std::net::Ipv6Addr::LOCALHOST), "%3A%3A1");
}

#[test]
fn a_long_text_is_looked_up_by_its_digest_and_kept_in_full() {
    let longest = argument(&"x".repeat(198));
    assert_eq!(longest.text().len(), 200);

    let long = argument(&"x".repeat(199));
    let digest = format!("#{}", blake3::hash(format!("a={}", "x".repeat(199)).as_bytes()).to_hex());
    assert_eq!(long.text(), digest);
    let key = long.to_key("ns:f");
    assert_eq!(key.as_str(), format!("ns:f:{digest}"));
    assert_eq!(key.canonical(), format!("a={}", "x".repeat(199)));
    assert_eq!(key.lookup(), [b'x'; 199], "memory knows it without its name");
    let longer = argument(&"x".repeat(201));
    assert_eq!(longer.lookup(), longer.text().as_bytes());
}

#[test]
fn nobody_can_spell_anothers_digest() {
    let digest = argument(&"x".repeat(300)).text();
    let spelled = KeyText::written(|text| KeyWriter::template(text, &["", ""]).value(&digest).finish());
    assert_ne!(spelled.text(), digest);
}

struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("no connection has a key"))
    }
}

#[test]
fn an_argument_that_cannot_be_serialised_makes_the_text_unusable() {
    let text =
        KeyText::written(|text| KeyWriter::new(text, &["db", "id"]).argument(&Refuses).argument(&1).finish());
    assert!(!text.is_usable());
    assert_eq!(text.to_key("ns:f").why_unusable(), Some("db cannot be serialised: no connection has a key"));
    assert!(argument(&1).is_usable());
    assert_eq!(argument(&1).to_key("ns:f").why_unusable(), None);
}

#[test]
fn unusable_texts_meet_neither_each_other_nor_a_usable_one() {
    let first = argument(&Refuses);
    let second = argument(&Refuses);
    assert_ne!(first.text(), second.text());
    assert!(first.text().starts_with('#'));
    assert_ne!(first.to_key("ns:f"), second.to_key("ns:f"));
}

fn template(literals: &'static [&'static str], a: &impl Serialize, b: &impl Serialize) -> String {
    KeyText::written(|text| KeyWriter::template(text, literals).value(a).value(b).finish()).text()
}

#[test]
fn a_template_is_filled_in() {
    assert_eq!(template(&["user:", ":", ""], &42, &"en"), "user:42:en");
    assert_eq!(template(&["v2/", "/", "/end"], &"a b", &Some(1)), "v2/a%20b/1/end");
}

#[test]
fn a_value_cannot_reach_into_the_literal_behind_it() {
    assert_ne!(template(&["", ":", ""], &"a:b", &"c"), template(&["", ":", ""], &"a", &"b:c"));
    assert_ne!(template(&["", "-", ""], &"a-b", &"c"), template(&["", "-", ""], &"a", &"b-c"));
    assert_ne!(template(&["", "ü", ""], &"aüb", &"c"), template(&["", "ü", ""], &"a", &"büc"));
    assert_ne!(template(&["", "1", ""], &11, &1), template(&["", "1", ""], &1, &11));
    assert_ne!(template(&["", "()", ""], &"a()", &"b"), template(&["", "()", ""], &"a", &"()b"));
    assert_ne!(template(&["", "%28", ""], &"a(", &"b"), template(&["", "%28", ""], &"a", &"(b"));
    assert_ne!(template(&["", "", ""], &"a", &"bc"), template(&["", "", ""], &"ab", &"c"));
    assert_ne!(template(&["", "", ""], &1, &12), template(&["", "", ""], &11, &2));
}

#[test]
fn only_the_character_that_ends_a_value_is_escaped_in_it() {
    assert_eq!(template(&["user-", "-", ""], &"user", &"a-user"), "user-user-a-user");
    assert_eq!(template(&["", "-", ""], &-1, &-1), "%2D1--1");
}

#[test]
fn a_scope_is_a_namespace_and_a_function_and_nothing_reaches_out_of_it() {
    assert_eq!(scope("hc", "shop::catalog::product"), "hc:shop.catalog.product");
    assert_ne!(scope("a:b", "c"), scope("a", "b:c"));
    let key = |scope: &str, id: &str| -> Key {
        KeyText::written(|text| KeyWriter::template(text, &["", ""]).value(id).finish()).to_key(scope)
    };
    assert_ne!(key(&scope("hc", "a:b"), "c").as_str(), key(&scope("hc", "a"), "b:c").as_str());
}

/// A set that comes in another order in each of these.
fn sets(size: u32) -> impl Iterator<Item = HashSet<u32>> {
    (0..20).map(move |_| (0..size).collect())
}

#[test]
fn the_elements_of_a_set_are_in_order_wherever_it_stands() {
    type Alias = HashSet<u32>;
    #[derive(Serialize)]
    struct Filter<'a> {
        tags: Alias,
        optional: Option<HashSet<u32>>,
        pointed: &'a HashSet<u32>,
    }
    #[derive(Serialize)]
    struct Newtype(HashSet<u32>);
    #[derive(Serialize)]
    enum Choice {
        Of(HashSet<u32>),
        Named { of: HashSet<u32> },
    }
    let order = "[0,1,2,3,4,5,6,7]";
    for set in sets(8) {
        assert_eq!(text(&set), order);
        assert_eq!(text(&&set), order);
        assert_eq!(text(&Cow::Borrowed(&set)), order);
        assert_eq!(text(&Box::new(set.clone())), order);
        assert_eq!(text(&Some(set.clone())), order);
        assert_eq!(text(&Newtype(set.clone())), order);
        assert_eq!(text(&(1, set.clone())), format!("(1,{order})"));
        assert_eq!(text(&vec![set.clone(), set.clone()]), format!("[{order},{order}]"));
        assert_eq!(text(&HashMap::from([(1, set.clone())])), format!("{{1={order}}}"));
        assert_eq!(text(&Choice::Of(set.clone())), format!("Of({order})"));
        assert_eq!(text(&Choice::Named { of: set.clone() }), format!("Named{{of={order}}}"));
        let filter = Filter { tags: set.clone(), optional: Some(set.clone()), pointed: &set };
        assert_eq!(text(&filter), format!("{{tags={order},optional={order},pointed={order}}}"));
        let template = KeyText::written(|text| KeyWriter::template(text, &["s:", "5"]).value(&set).finish());
        assert_eq!(template.text(), "s:[%35,0,1,2,3,4,6,7]5", "in the order of what is written");
    }
}

#[test]
fn elements_that_hold_others_stay_whole_when_they_are_put_in_order() {
    let elements = [vec!["b,[", "a"], vec![], vec!["]", "'"], vec!["a"], vec!["", "1"]];
    let expected = text(&elements.iter().cloned().collect::<BTreeSet<_>>());
    let keys: HashSet<String> =
        (0..20).map(|_| text(&elements.iter().cloned().collect::<HashSet<_>>())).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let sorted = |key: &str| {
        let mut parts: Vec<char> = key.chars().collect();
        parts.sort_unstable();
        parts
    };
    assert_eq!(sorted(keys.iter().next().unwrap()), sorted(&expected), "nothing is lost");
    assert_eq!(text(&HashSet::<u8>::new()), "[]");
    assert_ne!(text(&HashSet::from([vec![1, 2]])), text(&HashSet::from([vec![1], vec![2]])));
    assert_eq!(text(&vec![3, 1]), "[3,1]", "a list keeps its order");
}

#[test]
fn what_cannot_be_seen_in_a_key_is_escaped_and_found_by_its_first_byte() {
    for character in '\0'..=char::MAX {
        let alone = text(&character);
        if super::is_invisible(character) {
            assert!(alone.starts_with('%') && alone.is_ascii(), "{character:?}: {alone}");
        } else {
            assert!(!character.is_control(), "{character:?}");
        }
    }
    let named = |name: &str| scope("hc", name);
    assert_eq!(named("shop::\u{202e}x"), "hc:shop.%E2%80%AEx");
}
