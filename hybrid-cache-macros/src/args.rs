//! What stands in the parentheses of `#[cached(...)]`, with spans.
//!
//! Knows how each option is written. What options mean together, and with the function, is in `check.rs`.

use proc_macro2::{Span, TokenStream};
use syn::{
    ExprPath, Ident, LitStr, Path,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use crate::{
    duration::Life,
    elsewhere,
    function::{Argument, Function},
    layer::{LayerName, Layers},
    size::Size,
    spelling::reference,
    template::Template,
    value::{self, RefreshAhead},
};

/// The options that work.
const OPTIONS: [&str; 25] = [
    "layers",
    "ttl",
    "jitter",
    "capacity",
    "max_bytes",
    "weigh",
    "eviction",
    "key",
    "skip",
    "name",
    "version",
    "stale",
    "stale_if_error",
    "refresh_ahead",
    "none_ttl",
    "err_ttl",
    "cache_if",
    "ttl_by",
    "wait",
    "deadline",
    "max_loads",
    "inline",
    "in_impl",
    "companion",
    "crate",
];

/// Read and checked, though nothing is done with them yet: what there is to say of that is a rule.
const LATER_OPTIONS: [&str; 1] = ["tags"];

#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) layers: Option<Layers>,
    pub(crate) ttl: Option<Life>,
    pub(crate) layer_ttls: Vec<LayerTtl>,
    pub(crate) jitter: Option<Spanned<f64>>,
    pub(crate) capacity: Option<Spanned<u64>>,
    pub(crate) max_bytes: Option<Size>,
    pub(crate) weigh: Option<ExprPath>,
    pub(crate) eviction: Option<LitStr>,
    pub(crate) key: Option<Template>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) tags: Vec<Template>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<Spanned<u32>>,
    pub(crate) stale: Option<Life>,
    pub(crate) stale_if_error: Option<Life>,
    pub(crate) refresh_ahead: Option<RefreshAhead>,
    pub(crate) none_ttl: Option<Life>,
    pub(crate) err_ttl: Option<Life>,
    pub(crate) cache_if: Option<ExprPath>,
    pub(crate) ttl_by: Option<ExprPath>,
    pub(crate) wait: Option<Life>,
    pub(crate) deadline: Option<Life>,
    pub(crate) max_loads: Option<Spanned<u32>>,
    /// Whether loads run in their caller's task: said so, or told by the arguments.
    pub(crate) inline: bool,
    pub(crate) in_impl: bool,
    pub(crate) companion: Option<Ident>,
    pub(crate) runtime: Option<Path>,
    /// The options that stand there, readable or not: each one's form and its name.
    given: Vec<(String, Ident)>,
    malformed: Vec<String>,
    /// The text between the parentheses, for the generated documentation.
    pub(crate) source: String,
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// One entry of `ttl(mem = 30, redis = "5m")`.
#[derive(Debug, Clone)]
pub(crate) struct LayerTtl {
    pub(crate) layer: LayerName,
    pub(crate) life: Life,
}

