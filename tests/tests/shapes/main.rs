//! `#[cached]` on every shape of function: each compiles without warnings, under lints that say a lot, keeps its answers,
//! and has its companions.

#![warn(missing_docs, unreachable_pub, dead_code, clippy::pedantic)]

mod arguments;
mod blocking;
mod bounds;
mod generic;
mod methods;
mod neighbours;
mod visibility;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// How often a body has run.
struct Runs(AtomicUsize);

impl Runs {
    const fn none() -> Self {
        Self(AtomicUsize::new(0))
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    fn one_more(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}
