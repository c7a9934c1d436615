//! All small values made of what has a meaning in keys, each compared with each: an ambiguity of the grammar shows
//! in values of a few characters, which random ones seldom hit.

use std::collections::BTreeMap;

use super::{
    argument,
    node::{Meaning, Node},
};
use crate::key::{text::KeyText, writer::KeyWriter};

/// Remembers which text means what and how it is packed, and objects to a second meaning, text or packed form.
#[derive(Default)]
struct Dictionary {
    meanings: BTreeMap<String, Vec<Meaning>>,
    texts: BTreeMap<Vec<Meaning>, String>,
    packed: BTreeMap<Vec<u8>, Vec<Meaning>>,
    packed_forms: BTreeMap<Vec<Meaning>, Vec<u8>>,
}

impl Dictionary {
    fn enter(&mut self, written: &KeyText, values: &[&Node]) {
        let (text, packed) = (written.text(), written.lookup().to_vec());
        let meaning: Vec<_> = values.iter().map(|value| value.meaning()).collect();
        let known = self.meanings.entry(text.clone()).or_insert_with(|| meaning.clone());
        assert_eq!(*known, meaning, "two meanings of {text}");
        let known = self.texts.entry(meaning.clone()).or_insert_with(|| text.clone());
        assert_eq!(*known, text, "two texts of {meaning:?}");
        // What zeros stand behind is the same in memory.
        let end = packed.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let known = self.packed.entry(packed[..end].to_vec()).or_insert_with(|| meaning.clone());
        assert_eq!(*known, meaning, "two meanings of {packed:?}");
        let known = self.packed_forms.entry(meaning.clone()).or_insert_with(|| packed.clone());
        assert_eq!(*known, packed, "two packed forms of {meaning:?}");
    }
}

/// All strings of up to `longest` of these characters.
fn strings(characters: &str, longest: usize) -> Vec<Node> {
    let mut all = vec![String::new()];
    let mut longer = all.clone();
    for _ in 0..longest {
        longer =
            longer.iter().flat_map(|text| characters.chars().map(move |c| format!("{text}{c}"))).collect();
        all.extend_from_slice(&longer);
    }
    all.into_iter().map(Node::Str).collect()
}

/// What other values are made of: marks of the grammar as text, and the values that they mark.
fn parts() -> Vec<Node> {
    let texts = [
        "", "a", ",", "~", "~~", "'", "''", "(", ")", "()", "[]", "{}", "=", "a=a", "a,a", "%", "%2C", "(a)",
    ];
    let words = ["1", "-1", "1.0", "true", "NaN", "inf", "x''", "x", "a(a)", "[a]", "{a=a}", "#"];
    let mut parts: Vec<_> = texts.iter().chain(&words).map(|text| Node::Str((*text).to_owned())).collect();
    parts.extend([Node::Bool(true), Node::Narrow(1), Node::Wide(-1), Node::Unsigned(11)]);
    let edges = [0, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, u64::MAX];
    parts.extend(edges.map(|edge: u64| Node::Unsigned(edge.into())));
    parts.extend([-256, i64::MIN].map(Node::Wide));
    parts.extend([1.0, -1.0, f64::NAN, f64::INFINITY, -0.0, 0.0].map(Node::Float));
    parts.extend([Node::None, Node::Some(Box::new(Node::None)), Node::Unit]);
    parts.extend([
        Node::Bytes(vec![]),
        Node::Bytes(vec![0xaa]),
        Node::UnitVariant("a"),
        Node::UnitVariant("true"),
    ]);
    parts
}

