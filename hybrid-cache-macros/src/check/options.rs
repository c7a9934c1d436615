//! Values of single options, and options that could not have an effect.

use super::{Input, Rule, error};
use crate::{duration::Life, layer::Layer};

pub(super) const RULES: &[Rule] =
    &[zero_ttl, zero_layer_ttl, jitter_out_of_range, zero_capacity, capacity_without_memory, unusable_name];

fn zero_ttl(input: Input<'_>) -> Vec<syn::Error> {
    let zero = input.args.ttl.iter().filter_map(Life::zero);
    zero.map(|span| {
        error(span, "`ttl` is zero, so nothing would be kept; to switch caching off, remove the attribute")
    })
    .collect()
}

fn zero_layer_ttl(input: Input<'_>) -> Vec<syn::Error> {
    let zero = input.args.layer_ttls.iter().filter_map(|entry| Some((&entry.layer.text, entry.life.zero()?)));
    zero.map(|(layer, span)| {
        error(
            span,
            format!(
                "this `ttl` is zero, so `{layer}` would keep nothing; leave `{layer}` out of `layers` instead"
            ),
        )
    })
    .collect()
}

fn jitter_out_of_range(input: Input<'_>) -> Vec<syn::Error> {
    let wrong = input.args.jitter.iter().filter(|jitter| !(0.0..1.0).contains(&jitter.value));
    wrong
        .map(|jitter| {
            error(
                jitter.span,
                "`jitter` is the largest part of `ttl` that is taken off, from 0.0 up to but not including 1.0; \
                 a tenth is `jitter = 0.1`",
            )
        })
        .collect()
}

fn zero_capacity(input: Input<'_>) -> Vec<syn::Error> {
    let zero = input.args.capacity.iter().filter(|capacity| capacity.value == 0);
    zero.map(|capacity| {
        error(
            capacity.span,
            "`capacity` is zero, so memory would keep nothing; leave `mem` out of `layers` instead",
        )
    })
    .collect()
}

fn capacity_without_memory(input: Input<'_>) -> Vec<syn::Error> {
    let without_memory =
        input.args.layers.iter().any(|layers| !layers.names.is_empty() && !layers.contains(Layer::Memory));
    let capacity = input.args.capacity.iter().filter(|_| without_memory);
    capacity
        .map(|capacity| {
            error(
                capacity.span,
                "`capacity` has no effect: it bounds `mem`, which is not among the `layers` of this function",
            )
        })
        .collect()
}

/// A name goes into keys as it is, so it must not contain what separates the parts of a key.
fn unusable_name(input: Input<'_>) -> Vec<syn::Error> {
    let usable = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let wrong = input.args.name.iter().filter(|name| !usable(&name.value()));
    wrong
        .map(|name| {
            error(
                name.span(),
                "`name` consists of letters, digits, `.`, `_` and `-`; write for example \"catalog.product\"",
            )
        })
        .collect()
}
