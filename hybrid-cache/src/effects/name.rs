//! Whether the arguments of an answer are named as the cached function's parameters are, found out while compiling.

/// The longest message that is shown whole.
const LONGEST: usize = 512;

/// What is wrong with the last of `names`, if those before it are the names of the function's parameters in their
/// order and it is not the next one's.
#[must_use]
pub const fn wrong_parameter(function: &str, parameters: &[&str], names: &[&str]) -> Option<Message> {
    let Some((name, right)) = names.split_last() else { return None };
    let mut place = 0;
    while let Some(other) = at(right, place) {
        if !is_at(parameters, place, other) {
            return None;
        }
        place += 1;
    }
    // More names than parameters: the compiler itself says that.
    if is_at(parameters, place, name) || place >= parameters.len() && is_among(parameters, name) {
        return None;
    }
    let message = Message::new().and("`").and(name);
    Some(if is_among(parameters, name) {
        let message = message.and("` has another place in `").and(function);
        message.and("`; write its arguments in their order: ").and_list(parameters)
    } else {
        let message = message.and("` does not stand in the key of `").and(function);
        message.and("`; what does: ").and_list(parameters)
    })
}

const fn at<'a>(names: &[&'a str], place: usize) -> Option<&'a str> {
    let (_, from) = names.split_at(if place < names.len() { place } else { names.len() });
    match from.first() {
        Some(name) => Some(name),
        None => None,
    }
}

const fn is_at(names: &[&str], place: usize, name: &str) -> bool {
    match at(names, place) {
        Some(other) => is_same(other, name),
        None => false,
    }
}

const fn is_among(names: &[&str], name: &str) -> bool {
    let mut place = 0;
    while place < names.len() {
        if is_at(names, place, name) {
            return true;
        }
        place += 1;
    }
    false
}

const fn is_same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    while let (Some((x, rest_of_a)), Some((y, rest_of_b))) = (a.split_first(), b.split_first()) {
        if *x != *y {
            return false;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    true
}

/// Text that is put together while compiling.
#[derive(Debug)]
pub struct Message {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Message {
    const fn new() -> Self {
        Self { bytes: [0; LONGEST], length: 0 }
    }

    const fn and(mut self, text: &str) -> Self {
        let (_, mut room) = self.bytes.split_at_mut(self.length);
        let mut bytes = text.as_bytes();
        while let (Some((byte, rest)), Some((place, left))) = (bytes.split_first(), room.split_first_mut()) {
            *place = *byte;
            self.length += 1;
            (bytes, room) = (rest, left);
        }
        self
    }

    const fn and_list(mut self, names: &[&str]) -> Self {
        let mut names = names;
        if names.is_empty() {
            return self.and("nothing, it has one answer");
        }
        while let Some((name, rest)) = names.split_first() {
            self = self.and("`").and(name).and(if rest.is_empty() { "`" } else { "`, " });
            names = rest;
        }
        self
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.length);
        match str::from_utf8(text) {
            Ok(text) => text,
            // Cut within a letter.
            Err(_) => "this argument does not stand in the key of the cached function in this place",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(parameters: &[&str], names: &[&str]) -> Option<String> {
        wrong_parameter("shop::product", parameters, names).map(|message| message.text().to_owned())
    }

    #[test]
    fn a_name_is_that_of_the_parameter_in_its_place() {
        let parameters = ["id", "lang"];
        for right in [&["id"][..], &["id", "lang"], &[]] {
            assert_eq!(message(&parameters, right), None);
        }
        assert_eq!(
            message(&parameters, &["id", "langs"]).unwrap(),
            "`langs` does not stand in the key of `shop::product`; what does: `id`, `lang`"
        );
        assert_eq!(
            message(&parameters, &["lang"]).unwrap(),
            "`lang` has another place in `shop::product`; write its arguments in their order: `id`, `lang`"
        );
        assert_eq!(
            message(&[], &["id"]).unwrap(),
            "`id` does not stand in the key of `shop::product`; what does: nothing, it has one answer"
        );
    }

    #[test]
    fn what_follows_from_an_earlier_mistake_is_not_said() {
        assert_eq!(message(&["id", "lang"], &["lang", "id"]), None);
        assert_eq!(message(&["id"], &["id", "id"]), None);
    }

    #[test]
    fn a_message_that_does_not_fit_is_cut() {
        let name = "long".repeat(LONGEST);
        assert_eq!(message(&["id"], &[&name]).unwrap().len(), LONGEST);
        let name = "ö".repeat(LONGEST);
        assert!(message(&["id"], &[&name]).unwrap().starts_with("this argument"));
    }
}
