//! What the server sees: commands, and how often it has to read from a connection.

use hybrid_cache_test_support::RedisServer;

/// What one operation costs the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// Commands.
    pub(crate) commands: f64,
    /// Reads from sockets. With one caller, who waits for each answer, these are the round trips.
    pub(crate) trips: f64,
}

#[derive(Debug, Clone, Copy)]
struct Counters {
    commands: f64,
    reads: f64,
}

impl Counters {
    fn of(server: &RedisServer) -> Self {
        let stats: String = server.ask(&["INFO", "stats"]);
        let value = |name: &str| {
            let line = stats.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap().trim().parse().unwrap()
        };
        Self { commands: value("total_commands_processed"), reads: value("total_reads_processed") }
    }
}

/// What each of the `count` operations of `work` costs.
pub(crate) fn of(server: &RedisServer, count: usize, work: impl FnOnce()) -> Traffic {
    // What looking itself costs is the same each time.
    let (earlier, before) = (Counters::of(server), Counters::of(server));
    work();
    let after = Counters::of(server);
    let each = |earlier, before, after| ((after - before) - (before - earlier)) / count as f64;
    Traffic {
        commands: each(earlier.commands, before.commands, after.commands),
        trips: each(earlier.reads, before.reads, after.reads),
    }
}
