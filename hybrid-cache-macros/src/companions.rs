//! The companions: thin, one call into the runtime each. Associated functions of a struct with the function's name, or, of
//! a method, its siblings.
//!
//! To add a companion: an entry in `companions/list.rs`. What it does is in the runtime.

mod list;
mod many;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, Ident, Meta};

use crate::{expand, function::Function, key, load, names::Names};

const UNCACHED: &str = " The function itself: asks no layer and stores nothing.";

/// The `#[allow(..)]` of the function, for the generated items that name its types.
pub(crate) fn permissions(function: &Function) -> impl Iterator<Item = Attribute> {
    let permissions = function.attrs.iter().map(expectation_as_permission);
    permissions.filter(|attribute| attribute.path().is_ident("allow"))
}

/// The lints that a user may have on and that generated functions would trip; nothing of the user's own is under these
/// attributes but its types.
///
/// One by one: to allow a group is an error where one of its lints is forbidden.
fn quiet(function: &Function) -> TokenStream {
    let permissions = permissions(function);
    quote! {
        #[allow(
            dead_code, unreachable_pub, unused_qualifications, private_interfaces, private_bounds, unused_variables,
            single_use_lifetimes, clippy::future_not_send, clippy::impl_trait_in_params, clippy::multiple_bound_locations,
            clippy::pattern_type_mismatch, clippy::ptr_arg, clippy::ref_option_ref,
            clippy::shadow_reuse, clippy::too_many_arguments, clippy::used_underscore_binding
        )]
        #(#permissions)*
    }
}

/// The line that is appended to the documentation of the function.
pub(crate) fn doc_line(names: &Names<'_>) -> String {
    let (companion, source) = (&names.companion, &names.args.source);
    let options =
        if source.is_empty() { String::new() } else { format!(" with `{}`", source.replace('`', "'")) };
    if names.is_in_impl() {
        let invalidate = names.public("invalidate");
        return format!(
            " Cached{options}: [`{invalidate}`](Self::{invalidate}) and the other companions stand beside it."
        );
    }
    format!(
        " Cached{options}: [`{companion}`](struct@{companion}) has `invalidate` and the other companions."
    )
}

/// `#[expect(..)]` would be unfulfilled on one of the two functions that one became.
pub(crate) fn expectation_as_permission(attribute: &Attribute) -> Attribute {
    let mut attribute = attribute.clone();
    if let Meta::List(list) = &mut attribute.meta
        && list.path.is_ident("expect")
    {
        list.path = Ident::new("allow", Span::mixed_site()).into();
    }
    attribute
}

/// The same for all attributes of an argument.
pub(crate) fn expectations_as_permissions(attributes: &mut [Attribute]) {
    for attribute in attributes {
        *attribute = expectation_as_permission(attribute);
    }
}

/// The struct beside the function. Types and functions have separate namespaces: one `use` imports both.
pub(crate) fn item(names: &Names<'_>) -> TokenStream {
    let Names { companion, function, .. } = names;
    let (cfgs, vis) = (names.cfgs(), &function.vis);
    let doc = format!(
        " The companions of [`{name}`](fn@{name}): forget, look at and refresh the answers it keeps.",
        name = function.sig.ident
    );
    quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, unreachable_pub)]
        #[non_exhaustive]
        #vis struct #companion {}
    }
}

