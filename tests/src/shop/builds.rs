//! One cached function as several builds of a program had it. Their answers meet in Redis and on disk; a process
//! uses one of them.

/// The build in which all began.
pub(crate) mod first {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct Reading {
        low: u32,
        high: u32,
        unit: String,
    }

    #[hybrid_cache::cached(name = "shop.reading", layers = "redis,disk", ttl = "1h")]
    pub(crate) async fn reading(id: u64) -> Reading {
        let _ = id;
        Reading { low: 1, high: 100, unit: "kg".to_owned() }
    }
}

/// Two fields changed places. The bytes would fit.
pub(crate) mod reordered {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct Reading {
        high: u32,
        low: u32,
        unit: String,
    }

    #[hybrid_cache::cached(name = "shop.reading", layers = "redis,disk", ttl = "1h")]
    pub(crate) async fn reading(id: u64) -> Reading {
        let _ = id;
        Reading { low: 1, high: 100, unit: "kg".to_owned() }
    }
}

/// Other types of the same names. The bytes would fit here, too.
pub(crate) mod retyped {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct Reading {
        low: i32,
        high: i32,
        unit: Vec<u8>,
    }

    #[hybrid_cache::cached(name = "shop.reading", layers = "redis,disk", ttl = "1h")]
    pub(crate) async fn reading(id: u64) -> Reading {
        let _ = id;
        Reading { low: 1, high: 100, unit: b"kg".to_vec() }
    }
}

/// One field more.
pub(crate) mod extended {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct Reading {
        low: u32,
        high: u32,
        unit: String,
        remark: Option<String>,
    }

    #[hybrid_cache::cached(name = "shop.reading", layers = "redis,disk", ttl = "1h")]
    pub(crate) async fn reading(id: u64) -> Reading {
        let _ = id;
        Reading { low: 1, high: 100, unit: "kg".to_owned(), remark: None }
    }
}

/// The same type, of which the author says that it means something else now.
pub(crate) mod second_version {
    use super::first::Reading;

    #[hybrid_cache::cached(name = "shop.reading", layers = "redis,disk", ttl = "1h", version = 2)]
    pub(crate) async fn reading(id: u64) -> Reading {
        super::first::reading::uncached(id).await
    }
}
