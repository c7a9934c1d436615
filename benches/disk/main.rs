//! What the disk layer costs beside its bare engine, and beside `cached`'s store on disk.
//!
//! A process has one disk store and so one engine: this program runs itself once for each, or measures only the one that
//! `HYBRID_CACHE_DISK_ENGINE` names. All files are under `target/bench/` and are removed at the end.

#![allow(
    clippy::unwrap_used,
    clippy::unused_async,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bench that cannot go on stops, and its numbers are far below what these casts could lose"
)]

mod bare;
mod calls;
mod functions;

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use cached::{ConcurrentCachedAsync as _, RedbCache};
use hybrid_cache::DiskEngine;
use hybrid_cache_benches::{
    figures::{Figures, interleaved},
    keys::Distribution,
    options::Options,
    report::{self, Report, Table, Unit},
    user::User,
};
use tokio::runtime::Runtime;

use self::{
    bare::{Bare, Redb, Sled},
    calls::{Call, call, measure, runtime},
};

const ENGINE: &str = "HYBRID_CACHE_DISK_ENGINE";
const ENGINES: [(&str, DiskEngine); 2] = [("redb", DiskEngine::Redb), ("sled", DiskEngine::Sled)];
/// Users that the bare engine is given together.
const GROUP: usize = 1000;

fn main() -> io::Result<()> {
    let options = Options::from_command_line();
    if let Ok(name) = std::env::var(ENGINE) {
        let (name, engine) = ENGINES.into_iter().find(|(known, _)| *known == name).unwrap();
        return of_engine(name, engine, &options);
    }
    for (name, _) in ENGINES {
        let program = std::env::current_exe()?;
        let status = Command::new(program).args(std::env::args_os().skip(1)).env(ENGINE, name).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("measuring {name} failed: {status}")));
        }
    }
    Ok(())
}

/// All tables of one engine.
fn of_engine(name: &'static str, engine: DiskEngine, options: &Options) -> io::Result<()> {
    fs::create_dir_all(report::directory())?;
    let dir = tempfile::Builder::new().prefix("disk-").tempdir_in(report::directory())?;
    hybrid_cache::builder().disk_dir(dir.path().join("ours")).disk_engine(engine).install().unwrap();
    functions::keep_cached_in(&dir.path().join("cached"));

    let runtime = runtime();
    let question = if engine == DiskEngine::Sled { "disk-sled" } else { "disk-redb" };
    let bench = Bench::new(engine, dir.path(), options, &runtime);
    let mut report = Report::new(question, options);
    // First, as what is put is what is found afterwards.
    report.add(&bench.puts());
    for (operation, calls) in [("hit", 20_000), ("miss", 5_000), ("invalidate", 1_000)] {
        for callers in [1, 16] {
            let title = format!("{operation}, {name}, {callers} callers");
            if options.wants(&title) {
                report.add(&bench.calls(operation, title, callers, options.pick(calls, 100)));
            }
        }
    }
    report.finish()?;
    runtime.block_on(hybrid_cache::shutdown(std::time::Duration::from_secs(10)));
    Ok(())
}

/// Puts all users once, and waits until they are on the disk.
type PutAll<'a> = Box<dyn Fn() + 'a>;

/// One engine, with all stores open.
struct Bench<'a> {
    dir: &'a Path,
    options: &'a Options,
    runtime: &'a Runtime,
    users: Vec<User>,
    /// In one transaction each, and in groups.
    bare: [Arc<dyn Bare>; 2],
    /// `cached` is on redb.
    cached: Option<Cached>,
    /// The next user that nobody has asked for yet.
    next_new: AtomicU64,
    /// The next user that nobody has forgotten yet.
    next_known: AtomicU64,
    names: Names,
}

struct Cached {
    lazy: &'static RedbCache<u64, User>,
    durable: &'static RedbCache<u64, User>,
}

/// How candidates are called in tables.
#[derive(Clone, Copy)]
struct Names {
    bare: &'static str,
    spawned: &'static str,
    singly: &'static str,
    groups: &'static str,
}

const OURS: &str = "hybrid-cache";
const CACHED: &str = "cached";

