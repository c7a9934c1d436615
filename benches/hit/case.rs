//! What is measured in one table.

/// What functions are asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Id,
    Pair,
    Name,
}

/// What functions return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    Arc,
    Clone,
}

/// How many keys there are. A closed list, as the bound of a cached function is written in its attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    K0_1,
    K1,
    K10,
    K100,
    K1000,
}

/// One function, asked for so many keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub key: Key,
    pub returns: Returns,
    pub size: Size,
}

/// Every case, those first in which all candidates are.
pub const CASES: [Case; 13] = [
    Case::new(Key::Id, Returns::Arc, Size::K10),
    Case::new(Key::Id, Returns::Clone, Size::K10),
    Case::new(Key::Pair, Returns::Arc, Size::K10),
    Case::new(Key::Pair, Returns::Clone, Size::K10),
    Case::new(Key::Name, Returns::Arc, Size::K10),
    Case::new(Key::Name, Returns::Clone, Size::K10),
    Case::new(Key::Id, Returns::Arc, Size::K1000),
    Case::new(Key::Id, Returns::Clone, Size::K1000),
    Case::new(Key::Pair, Returns::Arc, Size::K1000),
    Case::new(Key::Name, Returns::Arc, Size::K1000),
    // For the plot of time against keys.
    Case::new(Key::Id, Returns::Arc, Size::K0_1),
    Case::new(Key::Id, Returns::Arc, Size::K1),
    Case::new(Key::Id, Returns::Arc, Size::K100),
];

impl Size {
    pub const fn keys(self) -> usize {
        match self {
            Self::K0_1 => 100,
            Self::K1 => 1_000,
            Self::K10 => 10_000,
            Self::K100 => 100_000,
            Self::K1000 => 1_000_000,
        }
    }
}

impl Case {
    pub const fn new(key: Key, returns: Returns, size: Size) -> Self {
        Self { key, returns, size }
    }

    /// The bound of each cache: twice the number of keys, so that even a cache of many shards, each with a bound of its own,
    /// has room for all of them.
    pub const fn capacity(self) -> usize {
        2 * self.size.keys()
    }

    /// Whether all candidates are measured, and not only those that are in every table.
    pub fn is_for_all(self) -> bool {
        self.size == Size::K10 || self == Case::new(Key::Id, Returns::Arc, Size::K1000)
    }

    pub fn title(self) -> String {
        let key = match self.key {
            Key::Id => "u64",
            Key::Pair => "(u64, &str)",
            Key::Name => "&str",
        };
        let returns = match self.returns {
            Returns::Arc => "Arc",
            Returns::Clone => "clone",
        };
        format!("{} keys, {key} → {returns}", self.size.keys())
    }
}
