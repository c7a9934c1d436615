//! Settings as a whole, from pairs of the test's own: the environment of the process is never touched.

mod functions;
mod precedence;
mod problems;
mod secrets;
mod variables;

use super::{Environment, Settings, builder::builder, error::ConfigError};

/// What these variables make of a builder with nothing set.
fn settings_from(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    builder().settings(&Environment::of(pairs.iter().copied()))
}

/// The problems these variables cause, as they are shown.
fn problems_of(pairs: &[(&str, &str)]) -> Vec<String> {
    match settings_from(pairs) {
        Err(ConfigError::Invalid { problems }) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

/// The one problem that this variable causes.
#[track_caller]
fn problem_of(variable: &str, value: &str) -> String {
    let problems = problems_of(&[(variable, value)]);
    assert_eq!(problems.len(), 1, "{variable}={value:?} caused {problems:?}");
    let problem = problems.into_iter().next().unwrap();
    assert!(problem.starts_with(&format!("{variable}: ")), "{problem}");
    problem
}
