//! The tokens that write the key of a call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse_quote_spanned;

use crate::{
    function::{Argument, key_name},
    names::Names,
    pattern,
    template::Place,
};

/// The parameters of the function that writes the key: `id: &u64`.
pub(crate) fn parameters(names: &Names<'_>) -> impl Iterator<Item = TokenStream> {
    names.unskipped().map(|Argument { name, ty, .. }| quote!(#name: &#ty))
}

/// ```text
/// fn __key(id: &u64, lang: &&str) -> KeyText { KeyWriter::new().argument("id", id)….finish() }
/// ```
pub(crate) fn function(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let generics = &names.function.generics;
    let which = crate::generics::Which::TellingApart;
    let (declared, constraints) = (generics.parameters(which), generics.constraints(which));
    let (key, parameters, text) = (names.hidden("key"), parameters(names), text(names));
    let itself = names.args.keys_self().then(|| quote!(&self,));
    quote! {
        fn #key #declared(#itself #(#parameters),*) -> #private::KeyText #constraints { #text }
    }
}

/// What writes the key. Without a template: all arguments, in the order of their names, so that changing their order in
/// the source changes no key.
pub(crate) fn text(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let apart = names.unskipped().filter_map(|argument| {
        let (pattern, name) = (pattern::by_reference(argument.pattern.as_ref()?), &argument.name);
        Some(quote!(let #pattern = #name;))
    });
    let instance = names.function.generics.in_key().map(|(name, is_constant)| {
        let text = name.to_string();
        if is_constant { quote!(.argument(#text, &#name)) } else { quote!(.instance::<#name>(#text)) }
    });
    let instance: Vec<_> = instance.collect();
    let Some(template) = &names.args.key else {
        let bindings = names.unskipped().flat_map(|argument| {
            let generic = names.function.generics.are_in(&argument.ty);
            names.args.keyed(argument).map(move |binding| (key_name(binding), binding, generic))
        });
        let mut bindings: Vec<_> = bindings.collect();
        bindings.sort();
        let arguments = bindings.into_iter().map(|(text, binding, generic)| {
            if generic {
                quote!(.generic_argument(#text, #binding))
            } else {
                quote!(.argument(#text, #binding))
            }
        });
        return quote!(#(#apart)* #private::KeyWriter::new() #(#instance)* #(#arguments)* .finish());
    };
    let literals = template.literals();
    let values = template.places().map(|place| place_value(names, place, template.span));
    let template = if instance.is_empty() {
        quote!(#private::KeyWriter::template(&[#(#literals),*]))
    } else {
        quote!(#private::KeyWriter::new() #(#instance)* .then_template(&[#(#literals),*]))
    };
    quote!(#(#apart)* #template #(#values)* .finish())
}

fn place_value(names: &Names<'_>, place: &Place, span: Span) -> TokenStream {
    let mut argument = argument(names, &place.argument);
    argument.set_span(argument.span().located_at(span));
    let fields = &place.fields;
    let value: syn::Expr = if fields.is_empty() {
        parse_quote_spanned!(span=> #argument)
    } else {
        parse_quote_spanned!(span=> &#argument #(.#fields)*)
    };
    let generic = names.function.argument(&place.argument);
    let generic =
        fields.is_empty() && generic.is_some_and(|argument| names.function.generics.are_in(&argument.ty));
    if generic {
        quote_spanned!(span=> .generic_value(#value))
    } else {
        quote_spanned!(span=> .value(#value))
    }
}

fn argument(names: &Names<'_>, name: &str) -> Ident {
    if name == "self" {
        return Ident::new("self", Span::call_site());
    }
    let mut bindings = names.function.bindings();
    bindings.find(|binding| key_name(binding) == name).cloned().unwrap_or_else(|| format_ident!("r#{name}"))
}
