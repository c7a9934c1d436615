//! Every rule, one small function each. All broken rules are reported at once.

use crate::{args::Args, function::Function};

/// `malformed` are the options that could not even be read; they are reported with the rest.
pub(crate) fn all(malformed: Vec<syn::Error>, _args: &Args, _function: &Function) -> syn::Result<()> {
    malformed
        .into_iter()
        .reduce(|mut all, next| {
            all.combine(next);
            all
        })
        .map_or(Ok(()), Err)
}
