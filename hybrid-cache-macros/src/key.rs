//! The tokens that write the key of a call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Type, parse_quote_spanned};

use crate::{
    function::{Argument, key_name},
    names::Names,
    pattern,
    spelling::generic_of,
    template::Place,
};

/// The parameters of the function that writes the key: `id: &u64`.
pub(crate) fn parameters(names: &Names<'_>) -> TokenStream {
    let parameters = names.unskipped().map(|Argument { name, ty, .. }| quote!(#name: &#ty));
    quote!(#(#parameters),*)
}

/// ```text
/// fn __key(__hc_text: &mut KeyText, id: &u64, lang: &&str) { KeyWriter::new(__hc_text, &["id", ..]).argument(id)….finish(); }
/// ```
pub(crate) fn function(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let generics = &names.function.generics;
    let which = crate::generics::Which::TellingApart;
    let (key, parameters, text) = (names.hidden("key"), parameters(names), text(names));
    let (declared, constraints) = (generics.parameters(which, &parameters), generics.constraints(which));
    let itself = names.args.keys_self().then(|| quote!(&self,));
    quote! {
        #[inline]
        fn #key #declared(#itself __hc_text: &mut #private::KeyText, #parameters) #constraints { #text }
    }
}

/// What writes the key, into a variable of the caller's: a text that is returned would be copied. Without a template: all arguments, in the order of their names, so that changing their order in
/// the source changes no key.
pub(crate) fn text(names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let apart = names.unskipped().filter_map(|argument| {
        let (pattern, name) = (pattern::by_reference(argument.pattern.as_ref()?), &argument.name);
        Some(quote!(let #pattern = #name;))
    });
    let instance = names.function.generics.in_key().map(|(name, is_constant)| {
        let written = if is_constant { quote!(.argument(&#name)) } else { quote!(.instance::<#name>()) };
        (name.to_string(), written)
    });
    let (instance_names, instance): (Vec<_>, Vec<_>) = instance.unzip();
    let Some(template) = &names.args.key else {
        let bindings = names.unskipped().flat_map(|argument| {
            let generic = names.function.generics.are_in(&argument.ty);
            let pointers = pointers(argument);
            names.args.keyed(argument).map(move |binding| (key_name(binding), binding, generic, pointers))
        });
        let mut bindings: Vec<_> = bindings.collect();
        bindings.sort();
        let (argument_names, arguments): (Vec<_>, Vec<_>) = bindings
            .into_iter()
            .map(|(text, binding, generic, pointers)| {
                let value = pointed_to(&quote!(#binding), pointers);
                (text, if generic { quote!(.generic_argument(#value)) } else { quote!(.argument(#value)) })
            })
            .unzip();
        return quote! {
            #(#apart)*
            #private::KeyWriter::new(__hc_text, &[#(#instance_names,)* #(#argument_names),*])
                #(#instance)* #(#arguments)* .finish();
        };
    };
    let literals = template.literals();
    let values = template.places().map(|place| place_value(names, place, template.span));
    let template = if instance.is_empty() {
        quote!(#private::KeyWriter::template(__hc_text, &[#(#literals),*]))
    } else {
        quote!(#private::KeyWriter::new(__hc_text, &[#(#instance_names),*]) #(#instance)* .then_template(&[#(#literals),*]))
    };
    quote!(#(#apart)* #template #(#values)* .finish();)
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
    let whole = names.function.argument(&place.argument).filter(|_| fields.is_empty());
    let value =
        whole.map_or_else(|| quote!(#value), |argument| pointed_to(&quote!(#value), pointers(argument)));
    if whole.is_some_and(|argument| names.function.generics.are_in(&argument.ty)) {
        quote_spanned!(span=> .generic_value(#value))
    } else {
        quote_spanned!(span=> .value(#value))
    }
}

/// How many pointers stand in front of what is written of an argument, the reference to it included: what an `Arc` points to
/// is written as it is without, for which serde would need a feature.
fn pointers(argument: &Argument) -> usize {
    let shared = |ty: &Type| ["Arc", "Rc"].iter().any(|name| generic_of(ty, name).is_some());
    match &argument.ty {
        _ if argument.pattern.is_some() => 0,
        Type::Reference(reference) if shared(&reference.elem) => 3,
        ty if shared(ty) => 2,
        _ => 0,
    }
}

fn pointed_to(value: &TokenStream, pointers: usize) -> TokenStream {
    if pointers == 0 {
        return value.clone();
    }
    let stars = (0..pointers).map(|_| quote!(*));
    quote!(&#(#stars)* #value)
}

fn argument(names: &Names<'_>, name: &str) -> Ident {
    if name == "self" {
        return Ident::new("self", Span::call_site());
    }
    let mut bindings = names.function.bindings();
    bindings.find(|binding| key_name(binding) == name).cloned().unwrap_or_else(|| format_ident!("r#{name}"))
}