pub(crate) fn real(names: &Names<'_>) -> TokenStream {
    let (key, instances) = (key::function(names), names.has_instances().then(|| expand::instances(names)));
    let (load, parameter_names) = (load::hidden(names), parameter_names(names));
    let functions = list::public(names);
    let functions = functions.iter().map(|companion| companion.tokens(names, &companion.body));
    let hidden = quote!(#parameter_names #key #instances #load);
    beside(names, &quote!(#hidden #(#functions)*), &uncached(names))
}

/// The same functions with bodies that are never run: after an error, calls of them still type-check.
pub(crate) fn stubs(names: &Names<'_>) -> TokenStream {
    let function = names.function;
    let unreachable = quote!(::core::unimplemented!());
    let parameter_names = parameter_names(names);
    let functions = list::public(names)
        .into_iter()
        .chain([list::uncached_stub(names)])
        .filter(|companion| match companion.stub {
            Stub::Always => true,
            Stub::OfPlainAnswer => function.has_plain_answer(),
            Stub::Never => false,
        })
        .map(|companion| companion.tokens(names, &unreachable));
    let functions = quote!(#parameter_names #(#functions)*);
    beside(names, &functions, &TokenStream::new())
}

/// The items in the `impl` of the companion struct; of a method, beside it, each with the attributes of the block.
fn beside(names: &Names<'_>, items: &TokenStream, uncached: &TokenStream) -> TokenStream {
    let (quiet, companion) = (quiet(names.function), &names.companion);
    let cfgs = names.cfgs();
    let cfgs = quote!(#(#cfgs)*);
    if !names.is_in_impl() {
        let uncached = (!uncached.is_empty()).then(|| quote!(#cfgs impl #companion { #uncached }));
        return quote!(#cfgs #quiet impl #companion { #items } #uncached);
    }
    let block: syn::ItemImpl = syn::parse_quote!(impl X { #items });
    let items = block.items.into_iter().map(|item| quote!(#cfgs #quiet #item));
    let uncached = (!uncached.is_empty()).then(|| quote!(#cfgs #uncached));
    quote!(#(#items)* #uncached)
}

struct Companion {
    name: &'static str,
    doc: &'static str,
    must_use: bool,
    stub: Stub,
    /// `<T>(id: T)`.
    parameters: TokenStream,
    returned: TokenStream,
    constraints: Option<TokenStream>,
    waits: Waits,
    body: TokenStream,
}

/// When a companion stands there after an error too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stub {
    Always,
    /// If the type of the answer, which is in its signature, means something there.
    OfPlainAnswer,
    /// What it returns has no name, and would have to be made.
    Never,
}

/// Whether a companion's result has to be awaited where the function's has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Never,
    /// It returns a future that is made already and owns what it needs: it can be spawned, and costs the compiler less than
    /// an `async fn`, of which there would be ten for each cached function.
    ForFuture,
    /// It is an `async fn`: what it awaits borrows from its caller.
    Itself,
}

impl Companion {
    fn tokens(&self, names: &Names<'_>, body: &TokenStream) -> TokenStream {
        let Self { doc, parameters, returned, constraints, .. } = self;
        let (vis, name, runtime) = (&names.function.vis, names.public(self.name), &names.runtime);
        let waits = if names.function.is_async() { self.waits } else { Waits::Never };
        // What is a future has to be used anyway.
        let must_use = (self.must_use && waits == Waits::Never).then(|| quote!(#[must_use]));
        let asyncness = (waits == Waits::Itself).then(|| quote!(async));
        let returned = match waits {
            Waits::ForFuture if returned.is_empty() => quote!(-> #runtime::BoxFuture<()>),
            Waits::ForFuture => quote!(-> #runtime::BoxFuture<#returned>),
            _ if returned.is_empty() => TokenStream::new(),
            _ => quote!(-> #returned),
        };
        // Made into code where they are called: nobody calls all of them, and most are called by nobody.
        quote!(#[doc = #doc] #[inline] #must_use #vis #asyncness fn #name #parameters #returned #constraints { #body })
    }
}

/// What `#[invalidates(product(id = ..))]` checks its names against.
fn parameter_names(names: &Names<'_>) -> TokenStream {
    let name = if names.is_in_impl() { names.hidden("PARAMETERS") } else { format_ident!("__PARAMETERS") };
    let vis = &names.function.vis;
    let parameters = names.unskipped().map(|argument| syn::ext::IdentExt::unraw(&argument.name).to_string());
    quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        #vis const #name: &'static [&'static ::core::primitive::str] = &[#(#parameters),*];
    }
}

/// The body in place, so that `?` and `return` keep their meaning, under the user's own lints.
fn uncached(names: &Names<'_>) -> TokenStream {
    let Function { vis, sig, body, attrs, .. } = names.function;
    let lints = attrs.iter().filter(|attribute| is_lint(attribute)).map(expectation_as_permission);
    let mut sig = syn::Signature { ident: names.public("uncached"), ..sig.clone() };
    for input in &mut sig.inputs {
        if let FnArg::Typed(typed) = input {
            expectations_as_permissions(&mut typed.attrs);
        }
    }
    let doc = UNCACHED;
    quote! {
        #[doc = #doc]
        #[allow(
            dead_code, unreachable_pub, clippy::missing_errors_doc, clippy::missing_panics_doc,
            clippy::must_use_candidate, clippy::too_many_arguments, clippy::unused_async, clippy::missing_const_for_fn,
            clippy::missing_inline_in_public_items, clippy::single_call_fn, clippy::impl_trait_in_params
        )]
        #(#lints)*
        #vis #sig #body
    }
}

fn is_lint(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny"].iter().any(|lint| attribute.path().is_ident(lint))
}
