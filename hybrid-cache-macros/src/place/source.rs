//! Which braces are open at a position of a source text, and what stands in front of them. Knows comments and literals, and
//! nothing else of the language.

use std::{iter::Peekable, str::CharIndices};

/// What stands in front of the innermost brace that is open at this line and column, both counted from 1 and the column in
/// bytes; empty if none is. `None` if the text has no such position.
pub(crate) fn innermost_header(source: &str, line: usize, column: usize) -> Option<String> {
    let before: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let end = before.checked_add(column.checked_sub(1)?)?;
    let text = source.get(..end)?;
    let mut headers = Vec::new();
    let mut header = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '/' if rest(text, at).starts_with("//") => skip_until(&mut characters, '\n'),
            '/' if rest(text, at).starts_with("/*") => skip_comment(&mut characters),
            '"' => skip_string(&mut characters),
            'r' if starts_raw(rest(text, at), &header) => skip_raw(&mut characters),
            '\'' => skip_char(&mut characters),
            '{' => headers.push(std::mem::take(&mut header)),
            '}' => {
                headers.pop();
                header.clear();
            }
            ';' => header.clear(),
            other => header.push(other),
        }
    }
    Some(headers.pop().map(|header| without_attributes(&header)).unwrap_or_default())
}

type Characters<'a> = Peekable<CharIndices<'a>>;

fn rest(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

fn skip_until(characters: &mut Characters<'_>, end: char) {
    characters.by_ref().find(|(_, character)| *character == end);
}

/// The first `/` has been read.
fn skip_comment(characters: &mut Characters<'_>) {
    let (mut depth, mut before) = (0_usize, '/');
    for (_, character) in characters.by_ref() {
        match (before, character) {
            ('/', '*') => (depth, before) = (depth + 1, ' '),
            ('*', '/') => (depth, before) = (depth.saturating_sub(1), ' '),
            _ => before = character,
        }
        if depth == 0 {
            return;
        }
    }
}

fn skip_string(characters: &mut Characters<'_>) {
    while let Some((_, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return,
            _ => {}
        }
    }
}

/// `r"` and `r#"`, which are not the end of a name.
fn starts_raw(from: &str, before: &str) -> bool {
    let in_name = before.ends_with(|c: char| c.is_alphanumeric() || c == '_') && !before.ends_with('b');
    !in_name && from.get(1..).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
}

/// The `r` has been read.
fn skip_raw(characters: &mut Characters<'_>) {
    let mut hashes = 0_usize;
    while characters.next_if(|(_, character)| *character == '#').is_some() {
        hashes += 1;
    }
    characters.next();
    while characters.by_ref().any(|(_, character)| character == '"') {
        let mut closing = 0;
        while closing < hashes && characters.next_if(|(_, character)| *character == '#').is_some() {
            closing += 1;
        }
        if closing == hashes {
            return;
        }
    }
}

/// A character, or a lifetime. The `'` has been read.
fn skip_char(characters: &mut Characters<'_>) {
    match characters.next() {
        Some((_, '\\')) => {
            characters.next();
            skip_until(characters, '\'');
        }
        // `'a'` has its end right there, `'a` has none.
        Some(_) => drop(characters.next_if(|(_, character)| *character == '\'')),
        None => {}
    }
}

/// Attributes in front of an item are not part of what it is.
fn without_attributes(header: &str) -> String {
    let mut rest = header.trim_start();
    while let Some(attribute) = rest.strip_prefix("#[") {
        let mut depth = 1_usize;
        let end = attribute.find(|character| {
            depth = depth + usize::from(character == '[') - usize::from(character == ']');
            depth == 0
        });
        rest = end.and_then(|end| attribute.get(end + 1..)).unwrap_or_default().trim_start();
    }
    rest.to_owned()
}

/// What stands outside of `<..>` and `(..)`, and before `where`.
pub(crate) fn without_brackets(header: &str) -> String {
    let (mut depth, mut before) = (0_usize, ' ');
    let outside = header.chars().filter(|character| {
        let opens = matches!(character, '<' | '(');
        // The `>` of `->` closes nothing.
        let closes = *character == ')' || (*character == '>' && before != '-');
        before = *character;
        depth += usize::from(opens);
        let inside = depth > 0;
        depth = depth.saturating_sub(usize::from(closes));
        !inside
    });
    let outside: String = outside.collect();
    outside.split(" where ").next().unwrap_or_default().to_owned()
}

/// The names of the types and constants that an `impl` is generic over: `T` and `N` of `impl<T: Kind, const N: usize> ..`.
pub(crate) fn parameters(header: &str) -> Vec<String> {
    let Some(inside) = header.split_once("impl").and_then(|(_, rest)| rest.trim_start().strip_prefix('<'))
    else {
        return Vec::new();
    };
    let (mut depth, mut before, mut names) = (0_usize, ' ', vec![String::new()]);
    for character in inside.chars() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if before == '-' => {}
            '>' if depth == 0 => break,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => names.push(String::new()),
            other => names.iter_mut().next_back().into_iter().for_each(|name| name.push(other)),
        }
        before = character;
    }
    let names = names.iter().map(|name| name.trim().trim_start_matches("const "));
    let names = names.filter_map(|name| name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_the_innermost_open_brace_is_found() {
        let source = r##"
/// { in a doc comment
mod shop {
    /* { /* nested */ */
    const TEXT: &str = "{ \" {";
    const RAW: &str = r#"{ " "#;
    const BRACE: char = '{';
    const QUOTE: char = '\'';
    fn before<'a>(text: &'a str) { if text == "}" {} }
    #[allow(clippy::all)]
    impl<'a> Repo<'a> {
        pub async fn HERE() {}
        fn body() { HERE; }
    }
    HERE
}
HERE
"##;
        let headers: Vec<String> = source
            .lines()
            .enumerate()
            .filter_map(|(at, line)| innermost_header(source, at + 1, line.find("HERE")? + 1))
            .map(|header| header.trim().to_owned())
            .collect();
        // Lifetimes are skipped like characters: nobody asks for them.
        assert_eq!(headers, ["impl<> Repo<>", "fn body()", "mod shop", ""]);
    }

    #[test]
    fn what_an_impl_is_generic_over_is_found() {
        let cases = [
            ("impl Repo", ""),
            ("impl<B> Repo<B>", "B"),
            ("unsafe impl<, T: Into<(u8, u8)>, const N: usize, F: Fn(u8) -> Vec<u8>> Repo<T>", "T,N,F"),
            ("pub async fn f<T>()", ""),
        ];
        for (header, expected) in cases {
            assert_eq!(parameters(header).join(","), expected, "{header}");
        }
    }

    #[test]
    fn a_position_that_is_not_there_has_no_header() {
        assert_eq!(innermost_header("fn f() {}", 1, 90), None);
        assert_eq!(innermost_header("fn f() {}", 0, 0), None);
    }
}