impl Args {
    /// All options that could be read, and an error for each one that could not.
    pub(crate) fn parse(tokens: TokenStream) -> (Self, Vec<syn::Error>) {
        let mut args = Self { source: source(&tokens), ..Self::default() };
        let mut errors = Vec::new();
        let options = |input: ParseStream<'_>| {
            (_, errors) = value::each(input, |input| args.option(input));
            Ok(())
        };
        // After an error of ours, tokens left unread in a group are no news.
        if let Err(error) = options.parse2(tokens)
            && errors.is_empty()
        {
            errors.push(error);
        }
        (args, errors)
    }

    /// What the function tells that the attribute does not say: what its caller alone can lend cannot be taken along into a
    /// task, so loads stay with the caller.
    pub(crate) fn heed(&mut self, function: &Function) {
        let lent = function.arguments.iter().any(|argument| {
            let mutably = reference(&argument.ty).is_some_and(|reference| reference.mutability.is_some());
            (mutably && self.skips_whole(argument)) || function.generics.may_borrow(&argument.ty)
        });
        self.inline |= lent && function.is_async();
    }

    pub(crate) fn is_malformed(&self, option: &str) -> bool {
        self.malformed.iter().any(|name| name == option)
    }

    /// The given durations that cannot be zero, with the options they are the values of.
    pub(crate) fn positive_durations(&self) -> impl Iterator<Item = (&'static str, &Life)> {
        let durations = [
            ("ttl", &self.ttl),
            ("stale", &self.stale),
            ("stale_if_error", &self.stale_if_error),
            ("wait", &self.wait),
            ("deadline", &self.deadline),
        ];
        durations.into_iter().filter_map(|(option, life)| Some((option, life.as_ref()?)))
    }

    /// The option's name where it stands in the attribute.
    pub(crate) fn word(&self, option: &str) -> Option<&Ident> {
        self.given.iter().find(|(form, _)| form == option).map(|(_, word)| word)
    }

    /// Whether the body's name of an argument, or of a part of one, is skipped.
    pub(crate) fn skips(&self, binding: &Ident) -> bool {
        self.skip.iter().any(|name| name.unraw() == binding.unraw())
    }

    /// Whether no part of an argument is in the key.
    pub(crate) fn skips_whole(&self, argument: &Argument) -> bool {
        // One without a name cannot be skipped.
        !argument.bindings.is_empty() && argument.bindings.iter().all(|binding| self.skips(binding))
    }

    /// What of an argument is in the key.
    pub(crate) fn keyed<'a>(&'a self, argument: &'a Argument) -> impl Iterator<Item = &'a Ident> {
        argument.bindings.iter().filter(|binding| !self.skips(binding))
    }

    /// Whether `self`, or something of it, is in the key.
    pub(crate) fn keys_self(&self) -> bool {
        self.key.iter().flat_map(Template::places).any(|place| place.argument == "self")
    }

    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let option = input
            .call(Ident::parse_any)
            .map_err(|error| syn::Error::new(error.span(), "expected an option, for example `ttl = 300`"))?;
        let name = option.to_string();
        let per_layer = name == "ttl" && input.peek(syn::token::Paren);
        // The two forms of `ttl` go together: one for the answer, one for copies of it.
        let form = if per_layer { "ttl(..)".to_owned() } else { name.clone() };
        if self.word(&form).is_some() {
            return Err(syn::Error::new(option.span(), format!("`{form}` is given twice")));
        }
        self.given.push((form, option.clone()));
        let read = if per_layer { self.read_layer_ttls(&option, input) } else { self.read(&option, input) };
        if read.is_err() {
            self.malformed.push(name);
        }
        read
    }

    fn read_layer_ttls(&mut self, option: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        self.layer_ttls = value::list(option, input, "ttl(mem = 30, redis = \"5m\")", |input| {
            let layer = input.call(Ident::parse_any)?;
            let life = value::any(&layer, input, "30")?;
            Ok(LayerTtl { layer: LayerName { text: layer.to_string(), span: layer.span() }, life })
        })?;
        Ok(())
    }

    fn read(&mut self, option: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        match option.to_string().as_str() {
            "layers" => self.layers = Some(Layers::parse(&value::text(option, input, "\"mem,redis,disk\"")?)),
            "ttl" => self.ttl = Some(value::any(option, input, "300")?),
            "stale" => self.stale = Some(value::any(option, input, "\"60s\"")?),
            "stale_if_error" => self.stale_if_error = Some(value::any(option, input, "\"1h\"")?),
            "refresh_ahead" => self.refresh_ahead = Some(value::refresh_ahead(option, input)?),
            "none_ttl" => self.none_ttl = Some(value::any(option, input, "10")?),
            "err_ttl" => self.err_ttl = Some(value::any(option, input, "2")?),
            "cache_if" => self.cache_if = Some(value::function(option, input, "is_complete")?),
            "ttl_by" => self.ttl_by = Some(value::function(option, input, "valid_for")?),
            "wait" => self.wait = Some(value::any(option, input, "\"30s\"")?),
            "deadline" => self.deadline = Some(value::any(option, input, "\"10s\"")?),
            "max_loads" => self.max_loads = Some(value::number(option, input, "16")?),
            "inline" => self.inline = value::nothing(option, input)?,
            "in_impl" => self.in_impl = value::nothing(option, input)?,
            "jitter" => self.jitter = Some(value::fraction(option, input, "0.1")?),
            "capacity" => self.capacity = Some(value::number(option, input, "10_000")?),
            "max_bytes" => self.max_bytes = Some(value::any(option, input, "\"64MiB\"")?),
            "weigh" => self.weigh = Some(value::function(option, input, "size_of_page")?),
            "eviction" => self.eviction = Some(value::text(option, input, "\"s3fifo\"")?),
            "version" => self.version = Some(value::number(option, input, "2")?),
            "key" => self.key = Some(Template::parse(&value::text(option, input, "\"user:{id}\"")?, option)?),
            "skip" => self.skip = value::list(option, input, "skip(db, ctx)", Ident::parse_any)?,
            "tags" => self.tags = value::templates(option, input, "tags(\"user:{id}\", \"users\")")?,
            "name" => self.name = Some(value::text(option, input, "\"catalog.product\"")?),
            "companion" => self.companion = Some(value::any(option, input, "ProductCache")?),
            "crate" => self.runtime = Some(value::path(option, input, "::hybrid_cache")?),
            _ => return Err(unknown(option)),
        }
        Ok(())
    }
}

/// The options on one line.
fn source(tokens: &TokenStream) -> String {
    tokens.to_string().split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",")
}

