//! Equal values have equal texts, different ones different texts.

use proptest::{collection::vec, prelude::*};

use super::{
    node::{Meaning, Node, hostile_string, node},
    text,
};
use crate::key::{text::KeyText, writer::KeyWriter};

/// Compares each with each: equal texts exactly where the meanings are equal.
fn texts_tell_apart(cases: &[(String, Vec<Meaning>)]) -> Result<(), TestCaseError> {
    for (number, (text, meaning)) in cases.iter().enumerate() {
        for (other_text, other_meaning) in &cases[..number] {
            prop_assert_eq!(
                text == other_text,
                meaning == other_meaning,
                "{:?} is {} and {:?} is {}",
                meaning,
                text,
                other_meaning,
                other_text
            );
        }
    }
    Ok(())
}

fn meanings(values: &[Node]) -> Vec<Meaning> {
    values.iter().map(Node::meaning).collect()
}

/// The literals of a template live as long as the program.
fn leaked(literals: &[String]) -> &'static [&'static str] {
    let literals: Vec<&'static str> = literals.iter().map(|literal| &*literal.clone().leak()).collect();
    literals.leak()
}

fn filled(literals: &'static [&'static str], values: &[Node]) -> String {
    let text = KeyText::written(|text| {
        let mut writer = KeyWriter::template(text, literals);
        for value in values {
            writer.value(value);
        }
        writer.finish();
    });
    text.to_key("ns:f").canonical().to_owned()
}

proptest! {
    // Small values are covered one by one in `exhaustive`.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_argument_is_told_from_any_other(values in vec(node(), 2..12)) {
        let cases: Vec<_> = values.iter().map(|value| (text(value), vec![value.meaning()])).collect();
        texts_tell_apart(&cases)?;
    }

    #[test]
    fn strings_are_told_apart_whatever_is_in_them(values in vec(any::<String>(), 2..12)) {
        for pair in values.windows(2) {
            prop_assert_eq!(text(&pair[0]) == text(&pair[1]), pair[0] == pair[1]);
        }
    }

    #[test]
    fn two_arguments_are_told_from_any_other_two(values in vec([node(), node()], 2..12)) {
        let written = |[a, b]: &[Node; 2]| {
            KeyText::written(|text| KeyWriter::new(text, &["a", "b"]).argument(a).argument(b).finish()).to_key("ns:f").canonical().to_owned()
        };
        let cases: Vec<_> = values.iter().map(|pair| (written(pair), meanings(pair))).collect();
        texts_tell_apart(&cases)?;
    }

    #[test]
    fn a_template_is_told_apart_whatever_its_literals(
        literals in [hostile_string(), hostile_string(), hostile_string(), hostile_string()],
        values in vec([node(), node(), node()], 2..12),
        strings in vec([hostile_string(), hostile_string(), hostile_string()], 2..12),
    ) {
        let literals = leaked(&literals);
        let strings = strings.into_iter().map(|three| three.map(Node::Str));
        let values: Vec<_> = values.into_iter().chain(strings).collect();
        let cases: Vec<_> = values.iter().map(|three| (filled(literals, three), meanings(three))).collect();
        texts_tell_apart(&cases)?;
    }

    #[test]
    fn a_key_never_holds_a_control_character_or_a_space(
        literals in [any::<String>(), any::<String>()],
        value in any::<String>(),
    ) {
        let text = filled(leaked(&literals), &[Node::Str(value)]);
        prop_assert!(!text.chars().any(|c| c.is_control() || c == ' '));
    }
}
