//! The types of the settings: how each is written, and what of it is refused.
//!
//! Reasons are fixed words without the text that was refused, so none of them can carry a secret.

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, de::DeserializeOwned};

use super::{DiskEngine, Eviction, duration};
use crate::{error::LayerKind, key::is_invisible};

/// Why a value is refused; goes on after the value: `"5 parsecs" is not a duration`.
pub(super) type Reason = &'static str;

/// A type of settings that can be read from text.
pub(super) trait Written: DeserializeOwned {
    /// What to write; goes on after "write".
    const WRITE: &'static str;
    /// Whether the text must not be shown.
    const SECRET: bool = false;

    /// The value for the report, in the manner in which it is written; of a secret, what may be shown.
    fn show(&self) -> String;
}

/// `config` reads it: true/false, 1/0, yes/no, on/off, in capitals or not.
impl Written for bool {
    const WRITE: &'static str = "true or false";

    fn show(&self) -> String {
        self.to_string()
    }
}

/// More than no time at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Span(pub(super) Duration);

impl Written for Span {
    const WRITE: &'static str = r#"seconds (300) or a time with units ("250ms", "5m", "1h30m", "1d")"#;

    fn show(&self) -> String {
        duration::show(self.0)
    }
}

impl Span {
    pub(super) fn new(duration: Duration) -> Result<Self, Reason> {
        if duration.is_zero() { Err("is no time at all") } else { Ok(Self(duration)) }
    }
}

impl TryFrom<String> for Span {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        Self::new(duration::parse(&text)?)
    }
}

/// A bound on bytes; not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ByteLimit(pub(super) u64);

impl Written for ByteLimit {
    const WRITE: &'static str = r#"bytes (1048576) or a size with a unit ("64MiB", "1GiB", "500MB")"#;

    fn show(&self) -> String {
        ByteSize(self.0).to_string()
    }
}

impl ByteLimit {
    pub(super) const fn new(bytes: u64) -> Result<Self, Reason> {
        if bytes == 0 { Err("leaves no room at all") } else { Ok(Self(bytes)) }
    }
}

impl TryFrom<String> for ByteLimit {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        match text.trim().parse() {
            // Where `bytesize` stops counting.
            Ok(ByteSize(u64::MAX)) => Err("is more than can be counted"),
            Ok(ByteSize(bytes)) => Self::new(bytes),
            Err(_) => Err("is not a size"),
        }
    }
}

/// A bound on entries; not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct EntryLimit(pub(super) u64);

impl Written for EntryLimit {
    const WRITE: &'static str = "a number of entries, at least 1 (10000)";

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl EntryLimit {
    pub(super) const fn new(entries: u64) -> Result<Self, Reason> {
        if entries == 0 { Err("leaves no room at all") } else { Ok(Self(entries)) }
    }
}

impl TryFrom<String> for EntryLimit {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        // `10_000`, as it stands in the attribute.
        let digits = text.trim().replace('_', "");
        Self::new(digits.parse().map_err(|_| "is not a whole number")?)
    }
}

/// A part of a life; at least 0, less than 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Jitter(pub(super) f64);

impl Written for Jitter {
    const WRITE: &'static str = "a fraction from 0.0 to below 1.0 (0.05)";

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl Jitter {
    pub(super) fn new(part: f64) -> Result<Self, Reason> {
        if (0.0..1.0).contains(&part) { Ok(Self(part)) } else { Err("is out of range") }
    }
}

impl TryFrom<String> for Jitter {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        Self::new(text.trim().parse().map_err(|_| "is not a number")?)
    }
}

/// The first part of every key in Redis.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Namespace(pub(super) String);

impl Written for Namespace {
    const WRITE: &'static str = "a short word such as shop or shop-staging";

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Namespace {
    pub(super) fn new(name: String) -> Result<Self, Reason> {
        // What separates the parts of a key, what Redis Cluster and `SCAN … MATCH` read, and what cannot be seen.
        let confusing = |c: char| ":{}*?[]\\\"'".contains(c) || c.is_whitespace() || is_invisible(c);
        if name.is_empty() {
            Err("is empty")
        } else if name.contains(confusing) {
            Err(
                r#"has a character that is confusing in a key (: { } * ? [ ] \ " ', spaces, control characters)"#,
            )
        } else {
            Ok(Self(name))
        }
    }
}

impl TryFrom<String> for Namespace {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        Self::new(text)
    }
}

/// At least one layer, none twice, fastest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct LayerList(pub(super) Vec<LayerKind>);

impl Written for LayerList {
    const WRITE: &'static str = r#"some of mem, redis, disk in this order ("mem,redis,disk")"#;

