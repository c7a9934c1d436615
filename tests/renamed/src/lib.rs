//! Cached functions in a package that calls the crate `hc`, as far from a macro's usual surroundings as they get:
//! nothing here is called `hybrid_cache`, `tokio` or `serde_json`.

pub mod forbids;
pub mod lints;

use std::{fmt, sync::Arc, time::Duration};

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

/// Makes all this forgotten; a companion with a name of its own is called by that.
///
/// # Errors
///
/// For an empty word.
#[hc::invalidates(crate = hc, Find(&[], &start, None, &like), shout(word = start, times = 2))]
pub async fn change(start: String, like: Word) -> Result<()> {
    drop(like);
    if start.is_empty() { Err(Failure) } else { Ok(()) }
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

/// A page that lives in its caller.
#[derive(Debug)]
pub struct Page<'a>(pub &'a str);

/// An argument that cannot be owned, and options that name functions and constants.
///
/// # Errors
///
/// If the page is empty.
#[hc::cached(
    crate = hc,
    layers = "mem",
    key = "{page.0}",
    inline,
    stale_if_error = AN_HOUR,
    err_ttl = 1,
    deadline = "10s",
    cache_if = Option::is_some,
    ttl_by = life
)]
pub async fn first_word(page: Page<'_>) -> Result<Option<Word>, Blank> {
    if page.0.is_empty() {
        return Err(Blank);
    }
    Ok(page.0.split(' ').find(|word| !word.is_empty()).map(|word| Word(word.to_owned())))
}

const AN_HOUR: Duration = Duration::from_hours(1);

#[expect(clippy::ref_option, reason = "what is kept is an `Option`")]
fn life(word: &Option<Word>) -> Duration {
    Duration::from_secs(word.as_ref().map_or(1, |word| word.0.len() as u64))
}

/// A page with nothing on it, or so slow that it might as well be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blank;

impl From<hc::DeadlineExceeded> for Blank {
    fn from(_: hc::DeadlineExceeded) -> Self {
        Self
    }
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
    async fn answers_are_forgotten_under_the_other_name_too() {
        hc::testing::isolated(async {
            shout("u".to_owned(), 2).await.unwrap();
            assert!(change(String::new(), Word("b".to_owned())).await.is_err());
            assert!(shout::peek("u".to_owned(), 2).await.is_some());
            change("u".to_owned(), Word("b".to_owned())).await.unwrap();
            assert!(shout::peek("u".to_owned(), 2).await.is_none());
        })
        .await;
    }

    #[tokio::test]
    async fn the_options_of_an_answers_life_name_what_they_mean_under_the_other_name_too() {
        for _ in 0..2 {
            assert_eq!(first_word(Page("once upon")).await, Ok(Some(Word("once".to_owned()))));
        }
        assert_eq!(first_word::stats().loads(), 1);
        assert_eq!(first_word(Page(" ")).await, Ok(None));
        assert_eq!(first_word(Page("")).await, Err(Blank));
        assert!(first_word::expire(Page(" ")).await.strict().is_ok());
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