/// Everything that holds one or two of `parts`.
fn compounds(parts: &[Node]) -> Vec<Node> {
    let mut compounds =
        vec![Node::Seq(vec![]), Node::Tuple(vec![]), Node::Map(vec![]), Node::Struct("s", vec![])];
    compounds.push(Node::StructVariant("a", vec![]));
    compounds.push(Node::TupleVariant("a", vec![]));
    for one in parts {
        compounds.push(Node::Some(Box::new(one.clone())));
        compounds.push(Node::NewtypeVariant("a", Box::new(one.clone())));
        compounds.push(Node::NewtypeVariant("(", Box::new(one.clone())));
        compounds.push(Node::Seq(vec![one.clone()]));
        compounds.push(Node::Tuple(vec![one.clone()]));
        compounds.push(Node::Struct("s", vec![("a", one.clone())]));
        for other in parts {
            let pair = || vec![one.clone(), other.clone()];
            compounds.push(Node::Seq(pair()));
            compounds.push(Node::Tuple(pair()));
            compounds.push(Node::TupleVariant("a", pair()));
            compounds.push(Node::Map(vec![(one.clone(), other.clone())]));
            compounds.push(Node::Map(vec![(one.clone(), other.clone()), (other.clone(), one.clone())]));
            compounds.push(Node::Struct("s", vec![("a", one.clone()), ("a=", other.clone())]));
            compounds.push(Node::StructVariant("a", vec![("a", one.clone()), ("", other.clone())]));
        }
    }
    compounds
}

#[test]
fn no_two_short_strings_share_a_text() {
    let mut dictionary = Dictionary::default();
    for string in strings("a1-.e,=:~'()[]{}#%*?x2C \"\\\u{85}é", 2) {
        dictionary.enter(&argument(&string), &[&string]);
    }
    for string in strings("%2C7E,~", 4) {
        dictionary.enter(&argument(&string), &[&string]);
    }
}

#[test]
fn no_two_small_values_share_a_text() {
    let mut dictionary = Dictionary::default();
    let parts = parts();
    for value in parts.iter().chain(&strings("a1,=~'()[]{}%", 2)).chain(&compounds(&parts)) {
        dictionary.enter(&argument(value), &[value]);
    }
}

#[test]
fn no_two_small_values_in_values_share_a_text() {
    let mut dictionary = Dictionary::default();
    let few = [Node::None, Node::Unit, Node::Narrow(1), Node::Str(String::new()), Node::Str(",".into())];
    let compounds = compounds(&few);
    for one in &compounds {
        for other in compounds.iter().step_by(7) {
            let pair = Node::Seq(vec![one.clone(), other.clone()]);
            dictionary.enter(&argument(&pair), &[&pair]);
            let entry = Node::Map(vec![(one.clone(), other.clone())]);
            dictionary.enter(&argument(&entry), &[&entry]);
        }
        let some = Node::Some(Box::new(Node::Some(Box::new(one.clone()))));
        dictionary.enter(&argument(&some), &[&some]);
    }
}

#[test]
fn no_two_pairs_of_arguments_share_a_text() {
    let mut dictionary = Dictionary::default();
    let parts = parts();
    for one in &parts {
        for other in &parts {
            let written = KeyText::written(|text| {
                KeyWriter::new(text, &["a", "b"]).argument(one).argument(other).finish();
            });
            dictionary.enter(&written, &[one, other]);
        }
    }
}

#[test]
fn no_two_pairs_of_values_in_a_template_share_a_text_whatever_stands_between_them() {
    let mut values = parts();
    values.extend([Node::Narrow(11), Node::Wide(-11), Node::Wide(111)]);
    values.extend(strings("a:-(é~", 1));
    values.extend(
        ["aa", "-1", "1-", "a-", "a1", "()", "a(", "(é", "é(", "aé"].map(|text| Node::Str(text.to_owned())),
    );
    for between in
        ["", ",", ":", "-", "1", "1-", "(", "()", ")", "~", "'", "a", "aa", "é", "%", "%28", "{", "x", "."]
    {
        let mut dictionary = Dictionary::default();
        let literals: &'static [&'static str] = vec!["", between, ""].leak();
        for one in &values {
            for other in &values {
                let written = KeyText::written(|text| {
                    KeyWriter::template(text, literals).value(one).value(other).finish();
                });
                dictionary.enter(&written, &[one, other]);
            }
        }
    }
}
