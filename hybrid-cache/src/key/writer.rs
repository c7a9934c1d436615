//! Arguments or a template's placeholders, one after the other, into a [`KeyText`]. Generated code calls this.

use serde::Serialize;

use super::{
    encoder::{Encoder, NotWritten},
    escape, packed,
    text::KeyText,
};

/// What an argument must be to stand in a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "is not `Serialize`",
    note = "if no answer depends on this argument, leave it out of the key with `skip(..)`",
    note = "if answers depend on all of it, add `#[derive(serde::Serialize)]` to `{Self}`; if on some fields, name these: `key = \"{{argument.field}}\"`"
)]
pub trait KeyPart: Serialize {}

// Else the compiler would speak of serde's trait in place of the message above.
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyPart for T {}

/// Writes the text of a call's arguments.
///
/// ```text
/// KeyWriter::new(&mut text, &["id", "lang"]).argument(&id).argument(&lang).finish()          // id=42,lang=en
/// KeyWriter::template(&mut text, &["user:", ":", ""]).value(&id).value(&user.lang).finish()  // user:42:en
/// ```
///
/// The text is written where it stays, and every step takes `&mut self`: else it would be copied on its way.
#[derive(Debug)]
#[must_use = "call finish()"]
pub struct KeyWriter<'a> {
    text: &'a mut KeyText,
    /// How many arguments are written.
    arguments: usize,
    /// The literals of a template that are still to come; the first stands behind the next value.
    literals: &'static [&'static str],
    failure: Option<Box<str>>,
}

impl<'a> KeyWriter<'a> {
    /// For the default form of keys: `name=value,…`. The names are in alphabetical order, so that arguments may change
    /// places. Call [`argument`](Self::argument) once for each.
    #[inline]
    pub const fn new(text: &'a mut KeyText, names: &'static [&'static str]) -> Self {
        text.names = names;
        Self { text, arguments: 0, literals: &[], failure: None }
    }

    /// For a key with a form of its own: what stands before, between and behind its placeholders, so always one
    /// literal more than there are values. Call [`value`](Self::value) once for each placeholder.
    pub fn template(text: &'a mut KeyText, literals: &'static [&'static str]) -> Self {
        let (before, literals) = literals.split_first().unwrap_or((&"", &[]));
        escape::push_literal(&mut text.buffer, before);
        Self { text, arguments: 0, literals, failure: None }
    }

    /// Writes, before everything else, what a type parameter of a generic function stands for: instances do not share their
    /// answers. It has a name among the arguments. The same in every process and build of one compiler.
    pub fn instance<T: ?Sized>(&mut self) -> &mut Self {
        self.begin_argument();
        for (at, part) in std::any::type_name::<T>().split("::").enumerate() {
            if at > 0 {
                self.text.buffer.push(b'.');
            }
            escape::push_text(&mut self.text.buffer, part);
        }
        self
    }

    /// The rest of the key has a form of its own, see [`template`](Self::template).
    pub fn then_template(&mut self, literals: &'static [&'static str]) -> &mut Self {
        let (before, literals) = literals.split_first().unwrap_or((&"", &[]));
        self.text.buffer.push(packed::MARK);
        escape::push_literal(&mut self.text.buffer, before);
        self.literals = literals;
        self
    }

    /// Writes the next argument.
    #[inline]
    pub fn argument<T: KeyPart + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.begin_argument();
        if let Err(error) = Encoder::argument(&mut self.text.buffer).value(value) {
            let name = self.text.names.get(self.arguments - 1).copied();
            self.fail(name.unwrap_or("an argument"), &error);
        }
        self
    }

    /// The same for a type parameter: the compiler says which bound it lacks.
    #[inline]
    pub fn generic_argument<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.argument(value)
    }

    /// Writes the value of the next placeholder, and the literal behind it.
    pub fn value<T: KeyPart + ?Sized>(&mut self, value: &T) -> &mut Self {
        let (literal, rest) = self.literals.split_first().unwrap_or((&"", &[]));
        self.literals = rest;
        let guarded = escape::guard_before(literal);
        if let Err(error) = Encoder::new(&mut self.text.buffer, guarded).value(value) {
            self.fail("a placeholder", &error);
        }
        if literal.is_empty() && !rest.is_empty() {
            // Two placeholders touch. A value has no plain comma outside its brackets.
            self.text.buffer.push(b',');
        }
        escape::push_literal(&mut self.text.buffer, literal);
        self
    }

    /// The same for a type parameter: the compiler says which bound it lacks.
    pub fn generic_value<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.value(value)
    }

    /// The text is whole.
    #[inline]
    pub fn finish(&mut self) {
        match self.failure.take() {
            None => self.text.finish(),
            Some(failure) => self.text.make_unusable(failure),
        }
    }

    #[inline]
    fn begin_argument(&mut self) {
        if self.arguments > 0 {
            self.text.buffer.push(packed::MARK);
        }
        self.arguments += 1;
    }

    #[cold]
    fn fail(&mut self, argument: &str, error: &NotWritten) {
        if self.failure.is_none() {
            self.failure = Some(format!("{argument} cannot be serialised: {error}").into_boxed_str());
        }
    }
}
