use super::{text::KeyText, writer::KeyWriter};

fn text_of(text: &KeyText) -> String {
    text.clone().into_key("ns:f").canonical().to_owned()
}

#[test]
fn arguments_are_written_with_their_names() {
    let text = KeyWriter::new().argument("id", &42).argument("lang", "en").finish();
    assert_eq!(text.as_lookup(), "id=42,lang=en");
    assert_eq!(text_of(&text), "id=42,lang=en");
}

#[test]
fn a_template_is_filled_in() {
    let text = KeyWriter::template(&["user:", ":", ""]).value(&42).value("en").finish();
    assert_eq!(text.as_lookup(), "user:42:en");
}
