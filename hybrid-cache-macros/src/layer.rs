//! The layers an attribute can name.

use std::fmt;

use proc_macro2::{Ident, Span};

/// From fast to slow: the derived order is the order in which layers may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Memory,
    Redis,
    Disk,
}

impl Layer {
    pub(crate) const ALL: [Self; 3] = [Self::Memory, Self::Redis, Self::Disk];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "mem",
            Self::Redis => "redis",
            Self::Disk => "disk",
        }
    }

    /// The variant of the runtime's `LayerKind`.
    pub(crate) fn variant(self) -> Ident {
        let name = match self {
            Self::Memory => "Memory",
            Self::Redis => "Redis",
            Self::Disk => "Disk",
        };
        Ident::new(name, Span::mixed_site())
    }

    /// Whether this layer keeps bytes, so that answers must be serialisable.
    pub(crate) const fn keeps_bytes(self) -> bool {
        !matches!(self, Self::Memory)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A layer's name as the user wrote it, known or not.
#[derive(Debug, Clone)]
pub(crate) struct LayerName {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl LayerName {
    pub(crate) fn layer(&self) -> Option<Layer> {
        Layer::named(&self.text)
    }
}

/// The value of `layers = "mem,redis"`, in the order written.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    pub(crate) span: Span,
    pub(crate) names: Vec<LayerName>,
}

impl Layers {
    pub(crate) fn parse(literal: &syn::LitStr) -> Self {
        let span = literal.span();
        let text = literal.value();
        let names = text
            .split(',')
            .map(|name| LayerName { text: name.trim().to_owned(), span })
            .filter(|name| !name.text.is_empty())
            .collect();
        Self { span, names }
    }

    pub(crate) fn known(&self) -> impl Iterator<Item = Layer> + '_ {
        self.names.iter().filter_map(LayerName::layer)
    }

    pub(crate) fn contains(&self, layer: Layer) -> bool {
        self.known().any(|known| known == layer)
    }
}

/// The byte layers and engines this build has, as cargo features forwarded by `hybrid-cache`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Features {
    pub(crate) redis: bool,
    pub(crate) disk: bool,
    pub(crate) moka: bool,
}

impl Features {
    pub(crate) const OF_THIS_BUILD: Self =
        Self { redis: cfg!(feature = "redis"), disk: cfg!(feature = "disk"), moka: cfg!(feature = "moka") };

    pub(crate) const fn have(self, layer: Layer) -> bool {
        match layer {
            Layer::Memory => true,
            Layer::Redis => self.redis,
            Layer::Disk => self.disk,
        }
    }
}