fn unknown(option: &Ident) -> syn::Error {
    let name = option.to_string();
    let message = match nearest(&name) {
        _ if let Some(here) = elsewhere::called(&name) => format!("unknown option `{name}`; {here}"),
        Some(known) => format!("unknown option `{name}`; did you mean `{known}`?"),
        None => format!("unknown option `{name}`; known: {}", OPTIONS.join(", ")),
    };
    syn::Error::new(option.span(), message)
}

/// All names that are read here.
pub(crate) fn all_options() -> impl Iterator<Item = &'static str> {
    OPTIONS.into_iter().chain(LATER_OPTIONS)
}

/// The known option that looks most like `name`, if any looks like it at all.
fn nearest(name: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.75;
    all_options()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let (_, errors) = Args::parse(text.parse().unwrap());
        errors.into_iter().flatten().map(|error| error.to_string()).collect()
    }

    #[test]
    fn every_option_can_be_read() {
        let (args, errors) = Args::parse(quote::quote! {
            layers = "mem, redis", ttl = 300, ttl(mem = 30, redis = "5m"), jitter = 0.1, capacity = 10_000,
            key = "{id}", skip(db, ctx), name = "catalog.product", version = 2, none_ttl = 0,
            stale = "60s", stale_if_error = LONG, refresh_ahead = 0.8, err_ttl = 2, cache_if = Product::is_complete,
            ttl_by = <Product as Perishable>::life, wait = "30s", deadline = 10, max_loads = 16, inline, in_impl,
            companion = ProductCache, crate = crate::memo, tags("user:{id}", "users"), max_bytes = "64MiB",
            weigh = Product::size, eviction = "tinylfu",
        });

        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(args.layers.as_ref().map(|layers| layers.known().count()), Some(2));
        assert_eq!(args.layer_ttls.len(), 2);
        assert_eq!(args.capacity.map(|capacity| capacity.value), Some(10_000));
        assert_eq!((args.skip.len(), args.tags.len()), (2, 2));
        assert!(args.ttl.is_some() && args.none_ttl.is_some() && args.key.is_some() && args.name.is_some());
        assert!(args.version.is_some() && args.companion.is_some() && args.runtime.is_some());
        assert!(args.stale.is_some() && args.stale_if_error.is_some() && args.refresh_ahead.is_some());
        assert!(args.err_ttl.is_some() && args.cache_if.is_some() && args.ttl_by.is_some());
        assert!(args.wait.is_some() && args.deadline.is_some() && args.inline && args.in_impl);
        assert_eq!(args.max_bytes.map(|size| size.bytes), Some(64 << 20));
        assert!(args.weigh.is_some());
        assert_eq!(args.max_loads.map(|loads| loads.value), Some(16));
        assert!(
            OPTIONS.iter().all(|option| args.word(option).is_some()),
            "an option of the list is not in this test"
        );
    }

    #[test]
    fn every_option_that_cannot_be_read_is_reported() {
        let messages =
            messages("tll = 5, layers = mem, ttl, weigh = \"size\", capacity = -1, 300, jitter = 0.1");

        let expected = [
            "unknown option `tll`; did you mean `ttl`?",
            "`layers` takes a string: `layers = \"mem,redis,disk\"`",
            "`ttl` needs a value: `ttl = 300`",
            "`weigh` takes the path of a function",
            "`capacity` takes a whole number: `capacity = 10_000`",
            "expected an option, for example `ttl = 300`",
        ];
        assert_eq!(messages.len(), expected.len(), "{messages:#?}");
        for (message, expected) in messages.iter().zip(expected) {
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn the_nearest_known_option_is_named_where_one_is_near() {
        let cases = [
            ("layer", Some("layers")),
            ("jiter", Some("jitter")),
            ("capacty", Some("capacity")),
            ("none_tll", Some("none_ttl")),
            ("skips", Some("skip")),
            ("stale_on_error", Some("stale_if_error")),
            ("refresh_before", Some("refresh_ahead")),
            ("error_ttl", Some("err_ttl")),
            ("cached_if", Some("cache_if")),
            ("deadlines", Some("deadline")),
            ("waits", Some("wait")),
            ("max_load", Some("max_loads")),
            ("max_size", Some("max_bytes")),
            ("weight", Some("weigh")),
            ("zzz", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name), expected, "{name}");
        }
    }

    #[test]
    fn an_option_stands_there_once_but_both_forms_of_ttl_go_together() {
        assert_eq!(messages("ttl = 5, ttl(mem = 1)"), Vec::<String>::new());
        assert_eq!(messages("ttl = 5, jitter = 0.1, ttl = 6"), ["`ttl` is given twice"]);
        assert_eq!(messages("ttl(mem = 1), ttl(redis = 2)"), ["`ttl(..)` is given twice"]);
    }
}
