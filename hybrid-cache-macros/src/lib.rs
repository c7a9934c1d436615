//! The attributes of `hybrid-cache`: `#[cached]`, and `#[invalidates]` and `#[updates]` for functions that change what
//! cached answers were made of. Use them through that crate: `use hybrid_cache::cached;`.
//!
//! The macro names things; the runtime does them. What it emits for one function is a key, one call into
//! `hybrid_cache::__private`, and thin companions.
//!
//! | file | knows |
//! |---|---|
//! | `args.rs` | what stands in the parentheses, with spans |
//! | `elsewhere.rs` | what other crates call the options |
//! | `value.rs`, `duration.rs`, `size.rs`, `layer.rs`, `template.rs` | how single values are written |
//! | `function.rs` | what we need to know of the function |
//! | `generics.rs`, `pattern.rs`, `place.rs` | its type parameters; arguments that are taken apart; whether it stands in an `impl` |
//! | `conditional.rs` | `#[cfg]` on an argument |
//! | `spelling.rs` | questions to the spelling of a type |
//! | `check.rs` and `check/` | every rule, one small function each |
//! | `names.rs`, `expand.rs`, `definition.rs`, `key.rs`, `load.rs`, `companions.rs` | checked input → tokens |
//! | `effects.rs` and `effects/` | the same for `#[invalidates]` and `#[updates]` |
//! | `fallback.rs` | what is emitted after an error, so that ours is the only one |

mod args;
mod check;
mod companions;
mod conditional;
mod definition;
mod duration;
mod effects;
mod elsewhere;
mod expand;
mod fallback;
mod function;
mod generics;
mod key;
mod layer;
mod load;
mod names;
mod pattern;
mod place;
mod size;
#[cfg(test)]
mod snapshots;
mod spelling;
mod template;
mod value;

use proc_macro::TokenStream;

use crate::{args::Args, effects::Effect, function::Function};

#[doc = include_str!("../docs/cached.md")]
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    expansion(args.into(), &item.into()).into()
}

#[doc = include_str!("../docs/invalidates.md")]
#[proc_macro_attribute]
pub fn invalidates(args: TokenStream, item: TokenStream) -> TokenStream {
    effects::expansion(Effect::Invalidates, args.into(), &item.into()).into()
}

#[doc = include_str!("../docs/updates.md")]
#[proc_macro_attribute]
pub fn updates(args: TokenStream, item: TokenStream) -> TokenStream {
    effects::expansion(Effect::Updates, args.into(), &item.into()).into()
}

/// parse → check → expand; after an error, the fallback.
fn expansion(args: proc_macro2::TokenStream, item: &proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut function = match Function::parse(item) {
        Ok(function) => function,
        Err(error) => return fallback::untouched(&error, item),
    };
    if let Some(two) = conditional::split(&args, &function) {
        return two;
    }
    let (mut args, malformed) = Args::parse(args);
    function.heed(&args);
    args.heed(&function);
    match check::all(malformed, &args, &function) {
        Ok(()) => expand::cached(&args, &function),
        Err(errors) => fallback::with_stubs(&errors, &args, &function),
    }
}
