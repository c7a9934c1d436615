//! Who is asked for a user that is kept in Redis: we, the bare client, and peers. None keeps anything in memory.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use cached::{AsyncRedisCache, ConcurrentCachedAsync as _, macros::concurrent_cached};
use hybrid_cache::cached;
use hybrid_cache_benches::user::User;
use multi_tier_cache::{
    Arc, CacheManager, CacheSerializer, CacheStrategy, CacheTier, RedisCache,
    serialization::MsgPackSerializer,
};
use redis::{
    AsyncCommands as _, Client, IntoConnectionInfo as _,
    aio::{ConnectionLike, ConnectionManager, MultiplexedConnection},
    io::tcp::TcpSettings,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Mutex,
};

/// How long everybody's answers live.
const TTL_SECONDS: u64 = 3600;

static BODY_RUNS: AtomicU64 = AtomicU64::new(0);
/// For the peer whose connection is made where its attribute stands.
static URL: OnceLock<String> = OnceLock::new();

/// Where users come from if Redis has none: at once, so that what is measured is the way to Redis and back.
fn from_source(id: u64) -> User {
    BODY_RUNS.fetch_add(1, Relaxed);
    User::of(id)
}

/// How often the source was asked since this was asked last.
pub(crate) fn take_body_runs() -> u64 {
    BODY_RUNS.swap(0, Relaxed)
}

/// A cache of users in Redis. A clone is the same cache, for another caller.
pub(crate) trait Users: Clone + Send + 'static {
    /// The user from Redis; if there is none, from the source, and stored for the next who asks.
    fn user(&mut self, id: u64) -> impl Future<Output = User> + Send;

    /// Makes Redis forget the user.
    fn forget(&mut self, id: u64) -> impl Future<Output = ()> + Send;
}

/// What is measured.
#[derive(Clone)]
pub(crate) struct HybridCache;

#[cached(layers = "redis", ttl = 3600)]
async fn ours(id: u64) -> User {
    from_source(id)
}

impl HybridCache {
    pub(crate) fn new(url: &str) -> Self {
        // A budget that no pause of the machine uses up: a call that went without Redis would be no measurement.
        let budget = Duration::from_secs(5);
        hybrid_cache::builder().without_environment().redis(url).redis_timeout(budget).install().unwrap();
        Self
    }
}

impl Users for HybridCache {
    async fn user(&mut self, id: u64) -> User {
        ours(id).await
    }

    async fn forget(&mut self, id: u64) {
        ours::invalidate(id).await.strict().unwrap();
    }
}

/// `redis` and `postcard` by hand: what everything else is compared to.
#[derive(Clone)]
pub(crate) struct Bare<C> {
    prefix: &'static str,
    connection: C,
}

impl Bare<MultiplexedConnection> {
    pub(crate) async fn multiplexed(url: &str) -> Self {
        let connection = Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
        Self { prefix: "multiplexed", connection }
    }

    /// The same with `TCP_NODELAY`, as our own connection has it: without it, small requests wait for the acknowledgement of
    /// earlier ones, which costs nothing on loopback, and on a network up to 40 ms.
    pub(crate) async fn without_delay(url: &str) -> Self {
        let info = url.into_connection_info().unwrap();
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let connection = Client::open(info).unwrap().get_multiplexed_async_connection().await.unwrap();
        Self { prefix: "without-delay", connection }
    }
}