impl<'a> Bench<'a> {
    fn new(engine: DiskEngine, dir: &'a Path, options: &'a Options, runtime: &'a Runtime) -> Self {
        let mut users: Vec<User> = (0..options.pick(100_000, 1_000)).map(User::of).collect();
        // In the order of their keys they would be stored much faster than in practice.
        fastrand::Rng::with_seed(1).shuffle(&mut users);
        let (bare, cached, names): ([Arc<dyn Bare>; 2], _, _) = if engine == DiskEngine::Sled {
            let open = |name| Arc::new(Sled::open(&dir.join(name)));
            let names = Names {
                bare: "bare sled",
                spawned: "bare sled, spawn_blocking",
                singly: "bare sled, one by one",
                groups: "bare sled, 1000 at once",
            };
            ([open("singly"), open("groups")], None, names)
        } else {
            let open = |name| Arc::new(Redb::open(&dir.join(name)));
            let (lazy, durable) = runtime.block_on(functions::open_cached(&users));
            let names = Names {
                bare: "bare redb",
                spawned: "bare redb, spawn_blocking",
                singly: "bare redb, one by one",
                groups: "bare redb, 1000 at once",
            };
            ([open("singly"), open("groups")], Some(Cached { lazy, durable }), names)
        };
        let (next_new, next_known) = (AtomicU64::new(users.len() as u64), AtomicU64::new(0));
        Self { dir, options, runtime, users, bare, cached, next_new, next_known, names }
    }

    /// All users put, in no order, again and again, until they are on the disk; and what that leaves there.
    fn puts(&self) -> Table {
        let [singly, groups] = self.bare.each_ref().map(Arc::clone);
        let mut candidates: Vec<(&str, &str, PutAll<'_>)> = vec![
            (
                self.names.singly,
                "singly",
                Box::new(move || {
                    for users in self.users.chunks(GROUP) {
                        users.chunks(1).for_each(|user| singly.put(user));
                        singly.flush();
                    }
                }),
            ),
            (
                self.names.groups,
                "groups",
                Box::new(move || {
                    self.users.chunks(GROUP).for_each(|users| groups.put(users));
                    groups.flush();
                }),
            ),
        ];
        for (name, callers) in [("hybrid-cache, 16 callers", 16), ("hybrid-cache, 1024 callers", 1024)] {
            candidates.push((
                name,
                "ours",
                Box::new(move || {
                    self.put_by(callers, &call(|id| functions::ours::put(id, User::of(id))));
                    self.runtime.block_on(hybrid_cache::flush());
                }),
            ));
        }
        if let Some(Cached { lazy, .. }) = self.cached {
            candidates.push((
                "cached, 16 callers",
                "cached",
                Box::new(move || {
                    let put = call(move |id| async move {
                        lazy.async_cache_set(id, User::of(id)).await.unwrap();
                    });
                    self.put_by(16, &put);
                    self.runtime.block_on(lazy.async_flush()).unwrap();
                }),
            ));
        }
        let figures = interleaved(self.options.pick(3, 1), &mut candidates, |(_, _, put)| {
            let start = Instant::now();
            put();
            self.users.len() as f64 / start.elapsed().as_secs_f64() / 1e3
        });
        let title = format!("puts of {} users, {}", self.users.len(), self.names.bare);
        let mut table = Table::new(title, Unit::ThousandsPerSecond, &[self.names.groups]);
        for ((name, dir, _), figures) in candidates.iter().zip(figures) {
            let on_disk = size_of(&self.dir.join(dir)) as f64;
            table.row(
                *name,
                figures,
                [("MB on disk", on_disk / 1e6), ("÷ content", on_disk / self.content())],
            );
        }
        table
    }

    fn put_by(&self, callers: usize, put: &Call) {
        let ids: Vec<u64> = self.users.iter().map(|user| user.id).collect();
        measure(self.runtime, callers, &ids, put);
    }

    /// Bytes of all users and of their numbers.
    fn content(&self) -> f64 {
        self.users.iter().map(|user| 8 + postcard::to_allocvec(user).unwrap().len()).sum::<usize>() as f64
    }

