//! Where programs seldom call: the program `edges` (`src/edges`) does, and ends at the first panic that is not its own.

use std::{collections::HashSet, process::Command};

use hybrid_cache_test_support::RedisServer;

/// What the program prints that does this.
#[track_caller]
fn edges(word: &str, redis: Option<&RedisServer>) -> String {
    edges_with(word, redis, &[])
}

/// The same with these variables.
#[track_caller]
fn edges_with(word: &str, redis: Option<&RedisServer>, variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_edges"));
    program.arg(word).env_clear().env("HYBRID_CACHE_DISK_DIR", home.path());
    program.env("HYBRID_CACHE_REDIS_TIMEOUT", "20s").env("HYBRID_CACHE_DISK_TIMEOUT", "20s");
    program.envs(variables.iter().copied());
    if let Some(redis) = redis {
        program.env("HYBRID_CACHE_REDIS_URL", redis.url());
    }
    let ended = program.output().unwrap();
    let (shown, errors) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && shown.contains("the end\n"), "{}\n{shown}\n{errors}", ended.status);
    shown.into_owned()
}

#[test]
fn a_call_from_the_destructor_of_a_thread_local_value_is_answered_from_memory_or_runs_its_body() {
    let shown = edges("thread-exit", None);
    assert_eq!(shown.matches("the same twice: true\n").count(), 4, "{shown}");
    // Of a thread, of one that had not used the cache before, and of the main thread.
    assert_eq!(shown.matches("used first: 81 81 144\n").count(), 3, "{shown}");
    assert_eq!(shown.matches("used last: 81 81 144\n").count(), 1, "{shown}");
    assert_eq!(shown.matches("async true").count(), 4, "{shown}");
    assert!(shown.contains("it has put Some(26) and forgotten None\n"), "{shown}");
    assert!(
        shown.contains("a thread has ended: true") && shown.contains("another one has ended: true"),
        "{shown}"
    );
}

#[test]
fn a_call_while_a_panic_unwinds_runs_its_body() {
    let shown = edges("unwinding", None);
    assert!(shown.contains("unwinding: 81 81 144\n") && shown.contains("it has panicked: true"), "{shown}");
}

#[test]
fn a_runtime_without_timers_or_io_uses_redis_and_nothing_panics() {
    let redis = RedisServer::start();
    let shown = edges("bare-runtimes", Some(&redis));
    assert!(!shown.contains("panic"), "{shown}");
    assert_eq!(shown.matches("forgotten in Redis: Done").count(), 5, "{shown}");
    assert_eq!(redis.ask::<Vec<String>>(&["KEYS", "*shared:*"]).len(), 5, "{shown}");
}

#[test]
fn nothing_panics_in_a_runtime_without_timers_or_io_where_redis_is_away() {
    let mut redis = RedisServer::start();
    redis.kill();
    assert!(!edges("bare-runtimes", Some(&redis)).contains("panic"));
}

#[cfg(all(unix, target_pointer_width = "64"))]
#[test]
fn without_a_thread_to_be_had_calls_go_on_without_redis() {
    let redis = RedisServer::start();
    // No machine has room for such a stack.
    let shown = edges_with("no-threads", Some(&redis), &[("RUST_MIN_STACK", "140737488355328")]);
    assert!(shown.contains("a thread: false\n") && shown.contains("shared 1 1\n"), "{shown}");
    assert!(shown.contains("forgotten in Redis: Queued") && shown.contains("shared 2\n"), "{shown}");
}

#[test]
fn what_a_world_has_a_stand_in_for_is_missed_by_the_process_when_that_calls() {
    let shown = edges("worlds", None);
    let (in_worlds, outside) = shown.split_once("out of the worlds\n").unwrap();
    assert!(!in_worlds.contains("no server is configured"), "{shown}");
    assert_eq!(outside.matches("no server is configured").count(), 1, "{shown}");
}

#[cfg(unix)]
#[test]
fn a_fork_that_is_made_just_after_its_parent_has_read_its_disk_does_without() {
    let shown = edges("forks-at-once", None);
    for number in 1..=3 {
        assert!(shown.contains(&format!("fork {number}: disk 2\n")), "{shown}");
    }
    assert_eq!(shown.matches("the disk layer is off here").count(), 3, "noticed at once\n{shown}");
    assert!(shown.contains("parent: disk 3 of 1\n"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_fork_that_goes_on_in_its_parents_runtime_leaves_the_parent_its_connection() {
    let redis = RedisServer::start();
    let shown = edges("forks-in-a-runtime", Some(&redis));
    for number in 1..=3 {
        // Each finds in Redis what the parent has kept there.
        let hits = 2 * number - 1;
        assert!(shown.contains(&format!("fork {number}: (0, {number}) Done {hits}\n")), "{shown}");
        assert!(shown.contains(&format!("parent: Done {hits}\n")), "{shown}");
    }
}

#[cfg(unix)]
#[test]
fn a_fork_has_a_clock_and_generations_and_a_connection_of_its_own_and_no_disk() {
    let redis = RedisServer::start();
    let shown = edges("forks", Some(&redis));
    assert!(shown.contains("parent: short 1\n"), "{shown}");
    for number in 1..=2 {
        // What was kept has expired meanwhile; what is kept now is kept, and expires too.
        assert!(shown.contains(&format!("fork {number}: short 3 3\n")), "{shown}");
        assert!(shown.contains(&format!("fork {number}: later 4\n")), "{shown}");
        assert!(shown.contains(&format!("fork {number}: disk 5 6\n")), "{shown}");
        assert!(shown.contains(&format!("fork {number}: redis Some(0)")), "{shown}");
    }
    assert_eq!(shown.matches("the disk layer is off here").count(), 2, "said once in each fork\n{shown}");
    assert!(shown.contains("parent: redis Some(0)") && shown.contains("parent: disk 0 of 2\n"), "{shown}");
    let generations: HashSet<String> = (0..=2)
        .map(|number| redis.ask(&["EVAL", "return (redis.sha1hex(string.sub(redis.call('get', redis.call('keys', '*generation:id=' .. ARGV[1])[1]), 5, 12)))", "0", &number.to_string()]))
        .collect();
    assert_eq!(generations.len(), 3, "the same generation twice");
}
