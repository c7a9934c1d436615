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
    /// The bound of each cache: twice the number of keys, so that even a cache of many shards, each with a bound of its own,
    /// has room for all of them.
    pub const fn capacity(self) -> usize {
        2 * self.size.keys()
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
