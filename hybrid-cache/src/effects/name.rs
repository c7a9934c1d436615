//! Whether the arguments of an answer are named as the cached function's parameters are, found out while compiling.

/// The longest message that is shown whole.
const LONGEST: usize = 512;

/// Does not compile if the parameter at `place` is not called `name`, and says how they are called.
///
/// # Panics
///
/// Then.
#[expect(clippy::panic, reason = "run by the compiler, which shows the message")]
pub const fn require_parameter(function: &str, parameters: &[&str], place: usize, name: &str) {
    // More names than parameters: the compiler itself says that.
    if place >= parameters.len() && is_among(parameters, name) || is_at(parameters, place, name) {
        return;
    }
    let message = if is_among(parameters, name) {
        let message = Message::new().and("`").and(name).and("` has another place in `").and(function);
        message.and("`; write its arguments in their order: ").and_list(parameters)
    } else {
        let message = Message::new().and("`").and(name).and("` does not stand in the key of `").and(function);
        message.and("`; what does: ").and_list(parameters)
    };
    panic!("{}", message.text())
}

const fn is_at(names: &[&str], place: usize, name: &str) -> bool {
    let (_, from) = names.split_at(if place < names.len() { place } else { names.len() });
    match from.first() {
        Some(at) => is_same(at, name),
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
struct Message {
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

    const fn text(&self) -> &str {
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

    fn message(parameters: &[&str], place: usize, name: &str) -> String {
        let (parameters, name) = (parameters.to_vec(), name.to_owned());
        let panicked =
            std::panic::catch_unwind(|| require_parameter("shop::product", &parameters, place, &name));
        panicked.map_or_else(|panic| *panic.downcast().unwrap(), |()| String::new())
    }

    #[test]
    fn a_name_is_that_of_the_parameter_in_its_place() {
        let parameters = ["id", "lang"];
        assert_eq!(message(&parameters, 0, "id"), "");
        assert_eq!(message(&parameters, 1, "lang"), "");
        assert_eq!(
            message(&parameters, 1, "langs"),
            "`langs` does not stand in the key of `shop::product`; what does: `id`, `lang`"
        );
        assert_eq!(
            message(&parameters, 0, "lang"),
            "`lang` has another place in `shop::product`; write its arguments in their order: `id`, `lang`"
        );
        assert_eq!(
            message(&[], 0, "id"),
            "`id` does not stand in the key of `shop::product`; what does: nothing, it has one answer"
        );
    }

    #[test]
    fn a_message_that_does_not_fit_is_cut() {
        let name = "long".repeat(LONGEST);
        assert_eq!(message(&["id"], 0, &name).len(), LONGEST);
        let name = "ö".repeat(LONGEST);
        assert!(message(&["id"], 0, &name).starts_with("this argument"));
    }
}
