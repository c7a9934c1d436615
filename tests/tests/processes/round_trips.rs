//! What operations cost the Redis server, in commands and in round trips. A round trip on a network is what a caller waits
//! for, so one more is a change that somebody has to want.

use std::collections::BTreeMap;

use hybrid_cache_test_support::RedisServer;

use crate::program::{Program, Settings};

/// Each is done so often; a start, which happens once, is then told from what happens each time.
const OPERATIONS: u64 = 10;

/// What the server has done for the program.
#[derive(Debug, PartialEq, Eq)]
struct Work {
    /// How often which command ran, connecting left out.
    commands: BTreeMap<String, u64>,
    /// How often something was read from a socket: with one caller, who waits for each reply, a round trip each.
    round_trips: u64,
}

impl Work {
    /// `OPERATIONS` times this.
    fn each(round_trips: u64, commands: &[(&str, u64)]) -> Self {
        let times = |(name, count): &(&str, u64)| ((*name).to_owned(), count * OPERATIONS);
        Self { commands: commands.iter().map(times).collect(), round_trips: round_trips * OPERATIONS }
    }

    /// What the server does for the program while it does each of `commands`.
    fn of(redis: &RedisServer, program: &mut Program, command: impl Fn(u64) -> String) -> Self {
        // Whoever asks is seen as well, each time in the same way.
        let (earlier, idle) = (reads(redis), reads(redis));
        redis.tell(&["CONFIG", "RESETSTAT"]);
        let before = reads(redis);
        for id in 0..OPERATIONS {
            program.ask(&command(id));
        }
        let round_trips = reads(redis) - before - (idle - earlier);
        Self { commands: commands(redis), round_trips }
    }
}

fn reads(redis: &RedisServer) -> u64 {
    let stats: String = redis.ask(&["INFO", "stats"]);
    let count = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
    count.unwrap().trim().parse().unwrap()
}

fn commands(redis: &RedisServer) -> BTreeMap<String, u64> {
    let stats: String = redis.ask(&["INFO", "commandstats"]);
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    let of_whoever_asks =
        |name: &str| ["info", "hello", "config", "client"].iter().any(|asks| name.starts_with(asks));
    stats.lines().filter_map(line).filter(|(name, _)| !of_whoever_asks(name)).collect()
}

/// A program that keeps quotes in Redis alone, and is connected.
fn connected(redis: &RedisServer) -> Program {
    let mut program = Settings::new().redis(redis).quote_in("redis").start();
    program.call("quote", 1_000);
    program
}

#[test]
fn a_hit_in_redis_is_one_round_trip_for_the_record_and_the_epoch() {
    let redis = RedisServer::start();
    let mut program = connected(&redis);
    for id in 0..OPERATIONS {
        program.call("quote", id);
    }
    let work = Work::of(&redis, &mut program, |id| format!("call quote {id}"));
    assert_eq!(work, Work::each(1, &[("getrange", 2)]));
    assert_eq!(program.ask("bodies"), (OPERATIONS + 1).to_string());
}

#[test]
fn a_miss_is_one_round_trip_to_look_and_one_to_store() {
    let redis = RedisServer::start();
    let mut program = connected(&redis);
    let work = Work::of(&redis, &mut program, |id| format!("call quote {id}"));
    assert_eq!(work, Work::each(2, &[("getrange", 2), ("pexpire", 1), ("set", 1)]));
}

#[test]
fn an_invalidation_is_one_round_trip() {
    let redis = RedisServer::start();
    let mut program = connected(&redis);
    let work = Work::of(&redis, &mut program, |id| format!("invalidate quote {id}"));
    assert_eq!(work, Work::each(1, &[("del", 1)]));
}

#[test]
fn a_put_is_one_round_trip_for_the_epoch_and_one_to_store() {
    let redis = RedisServer::start();
    let mut program = connected(&redis);
    let work = Work::of(&redis, &mut program, |id| format!("put quote {id} 5"));
    assert_eq!(work, Work::each(2, &[("getrange", 2), ("pexpire", 1), ("set", 1)]));
}

#[test]
fn a_hit_in_memory_does_not_ask_redis() {
    let redis = RedisServer::start();
    let mut program = Settings::new().redis(&redis).quote_in("mem,redis").start();
    for id in 0..OPERATIONS {
        program.call("quote", id);
    }
    program.ask("flush");
    let work = Work::of(&redis, &mut program, |id| format!("call quote {id}"));
    assert_eq!(work, Work::each(0, &[]));
}
