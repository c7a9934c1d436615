//! The key of a user in a language, as caches without a macro are given it: owned in the cache, borrowed in a call.

use std::sync::Arc;

use equivalent::Equivalent;

use crate::answers::{language, name};

/// As the cache keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair {
    id: u64,
    lang: String,
}

/// As a call has it. Its hash is that of the owned one: the same fields in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PairRef<'a> {
    id: u64,
    lang: &'a str,
}

impl<'a> PairRef<'a> {
    pub const fn new(id: u64, lang: &'a str) -> Self {
        Self { id, lang }
    }

    pub fn to_owned(self) -> Pair {
        Pair { id: self.id, lang: self.lang.to_owned() }
    }
}

impl Equivalent<Pair> for PairRef<'_> {
    fn equivalent(&self, key: &Pair) -> bool {
        self.id == key.id && self.lang == key.lang
    }
}

/// The pair for this number.
pub fn pair(id: u64) -> PairRef<'static> {
    PairRef::new(id, language(id))
}

/// The name for this number, as caches of strings that do not grow keep it.
pub fn owned_name(id: u64) -> Arc<str> {
    name(id).into()
}