impl Bare<ConnectionManager> {
    pub(crate) async fn managed(url: &str) -> Self {
        let connection = Client::open(url).unwrap().get_connection_manager().await.unwrap();
        Self { prefix: "managed", connection }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Users for Bare<C> {
    async fn user(&mut self, id: u64) -> User {
        let key = format!("{}:{id}", self.prefix);
        let stored: Option<Vec<u8>> = self.connection.get(&key).await.unwrap();
        if let Some(bytes) = stored {
            return postcard::from_bytes(&bytes).unwrap();
        }
        let user = from_source(id);
        let bytes = postcard::to_extend(&user, Vec::with_capacity(256)).unwrap();
        self.connection.set_ex::<_, _, ()>(&key, bytes, TTL_SECONDS).await.unwrap();
        user
    }

    async fn forget(&mut self, id: u64) {
        self.connection.del::<_, ()>(format!("{}:{id}", self.prefix)).await.unwrap();
    }
}

/// `cached`, with the connection that it makes by default.
#[derive(Clone)]
pub(crate) struct Cached;

#[concurrent_cached(
    ty = "AsyncRedisCache<u64, User>",
    create = r#"{
        AsyncRedisCache::builder("cached")
            .ttl(Duration::from_secs(TTL_SECONDS))
            .connection_string(URL.get().unwrap())
            .build()
            .await
            .unwrap()
    }"#,
    map_error = "|error| error.to_string()"
)]
async fn theirs(id: u64) -> Result<User, String> {
    Ok(from_source(id))
}

impl Cached {
    pub(crate) fn new(url: &str) -> Self {
        URL.set(url.to_owned()).unwrap();
        Self
    }
}

impl Users for Cached {
    async fn user(&mut self, id: u64) -> User {
        theirs(id).await.unwrap()
    }

    async fn forget(&mut self, id: u64) {
        THEIRS.get().unwrap().async_cache_delete(&id).await.unwrap();
    }
}

/// `multi-tier-cache` with Redis as its only tier, and the more compact of its encodings.
#[derive(Clone)]
pub(crate) struct MultiTier(Arc<CacheManager>);

impl MultiTier {
    pub(crate) async fn new(url: &str) -> Self {
        let redis = Arc::new(RedisCache::with_url(url).await.unwrap());
        let tier = CacheTier::new(redis, 1, false, 1, 1.0);
        let mut manager = CacheManager::new_with_tiers(vec![tier], None).unwrap();
        manager.set_serializer(CacheSerializer::MsgPack(MsgPackSerializer));
        Self(Arc::new(manager))
    }
}

impl Users for MultiTier {
    async fn user(&mut self, id: u64) -> User {
        let life = CacheStrategy::Custom(Duration::from_secs(TTL_SECONDS));
        let load = || async move { Ok(from_source(id)) };
        self.0.get_or_compute_typed(&format!("multi-tier:{id}"), life, load).await.unwrap()
    }

    async fn forget(&mut self, id: u64) {
        self.0.invalidate(&format!("multi-tier:{id}")).await.unwrap();
    }
}

/// No client at all: requests written to a socket, and answers read from it, by one caller. What the system, the runtime and
/// the server take; less is not possible.
#[derive(Clone)]
pub(crate) struct Socket(Arc<Mutex<TcpStream>>);

impl Socket {
    pub(crate) async fn new(url: &str) -> Self {
        let address = url.strip_prefix("redis://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(Arc::new(Mutex::new(stream)))
    }

    /// The answer to one command. It arrives in one piece, as nobody else asks.
    async fn ask(&self, words: &[&[u8]]) -> Vec<u8> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        let mut stream = self.0.lock().await;
        stream.write_all(&request).await.unwrap();
        let mut reply = vec![0; 1024];
        let length = stream.read(&mut reply).await.unwrap();
        reply.truncate(length);
        reply
    }
}

impl Users for Socket {
    async fn user(&mut self, id: u64) -> User {
        let key = format!("socket:{id}");
        let reply = self.ask(&[b"GET", key.as_bytes()]).await;
        if !reply.starts_with(b"$-1") {
            let start = reply.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            return postcard::from_bytes(&reply[start..]).unwrap();
        }
        let user = from_source(id);
        let bytes = postcard::to_extend(&user, Vec::with_capacity(256)).unwrap();
        self.ask(&[b"SETEX", key.as_bytes(), b"3600", &bytes]).await;
        user
    }

    async fn forget(&mut self, id: u64) {
        self.ask(&[b"DEL", format!("socket:{id}").as_bytes()]).await;
    }
}
