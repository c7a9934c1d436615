//! Cached functions in a package that calls the crate `hc`, as far from a macro's usual surroundings as they get:
//! nothing here is called `hybrid_cache`, `tokio` or `serde_json`.

use std::{fmt, sync::Arc};

/// What goes wrong here; cannot be cloned.
#[derive(Debug)]
pub struct Failure;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it went wrong")
    }
}

/// In the manner of `anyhow::Result`.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Neither a parameter nor the word `Result` in sight.
pub type Lookup = Result<Option<Word>>;

/// An answer that every layer could keep.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Word(pub String);

/// No argument and no option at all.
#[hc::cached(crate = hc)]
pub async fn greeting() -> String {
    "hello".to_owned()
}

/// Owned arguments; an alias with a default; no layers named.
///
/// # Errors
///
/// For an empty word.
#[hc::cached(crate = hc, ttl = "5m")]
pub async fn shout(word: String, times: u8) -> Result<Word> {
    if word.is_empty() { Err(Failure) } else { Ok(Word(word.to_uppercase().repeat(times.into()))) }
}

/// Borrowed arguments; an alias that hides everything.
///
/// # Errors
///
/// If there are no words to look in.
#[hc::cached(crate = hc, layers = "mem", none_ttl = "10s", companion = Find)]
pub async fn find(words: &[String], start: &str, not: Option<&str>, like: &Word) -> Lookup {
    if words.is_empty() {
        return Err(Failure);
    }
    let found = words
        .iter()
        .find(|word| word.starts_with(start) && Some(word.as_str()) != not && word.len() == like.0.len());
    Ok(found.cloned().map(Word))
}

/// A handle that is no part of the key.
#[derive(Debug, Clone, Default)]
pub struct Database(Arc<std::sync::atomic::AtomicUsize>);

impl Database {
    /// How often it was asked.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// A template over a field, and a handle left out.
#[hc::cached(crate = hc, layers = "mem", key = "word:{word.0}", skip(database), name = "renamed.length")]
pub async fn length(database: &Database, word: &Word) -> usize {
    database.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    word.0.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_shape_is_cached_under_the_other_name_too() {
        for _ in 0..2 {
            assert_eq!(greeting().await, "hello");
            assert_eq!(shout("ho".to_owned(), 2).await.unwrap(), Word("HOHO".to_owned()));
            assert!(shout(String::new(), 2).await.is_err());
        }
        assert_eq!(greeting::stats().loads(), 1);
        assert_eq!((shout::stats().loads(), shout::stats().load_errors()), (3, 2));
    }

    #[tokio::test]
    async fn borrowed_arguments_and_hidden_results_are_cached_under_the_other_name_too() {
        let words = ["one", "two", "three"].map(str::to_owned);
        let like = Word("xyz".to_owned());
        for _ in 0..2 {
            assert_eq!(find(&words, "t", None, &like).await.unwrap(), Some(Word("two".to_owned())));
            assert_eq!(find(&words, "t", Some("two"), &like).await.unwrap(), None);
            assert!(find(&[], "t", None, &like).await.is_err());
        }
        assert_eq!(Find::stats().loads(), 4, "two answers once, one error twice");
        assert_eq!(Find::peek(&words, "t", Some("two"), &like).await, Some(None));
        Find::invalidate(&words, "t", None, &like).await;
        assert_eq!(Find::peek(&words, "t", None, &like).await, None);
    }

    #[tokio::test]
    async fn a_template_and_a_skipped_argument_make_the_key() {
        let (database, word) = (Database::default(), Word("four".to_owned()));
        assert_eq!(length(&database, &word).await, 4);
        assert_eq!(length(&Database::default(), &word).await, 4);
        assert_eq!(database.questions(), 1);
        assert_eq!(length::key(&word).to_string(), "hc:renamed.length:word:four");
    }
}