    fn show(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

impl TryFrom<String> for LayerList {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        let layers = text.split(',').map(layer).collect::<Result<Vec<_>, _>>()?;
        for (faster, slower) in layers.iter().zip(layers.iter().skip(1)) {
            if layers.iter().filter(|layer| *layer == faster).count() > 1 {
                return Err("names a layer twice");
            }
            if slower < faster {
                return Err("names a slower layer before a faster one");
            }
        }
        Ok(Self(layers))
    }
}

fn layer(name: &str) -> Result<LayerKind, Reason> {
    match name.trim() {
        "mem" => Ok(LayerKind::Memory),
        "redis" if cfg!(feature = "redis") => Ok(LayerKind::Redis),
        "redis" => Err(
            "names the layer redis, but this program was built without the cargo feature `redis` of hybrid-cache",
        ),
        "disk" if cfg!(any(feature = "disk", feature = "disk-sled")) => Ok(LayerKind::Disk),
        "disk" => Err(
            "names the layer disk, but this program was built without the cargo feature `disk` of hybrid-cache",
        ),
        "" => Err("has an empty place where a layer should be"),
        _ => Err("names a layer that does not exist"),
    }
}

/// Where the disk layer lives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Directory(pub(super) PathBuf);

impl Written for Directory {
    const WRITE: &'static str = "the whole path of a directory (/var/cache/shop)";

    fn show(&self) -> String {
        self.0.display().to_string()
    }
}

impl Directory {
    pub(super) fn new(path: PathBuf) -> Result<Self, Reason> {
        if path.as_os_str().is_empty() {
            Err("is empty")
        } else if path.as_os_str().as_encoded_bytes().starts_with(b"~") {
            // Left alone it would become a directory of that name, wherever the program was started.
            Err("begins with `~`, which only a shell replaces")
        } else if path.to_str().is_some_and(|path| path.contains("://")) {
            // Most likely the address of the server, in the wrong variable; the report shows directories.
            Err("is an address, not a directory")
        } else {
            Ok(Self(path))
        }
    }
}

impl TryFrom<String> for Directory {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        Self::new(text.into())
    }
}

/// Which answers leave memory first, if what decides that was compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Evicts(pub(super) Eviction);

impl Written for Evicts {
    const WRITE: &'static str = "s3fifo or tinylfu";

    fn show(&self) -> String {
        match self.0 {
            Eviction::S3Fifo => "s3fifo".to_owned(),
            Eviction::TinyLfu => "tinylfu".to_owned(),
        }
    }
}

impl Evicts {
    pub(super) const fn new(eviction: Eviction) -> Result<Self, Reason> {
        match eviction {
            Eviction::TinyLfu if !cfg!(feature = "moka") => {
                Err("needs the cargo feature `moka` of hybrid-cache, which this program was built without")
            }
            eviction => Ok(Self(eviction)),
        }
    }
}

impl TryFrom<String> for Evicts {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        match text.trim().to_ascii_lowercase().as_str() {
            "s3fifo" => Self::new(Eviction::S3Fifo),
            "tinylfu" => Self::new(Eviction::TinyLfu),
            _ => Err("is not a way to evict"),
        }
    }
}

/// What stores the bytes of the disk layer, if it was compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Engine(pub(super) DiskEngine);

impl Written for Engine {
    const WRITE: &'static str = "redb or sled";

    fn show(&self) -> String {
        match self.0 {
            DiskEngine::Redb => "redb".to_owned(),
            DiskEngine::Sled => "sled".to_owned(),
        }
    }
}

impl Engine {
    /// The engine to use where none is named: `redb`, or `sled` in a program that has nothing else.
    pub(super) const fn preferred() -> Self {
        if cfg!(feature = "disk") || !cfg!(feature = "disk-sled") {
            Self(DiskEngine::Redb)
        } else {
            Self(DiskEngine::Sled)
        }
    }

    pub(super) const fn new(engine: DiskEngine) -> Result<Self, Reason> {
        match engine {
            DiskEngine::Redb if !cfg!(feature = "disk") => {
                Err("needs the cargo feature `disk` of hybrid-cache, which this program was built without")
            }
            DiskEngine::Sled if !cfg!(feature = "disk-sled") => Err(
                "needs the cargo feature `disk-sled` of hybrid-cache, which this program was built without",
            ),
            engine => Ok(Self(engine)),
        }
    }
}

impl TryFrom<String> for Engine {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        match text.trim().to_ascii_lowercase().as_str() {
            "redb" => Self::new(DiskEngine::Redb),
            "sled" => Self::new(DiskEngine::Sled),
            _ => Err("is not an engine"),
        }
    }
}
