//! Checked input → tokens: the function with its body in place, and what follows when that succeeds.
//!
//! What the generated code calls is in `effects.rs` of the runtime; how companions are called, in `companion.rs`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, ext::IdentExt as _, parse_quote};

use super::{
    Effect,
    args::{Answer, Args, spelled},
    argument::Taken,
    changer::{Changer, ours},
    companion::{self, Companion},
};
use crate::spelling::{Ends, placed};

/// ```text
/// Input:   #[invalidates(product(id = user.id), all(list))]
///          async fn save(user: User) -> R { BODY }
/// Output:  async fn save(user: User) -> R {
///              let __hc_0_0 = Before(&(user.id)).keep();
///              let (__hc_value, __hc_answer) = match Returned(async move { BODY }.await).answered() {
///                  Ok(__hc_answered) => __hc_answered,
///                  Err(__hc_error) => return __hc_error,
///              };
///              Effect::run((Called(product::invalidate(__hc_0_0.get())).effect(), …)).await;
///              __hc_answer(__hc_value)
///          }
/// ```
pub(super) fn changer(args: &Args, changer: &Changer) -> TokenStream {
    let runtime = args.runtime.clone().unwrap_or_else(|| parse_quote!(::hybrid_cache));
    let names = Names {
        private: quote!(#runtime::__private),
        args,
        changer,
        value: format_ident!("__hc_value", span = ours()),
    };
    let Changer { attrs, vis, sig, .. } = changer;
    let before = names.before();
    let answered = names.answered();
    let value = &names.value;
    let [answer, answered_so] =
        ["answer", "answered"].map(|name| format_ident!("__hc_{name}", span = ours()));
    let after = names.after();
    // A body in one line stands in an `async` block.
    let braces = changer.is_async().then(|| quote!(#[allow(unused_braces)]));
    quote! {
        #(#attrs)*
        #braces
        #vis #sig {
            #before
            let (#value, #answer) = match #answered {
                ::core::result::Result::Ok(#answered_so) => #answered_so,
                ::core::result::Result::Err(#answer) => return #answer,
            };
            #after
            #answer(#value)
        }
    }
}

struct Names<'a> {
    private: TokenStream,
    args: &'a Args,
    changer: &'a Changer,
    /// What is in the `Ok`.
    value: Ident,
}

impl Names<'_> {
    /// What is asked of the arguments while they are still there.
    fn before(&self) -> TokenStream {
        let answers = self.args.answers.iter().enumerate().map(|(at, answer)| {
            let checks = self.names_checked(answer);
            let taken = self.taken(at, answer).map(|taken| taken.before(&self.private));
            quote!(#checks #(#taken)*)
        });
        quote!(#(#answers)*)
    }

    fn taken<'a>(&'a self, at: usize, answer: &'a Answer) -> impl Iterator<Item = Taken<'a>> {
        let arguments = answer.arguments.iter().enumerate();
        arguments.map(move |(place, argument)| {
            let name = format_ident!("__hc_{at}_{place}", span = ours());
            Taken::new(self.changer, name, &argument.value)
        })
    }

    /// Constants that do not compile where a name is not that of the cached function's parameter in its place.
    fn names_checked(&self, answer: &Answer) -> TokenStream {
        let private = &self.private;
        let (parameters, of) = (companion::path(&answer.of, Companion::Parameters), spelled(&answer.of));
        let mut names = Vec::new();
        let checks = answer.arguments.iter().filter_map(|argument| {
            let name = argument.name.as_ref()?;
            names.push(name.unraw().to_string());
            // The path stays where it is: what is wrong with that is said once.
            let wrong = placed(quote!(#private::wrong_parameter), Ends::of(name));
            let [if_let, message] = [
                quote!(if let ::core::option::Option::Some(__hc_message)),
                quote!({ ::core::panic!("{}", __hc_message.text()) }),
            ]
            .map(|tokens| placed(tokens, Ends::of(name)));
            let check = quote!(#if_let = #wrong(#of, #parameters, &[#(#names),*]) #message);
            // A constant item is checked sooner, but `Self` and type parameters mean nothing in it.
            let is_item = !companion::names_types(&parameters);
            Some(if is_item { quote!(const _: () = #check;) } else { quote!(const { #check }) })
        });
        quote!(#(#checks)*)
    }

    /// What the body returned, taken apart.
    fn answered(&self) -> TokenStream {
        let (private, body) = (&self.private, self.body());
        let returned = format_ident!("__hc_returned", span = ours());
        let check = placed(quote!(#private::require_result(&#returned);), self.changer.answer_ends());
        quote!({
            #[allow(unused_imports)]
            use #private::NotAResult as _;
            let #returned = #body;
            #check
            #private::Returned(#returned).answered()
        })
    }

    /// The body in place, so that `?` and `return` keep their meaning.
    fn body(&self) -> TokenStream {
        let Self { private, changer, .. } = self;
        let (answer, body) = (changer.answer(), &changer.body);
        if !changer.is_async() {
            return quote!(#private::body(move || -> #answer #body));
        }
        let first = format_ident!("__hc_first", span = ours());
        // An async block returns what its first `return` does.
        quote! {
            async move {
                if let ::core::option::Option::Some(#first) = ::core::option::Option::None::<#answer> {
                    return #first;
                }
                #body
            }.await
        }
    }

    /// All effects at once: a caller that goes away between two of them would leave the second undone.
    fn after(&self) -> TokenStream {
        let private = &self.private;
        let answers = self.args.answers.iter().enumerate().map(|(at, answer)| self.one(at, answer));
        let functions = self.args.functions.iter().map(|whole| {
            let forget = companion::path(&whole.of, Companion::InvalidateAll);
            quote!(#forget())
        });
        let effects = answers.chain(functions).map(|called| quote!(#private::Called(#called).effect()));
        let effects: Vec<_> = effects.collect();
        let effects = effects.into_iter().rev().reduce(|rest, effect| quote!((#effect, #rest)));
        let run = if self.changer.is_async() {
            quote!(#private::Effect::run(#effects).await;)
        } else {
            quote!(#private::wait(#effects);)
        };
        quote! {
            {
                #[allow(unused_imports)]
                use #private::CalledAtOnce as _;
                #run
            }
        }
    }

    fn one(&self, at: usize, answer: &Answer) -> TokenStream {
        let Self { private, value, .. } = self;
        let arguments = self.taken(at, answer).map(|taken| taken.after());
        match self.args.effect {
            Effect::Invalidates => {
                let forget = companion::path(&answer.of, Companion::Invalidate);
                quote!(#forget(#(#arguments),*))
            }
            Effect::Updates => {
                let put = companion::path(&answer.of, Companion::Put);
                let value = placed(quote!(#private::PutIn::put_in(&#value)), self.changer.value_ends());
                quote!(#put(#(#arguments,)* #value))
            }
        }
    }
}