    fn calls(&self, operation: &str, title: String, callers: usize, calls: usize) -> Table {
        let mut candidates = match operation {
            "hit" => self.hits(),
            "miss" => self.misses(),
            _ => self.invalidations(),
        };
        let sequence = Distribution::Uniform.sequence(self.users.len(), calls);
        let before = functions::ours::stats();
        let mut beside: BTreeMap<&str, [Vec<f64>; 2]> = BTreeMap::new();
        let figures = interleaved(self.options.pick(7, 1), &mut candidates, |(name, call)| {
            let ids: Vec<u64> = match operation {
                "hit" => sequence.iter().map(|id| u64::from(*id)).collect(),
                "miss" => (0..calls).map(|_| self.next_new.fetch_add(1, Relaxed)).collect(),
                _ => (0..calls)
                    .map(|_| self.next_known.fetch_add(1, Relaxed) % self.users.len() as u64)
                    .collect(),
            };
            let taken = measure(self.runtime, callers, &ids, call);
            let [slow, rate] = beside.entry(name).or_default();
            slow.push(taken.percentile_99);
            rate.push(taken.rate);
            taken.median
        });
        let after = functions::ours::stats();
        if operation == "hit" {
            assert_eq!(after.misses(), before.misses(), "a hit was a miss");
        }
        let bare = figures.first().map_or(f64::NAN, Figures::median);
        let mut table = Table::new(title, Unit::Microseconds, &[self.names.bare]);
        for ((name, _), figures) in candidates.iter().zip(figures) {
            let above = figures.median() - bare;
            let [slow, rate] =
                beside.remove(name).unwrap_or_default().map(|rounds| Figures::new(rounds).median());
            table.row(*name, figures, [("µs above bare", above), ("99th percentile", slow), ("k/s", rate)]);
        }
        table
    }

    fn hits(&self) -> Vec<(&'static str, Call)> {
        let [_, inline] = self.bare.each_ref().map(Arc::clone);
        let spawned = Arc::clone(&inline);
        let mut candidates = vec![
            (
                self.names.bare,
                call(move |id| {
                    let inline = Arc::clone(&inline);
                    async move { assert!(inline.get(id).is_some()) }
                }),
            ),
            (
                self.names.spawned,
                call(move |id| {
                    let spawned = Arc::clone(&spawned);
                    async move { assert!(on_a_thread(move || spawned.get(id)).await.is_some()) }
                }),
            ),
            (OURS, call(|id| async move { assert_eq!(functions::ours(id).await.id, id) })),
        ];
        if self.cached.is_some() {
            candidates.push((
                CACHED,
                call(|id| async move { assert_eq!(functions::cached_lazily(id).await.unwrap().id, id) }),
            ));
        }
        candidates
    }

    fn misses(&self) -> Vec<(&'static str, Call)> {
        let [inline, _] = self.bare.each_ref().map(Arc::clone);
        let spawned = Arc::clone(&inline);
        let miss = |bare: &dyn Bare, id| {
            assert!(bare.get(id).is_none());
            bare.put(&[User::of(id)]);
        };
        let mut candidates = vec![
            (
                self.names.bare,
                call(move |id| {
                    let inline = Arc::clone(&inline);
                    async move { miss(&*inline, id) }
                }),
            ),
            (
                self.names.spawned,
                call(move |id| {
                    let spawned = Arc::clone(&spawned);
                    async move { on_a_thread(move || miss(&*spawned, id)).await }
                }),
            ),
            (OURS, call(|id| async move { drop(functions::ours(id).await) })),
        ];
        if self.cached.is_some() {
            candidates
                .push((CACHED, call(|id| async move { drop(functions::cached_lazily(id).await.unwrap()) })));
        }
        candidates
    }

    fn invalidations(&self) -> Vec<(&'static str, Call)> {
        let [inline, _] = self.bare.each_ref().map(Arc::clone);
        let spawned = Arc::clone(&inline);
        let mut candidates = vec![
            (
                self.names.bare,
                call(move |id| {
                    let inline = Arc::clone(&inline);
                    async move { inline.remove(id) }
                }),
            ),
            (
                self.names.spawned,
                call(move |id| {
                    let spawned = Arc::clone(&spawned);
                    async move { on_a_thread(move || spawned.remove(id)).await }
                }),
            ),
            (OURS, call(|id| async move { assert!(functions::ours::invalidate(id).await.is_done()) })),
        ];
        if let Some(Cached { durable, .. }) = self.cached {
            candidates.push((
                CACHED,
                call(move |id| async move { assert!(durable.async_cache_delete(&id).await.unwrap()) }),
            ));
        }
        candidates
    }
}

/// As tokio advises for what may block.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// What the files in `dir` take on the disk.
fn size_of(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size_of(&entry.path()),
            #[cfg(unix)]
            Ok(found) => std::os::unix::fs::MetadataExt::blocks(&found) * 512,
            #[cfg(not(unix))]
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
