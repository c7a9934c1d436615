//! Measuring in a process of its own: this program once more, with other words on its command line.

use std::{
    env, io,
    process::{Command, Stdio},
};

use serde::{Serialize, de::DeserializeOwned};

/// Before the words that say what is to be measured.
const APART: &str = "--apart";

/// What such a process, started with `words`, finds out.
///
/// # Errors
///
/// If it cannot be started, or ends without an answer.
pub fn measure<T: DeserializeOwned>(words: &[&str], variables: &[(&str, String)]) -> io::Result<T> {
    let output = Command::new(env::current_exe()?)
        .arg(APART)
        .args(words)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| io::Error::other(format!("{}: {}, {error}", words.join(" "), output.status)))
}

/// The words with which this process was started, if it is such a one.
#[must_use]
pub fn words() -> Option<Vec<String>> {
    let mut words = env::args().skip(1);
    (words.next()? == APART).then(|| words.collect())
}

/// Hands over what was found out.
///
/// # Errors
///
/// If it cannot be written as JSON.
pub fn answer(found: &impl Serialize) -> io::Result<()> {
    println!("{}", serde_json::to_string(found)?);
    Ok(())
}
