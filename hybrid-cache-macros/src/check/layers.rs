//! `layers = ".."` and `ttl(<layer> = ..)`.

use super::{Input, Rule, error, repeated};
use crate::layer::{Layer, LayerName};

pub(super) const RULES: &[Rule] = &[
    none_named,
    unknown,
    named_twice,
    slower_before_faster,
    without_feature,
    ttl_of_unknown_layer,
    ttl_named_twice,
    ttl_of_unused_layer,
    ttl_of_layer_without_feature,
    static_borrow_in_bytes,
];

/// The compiler would speak of a lifetime that an implementation of `Deserialize` is not general enough for.
fn static_borrow_in_bytes(Input { args, function, .. }: Input<'_>) -> Vec<syn::Error> {
    let layers = args.layers.iter().flat_map(|layers| &layers.names);
    let bytes = layers.filter(|layer| layer.layer().is_some_and(Layer::keeps_bytes));
    bytes
        .take(usize::from(function.has_static_borrow()))
        .map(|layer| {
            error(
                function.value_ends().span(),
                format!(
                    "layer `{layer}` keeps bytes, and a `&'static` cannot be read back from them; return an owned type, in place of \
                     `&'static str` for example `String` or `Cow<'static, str>`, or leave `{layer}` out of `layers`",
                    layer = layer.text
                ),
            )
        })
        .collect()
}

fn none_named(input: Input<'_>) -> Vec<syn::Error> {
    let empty = input.args.layers.iter().filter(|layers| layers.names.is_empty());
    empty
        .map(|layers| {
            error(
                layers.span,
                "`layers` names no layer; write some of \"mem,redis,disk\", or leave `layers` out",
            )
        })
        .collect()
}

fn unknown(input: Input<'_>) -> Vec<syn::Error> {
    let names = input.args.layers.iter().flat_map(|layers| &layers.names);
    names.filter(|name| name.layer().is_none()).map(unknown_layer).collect()
}

fn ttl_of_unknown_layer(input: Input<'_>) -> Vec<syn::Error> {
    let names = input.args.layer_ttls.iter().map(|entry| &entry.layer);
    names.filter(|name| name.layer().is_none()).map(unknown_layer).collect()
}

fn unknown_layer(name: &LayerName) -> syn::Error {
    let known = Layer::ALL.map(Layer::name).join(", ");
    error(name.span, format!("unknown layer `{}`; known: {known}", name.text))
}

fn named_twice(input: Input<'_>) -> Vec<syn::Error> {
    let layers = input.args.layers.iter();
    layers
        .flat_map(|layers| repeated(&layers.names, |name| name.text.clone()))
        .map(|name| error(name.span, format!("layer `{}` is named twice", name.text)))
        .collect()
}

fn ttl_named_twice(input: Input<'_>) -> Vec<syn::Error> {
    repeated(&input.args.layer_ttls, |entry| entry.layer.text.clone())
        .map(|entry| error(entry.layer.span, format!("the `ttl` of `{}` is given twice", entry.layer.text)))
        .collect()
}

fn slower_before_faster(input: Input<'_>) -> Vec<syn::Error> {
    let Some(layers) = &input.args.layers else { return Vec::new() };
    // Each layer where it stands first: that one is named twice has its own error.
    let mut named: Vec<Layer> = Vec::new();
    layers.known().for_each(|layer| {
        if !named.contains(&layer) {
            named.push(layer);
        }
    });
    let pairs = named.iter().zip(named.iter().skip(1));
    let Some((slower, faster)) = pairs.into_iter().find(|(before, after)| before > after) else {
        return Vec::new();
    };
    let sorted = Layer::ALL
        .into_iter()
        .filter(|layer| named.contains(layer))
        .map(Layer::name)
        .collect::<Vec<_>>()
        .join(",");
    vec![error(
        layers.span,
        format!(
            "`{slower}` stands before the faster `{faster}`; layers are asked in this order: \"{sorted}\""
        ),
    )]
}

fn without_feature(input: Input<'_>) -> Vec<syn::Error> {
    let layers = input.args.layers.iter();
    let missing = layers.flat_map(|layers| {
        let missing =
            Layer::ALL.into_iter().filter(|layer| layers.contains(*layer) && !input.features.have(*layer));
        missing.map(|layer| feature_is_off(layer, layers.span))
    });
    missing.collect()
}

fn ttl_of_layer_without_feature(input: Input<'_>) -> Vec<syn::Error> {
    // Where layers are named, the name is what is wrong.
    let entries = input.args.layer_ttls.iter().filter(|_| input.args.layers.is_none());
    entries
        .filter_map(|entry| {
            let layer = entry.layer.layer().filter(|layer| !input.features.have(*layer))?;
            Some(feature_is_off(layer, entry.layer.span))
        })
        .collect()
}

fn feature_is_off(layer: Layer, span: proc_macro2::Span) -> syn::Error {
    let layer = layer.to_string();
    error(span, format!("layer `{layer}` {}", needs_feature(&layer)))
}

/// The end of a message: which feature is missing, and how to turn it on.
pub(super) fn needs_feature(feature: &str) -> String {
    let version = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
    format!(
        "needs the feature `{feature}` of hybrid-cache; in Cargo.toml: \
         hybrid-cache = {{ version = \"{version}\", features = [\"{feature}\"] }}"
    )
}

fn ttl_of_unused_layer(input: Input<'_>) -> Vec<syn::Error> {
    let Some(layers) = &input.args.layers else { return Vec::new() };
    let entries = input.args.layer_ttls.iter();
    entries
        .filter_map(|entry| {
            let layer = entry.layer.layer().filter(|layer| !layers.contains(*layer))?;
            Some(error(
                entry.layer.span,
                format!(
                    "`ttl({layer} = ..)` has no effect: `{layer}` is not among the `layers` of this function"
                ),
            ))
        })
        .collect()
}
