//! Values of single options, and options that could not have an effect.

use super::{Input, Rule, error, layers::needs_feature};
use crate::{
    definition::eviction_variant,
    duration::{why_not_zero, why_not_zero_in},
    layer::Layer,
    value::RefreshAhead,
};

pub(super) const RULES: &[Rule] = &[
    zero_duration,
    zero_layer_ttl,
    jitter_out_of_range,
    refresh_ahead_out_of_range,
    zero_capacity,
    zero_max_bytes,
    zero_max_loads,
    capacity_without_memory,
    max_bytes_without_memory,
    max_bytes_with_capacity,
    weigh_without_memory,
    unknown_eviction,
    eviction_without_memory,
    err_ttl_without_memory,
    background_refresh_of_inline,
    of_async_functions_only,
    redis_without_async,
    companion_beside_a_method,
    unusable_name,
];

fn zero_duration(input: Input<'_>) -> Vec<syn::Error> {
    let zero = input.args.positive_durations().filter_map(|(option, life)| Some((option, life.zero()?)));
    zero.map(|(option, span)| error(span, why_not_zero(option))).collect()
}

fn zero_layer_ttl(input: Input<'_>) -> Vec<syn::Error> {
    let zero = input.args.layer_ttls.iter().filter_map(|entry| Some((&entry.layer.text, entry.life.zero()?)));
    zero.map(|(layer, span)| error(span, why_not_zero_in(layer))).collect()
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

fn refresh_ahead_out_of_range(input: Input<'_>) -> Vec<syn::Error> {
    let fractions = input.args.refresh_ahead.iter().filter_map(|ahead| match ahead {
        RefreshAhead::Fraction(fraction) => Some(fraction),
        RefreshAhead::ByChance => None,
    });
    fractions
        .filter(|fraction| !(fraction.value > 0.0 && fraction.value < 1.0))
        .map(|fraction| {
            error(
                fraction.span,
                "`refresh_ahead` is the part of `ttl` after which a call starts a refresh, more than 0.0 and less \
                 than 1.0; for the last fifth write `refresh_ahead = 0.8`",
            )
        })
        .collect()
}

fn zero_max_loads(input: Input<'_>) -> Vec<syn::Error> {
    let zero = input.args.max_loads.iter().filter(|loads| loads.value == 0);
    zero.map(|loads| {
        error(
            loads.span,
            "`max_loads` is zero, so no load could ever run; leave it out for loads without bound",
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

fn zero_max_bytes(input: Input<'_>) -> Vec<syn::Error> {
    let zero = input.args.max_bytes.iter().filter(|size| size.bytes == 0);
    zero.map(|size| {
        error(
            size.span,
            "`max_bytes` is zero, so memory would keep nothing; leave `mem` out of `layers` instead",
        )
    })
    .collect()
}

fn capacity_without_memory(input: Input<'_>) -> Vec<syn::Error> {
    let capacity = input.args.capacity.iter().filter(|_| is_without_memory(input));
    capacity
        .map(|capacity| {
            error(
                capacity.span,
                "`capacity` has no effect: it bounds `mem`, which is not among the `layers` of this function",
            )
        })
        .collect()
}

fn max_bytes_without_memory(input: Input<'_>) -> Vec<syn::Error> {
    let size = input.args.max_bytes.iter().filter(|_| is_without_memory(input));
    size.map(|size| {
        error(
            size.span,
            "`max_bytes` has no effect: it bounds `mem`, which is not among the `layers` of this function",
        )
    })
    .collect()
}

fn max_bytes_with_capacity(input: Input<'_>) -> Vec<syn::Error> {
    let both = input.args.word("capacity").filter(|_| input.args.word("max_bytes").is_some());
    both.into_iter()
        .map(|capacity| {
            error(
                capacity.span(),
                "memory is bounded either by number, with `capacity`, or by size, with `max_bytes`; leave out one of \
                 the two",
            )
        })
        .collect()
}

fn unknown_eviction(input: Input<'_>) -> Vec<syn::Error> {
    let eviction = input.args.eviction.iter();
    eviction
        .filter_map(|eviction| {
            let text = eviction.value();
            match eviction_variant(&text) {
                None => Some(error(
                    eviction.span(),
                    format!("`{text}` is not a way to evict; write `s3fifo` or `tinylfu`"),
                )),
                Some(_) if text == "tinylfu" && !input.features.moka => {
                    Some(error(eviction.span(), format!("`tinylfu` {}", needs_feature("moka"))))
                }
                Some(_) => None,
            }
        })
        .collect()
}

fn eviction_without_memory(input: Input<'_>) -> Vec<syn::Error> {
    let eviction = input.args.eviction.iter().filter(|_| is_without_memory(input));
    eviction
        .map(|eviction| {
            error(
                eviction.span(),
                "`eviction` has no effect: it is about `mem`, which is not among the `layers` of this function",
            )
        })
        .collect()
}

fn weigh_without_memory(input: Input<'_>) -> Vec<syn::Error> {
    let readable = input.args.weigh.is_some();
    let word = input.args.word("weigh").filter(|_| readable && is_without_memory(input));
    word.into_iter()
        .map(|word| {
            error(
                word.span(),
                "`weigh` has no effect: it measures answers in `mem`, which is not among the `layers` of this function",
            )
        })
        .collect()
}

fn err_ttl_without_memory(input: Input<'_>) -> Vec<syn::Error> {
    let word = input.args.word("err_ttl").filter(|_| is_without_memory(input));
    word.into_iter()
        .map(|word| {
            error(
                word.span(),
                "`err_ttl` has no effect: errors are kept in `mem` only, which is not among the `layers` of this \
                 function",
            )
        })
        .collect()
}

fn is_without_memory(input: Input<'_>) -> bool {
    input.args.layers.iter().any(|layers| !layers.names.is_empty() && !layers.contains(Layer::Memory))
}

fn background_refresh_of_inline(input: Input<'_>) -> Vec<syn::Error> {
    let words = ["stale", "refresh_ahead"].into_iter().filter_map(|option| input.args.word(option));
    let said = input.args.word("inline").is_some();
    words
        .filter(|_| input.args.inline && input.function.is_async())
        .map(|word| {
            let message = if said {
                format!(
                    "`{word}` has no effect with `inline`: its refresh runs behind the caller's back, where the \
                     arguments of an inline load may be gone; leave out one of the two"
                )
            } else {
                format!(
                    "`{word}` has no effect here: its refresh runs behind the caller's back, where an argument that is \
                     borrowed from the caller (`&mut T`, `impl Trait<'_>`) is gone; take an owned handle, for example a \
                     pool in an `Arc`, or leave `{word}` out"
                )
            };
            error(word.span(), message)
        })
        .collect()
}

/// What needs a task to run in, or one that can be dropped.
fn of_async_functions_only(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    let why = [
        ("stale", "its refresh runs behind the caller's back, and this body runs in its caller's thread"),
        (
            "refresh_ahead",
            "its refresh runs behind the caller's back, and this body runs in its caller's thread",
        ),
        ("deadline", "a body that blocks its thread cannot be dropped half-way"),
        ("inline", "this body runs in its caller's thread anyway"),
    ];
    let given = why.into_iter().filter_map(|(option, why)| Some((args.word(option)?, why)));
    given
        .filter(|_| !function.is_async())
        .map(|(word, why)| {
            error(
                word.span(),
                format!("`{word}` has no effect on a function that is not async: {why}; leave it out, or write `async fn`"),
            )
        })
        .collect()
}

fn redis_without_async(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    let layers = args.layers.iter().filter(|layers| layers.contains(Layer::Redis) && !function.is_async());
    layers
        .map(|layers| {
            error(
                layers.span,
                "layer `redis` needs an `async fn`: a function that is not async would block its thread, and all tasks on \
                 it, for a round trip over the network; write `async fn`, or leave `redis` out",
            )
        })
        .collect()
}

fn companion_beside_a_method(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    let companion = args.companion.iter().filter(|_| function.place.is_in_impl());
    companion
        .map(|companion| {
            error(
                companion.span(),
                format!(
                    "`companion` has no effect on a method: its companions are `{name}_invalidate` and so on, beside it",
                    name = function.name()
                ),
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
