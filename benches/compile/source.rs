//! The crates that are compiled: the same functions with one attribute or another.

use std::fmt::Write as _;

/// What every candidate starts from.
pub(crate) const FLOOR: &str = "no attribute";

/// One candidate.
pub(crate) struct Attribute {
    /// How it is called in tables.
    pub(crate) name: &'static str,
    package: &'static str,
    text: &'static str,
}

/// As their own documentation says for a cache that is bounded and expires. `cached` makes borrowed arguments owned for its
/// keys, as we do, so that the functions are the same for all.
pub(crate) const ATTRIBUTES: [Attribute; 5] = [
    Attribute { name: FLOOR, package: "floor", text: "" },
    Attribute {
        name: "cached",
        package: "cached",
        text: "#[cached::macros::cached(max_size = 10_000, ttl_secs = 300)]",
    },
    Attribute {
        name: "cached, one load a key",
        package: "cached-by-key",
        text: "#[cached::macros::cached(max_size = 10_000, ttl_secs = 300, sync_writes = \"by_key\")]",
    },
    Attribute {
        name: "cached, sharded",
        package: "cached-sharded",
        text: "#[cached::macros::concurrent_cached(max_size = 10_000, ttl_secs = 300)]",
    },
    Attribute {
        name: "hybrid-cache",
        package: "hybrid-cache",
        text: "#[hybrid_cache::cached(layers = \"mem\", capacity = 10_000, ttl = 300)]",
    },
];

/// The arguments of the functions.
pub(crate) struct Shape {
    /// As it stands in a table's title.
    pub(crate) title: &'static str,
    package: &'static str,
    parameters: &'static str,
    passed_on: &'static str,
    example: &'static str,
}

/// What functions are asked for.
pub(crate) const SHAPES: [Shape; 2] = [
    Shape {
        title: "(u64, &str)",
        package: "borrowed",
        parameters: "id: u64, name: &str",
        passed_on: "id, name",
        example: "1, \"lamp\"",
    },
    Shape {
        title: "(u64)",
        package: "owned",
        parameters: "id: u64",
        passed_on: "id, \"lamp\"",
        example: "1",
    },
];

impl Attribute {
    /// The package of the functions with this attribute.
    pub(crate) fn package(&self, shape: &Shape) -> String {
        format!("{}-{}", self.package, shape.package)
    }
}

/// `functions` functions, public as in a library, and one that calls them all: so that their code is made where it can be
/// counted, whatever a macro or the compiler would leave to those who call.
pub(crate) fn of(shape: &Shape, attribute: &Attribute, functions: usize) -> String {
    let Shape { parameters, passed_on, example, .. } = shape;
    let attribute = attribute.text;
    let mut text = String::from(PRELUDE);
    for number in 0..functions {
        let _ = write!(
            text,
            "
{attribute}
pub async fn f{number}({parameters}) -> Result<Product, Error> {{
    find({number}, {passed_on}).await
}}
"
        );
    }
    text.push_str("\npub fn calls() -> Vec<Call> {\n    vec![\n");
    for number in 0..functions {
        let _ = writeln!(text, "        Box::pin(f{number}({example})),");
    }
    text.push_str("    ]\n}\n");
    text
}

const PRELUDE: &str = r"//! Written by the bench `compile`.

#[derive(Debug, Clone)]
pub struct Product {
    pub id: u64,
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct Error;

pub type Call = std::pin::Pin<Box<dyn Future<Output = Result<Product, Error>> + Send>>;

async fn find(table: u64, id: u64, name: &str) -> Result<Product, Error> {
    std::future::ready(()).await;
    if id == u64::MAX { Err(Error) } else { Ok(Product { id: table ^ id, name: name.to_owned() }) }
}
";
