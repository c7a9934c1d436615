//! What is asked for, and what is answered.
//!
//! All answers and all names exist before anything is measured, so that no candidate pays for making them: a body is a look
//! into a table, as the floor is.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use hybrid_cache_benches::user::User;

static USERS: OnceLock<Vec<Arc<User>>> = OnceLock::new();
static NAMES: OnceLock<Vec<String>> = OnceLock::new();
static LOADS: AtomicU64 = AtomicU64::new(0);

const LANGUAGES: [&str; 4] = ["en", "de", "fr", "pt-BR"];

/// What a cached function returns.
pub trait Answer: Clone + Send + Sync + 'static {
    /// The answer for this number, from the table.
    fn of(id: u64) -> Self;
}

impl Answer for Arc<User> {
    fn of(id: u64) -> Self {
        Self::clone(user(id))
    }
}

impl Answer for User {
    fn of(id: u64) -> Self {
        Self::clone(user(id))
    }
}

/// Makes the tables for this many keys.
pub fn prepare(keys: usize) {
    USERS.get_or_init(|| (0..keys as u64).map(|id| Arc::new(User::of(id))).collect());
    NAMES.get_or_init(|| (0..keys).map(|id| format!("user-{id:09}@example.com")).collect());
}

fn user(id: u64) -> &'static Arc<User> {
    &USERS.get().unwrap()[id as usize]
}

/// The name of the user of this number.
pub fn name(id: u64) -> &'static str {
    &NAMES.get().unwrap()[id as usize]
}

/// The language in which the user of this number is asked for.
pub fn language(id: u64) -> &'static str {
    LANGUAGES[id as usize % LANGUAGES.len()]
}

/// The body of every cached function. It is counted: of what is called a hit, none may get here.
pub fn load<A: Answer>(id: u64) -> A {
    LOADS.fetch_add(1, Ordering::Relaxed);
    A::of(id)
}

/// The same, where only the name is at hand.
pub fn load_by_name<A: Answer>(name: &str) -> A {
    let digits = name.get(5..14).unwrap();
    load(digits.parse().unwrap())
}

/// How many bodies have run.
pub fn loads() -> u64 {
    LOADS.load(Ordering::Relaxed)
}
