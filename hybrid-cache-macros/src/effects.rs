//! `#[invalidates(..)]` and `#[updates(..)]`: what a function that changes something does to cached answers.
//!
//! The same pipeline as `#[cached]`, with parts of its own: what stands in the parentheses (`args.rs`), the function
//! (`changer.rs`), the rules (`check.rs`), the tokens (`expand.rs`).

mod args;
mod argument;
mod changer;
mod check;
mod companion;
mod expand;
#[cfg(test)]
mod snapshots;

use proc_macro2::TokenStream;

use self::{args::Args, changer::Changer};
use crate::fallback;

/// Which of the two attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The answers are forgotten.
    Invalidates,
    /// The function's own answer takes their place.
    Updates,
}

impl Effect {
    /// The attribute's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Invalidates => "invalidates",
            Self::Updates => "updates",
        }
    }
}

/// parse → check → expand; after an error, the fallback.
pub(crate) fn expansion(effect: Effect, args: TokenStream, item: &TokenStream) -> TokenStream {
    let changer = match Changer::parse(effect, item) {
        Ok(changer) => changer,
        Err(error) => return fallback::untouched(&error, item),
    };
    let (args, malformed) = Args::parse(effect, args);
    match check::all(malformed, &args, &changer) {
        Ok(()) => expand::changer(&args, &changer),
        Err(errors) => fallback::untouched(&errors, item),
    }
}
