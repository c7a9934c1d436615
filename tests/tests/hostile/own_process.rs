//! A process for one test: this program once more, told to run that test and nothing else, with the stores and settings
//! that the test asks for. A test that needs its own process says so in its first line and goes on in the child.

use std::{
    any::type_name,
    env,
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use hybrid_cache_test_support::RedisServer;

/// Only decides when a test that hangs is a failed test.
const PATIENCE: Duration = Duration::from_mins(1);

const IN_CHILD: &str = "RUNS_IN_A_PROCESS_OF_ITS_OWN";
const REDIS_PORT: &str = "PORT_OF_THE_TESTS_REDIS";

/// Runs `test` in a process without Redis and disk.
pub(crate) fn alone<T: FnOnce()>(test: T) {
    in_child(test, |_| {});
}

/// Runs `test` in a process with a Redis server and a cache directory of its own.
pub(crate) fn with_stores<T: FnOnce()>(test: T) {
    if env::var_os(IN_CHILD).is_some() {
        return test();
    }
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    in_child(test, |child| {
        child.env("HYBRID_CACHE_REDIS_URL", server.url()).env(REDIS_PORT, server.port().to_string());
        child.env("HYBRID_CACHE_DISK_DIR", dir.path());
        // A busy machine must not turn an answer from a layer into a miss.
        child.env("HYBRID_CACHE_REDIS_TIMEOUT", "20s").env("HYBRID_CACHE_DISK_TIMEOUT", "20s");
    });
}

/// The port of the Redis server of [`with_stores`].
pub(crate) fn redis_port() -> u16 {
    env::var(REDIS_PORT).unwrap().parse().unwrap()
}

fn in_child<T: FnOnce()>(test: T, prepare: impl FnOnce(&mut Command)) {
    if env::var_os(IN_CHILD).is_some() {
        return test();
    }
    let name = name_of(&test);
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(IN_CHILD, "1");
    prepare(&mut child);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut outputs = child.stdout.take().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let outputs = thread::spawn(move || read_all(&mut outputs));
    let errors = thread::spawn(move || read_all(&mut errors));
    let ended_well = ends_well(&mut child);
    let (outputs, errors) = (outputs.join().unwrap(), errors.join().unwrap());
    let ran = outputs.contains("1 passed");
    assert!(ended_well && ran, "{name} in a process of its own:\n{outputs}\n{errors}");
}

/// The name of the test whose body is this closure, as the test harness knows it.
fn name_of<T>(_: &T) -> &'static str {
    let name = type_name::<T>().trim_end_matches("::{{closure}}");
    name.split_once("::").unwrap().1
}

fn ends_well(child: &mut Child) -> bool {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        if Instant::now() > give_up {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn read_all(from: &mut impl Read) -> String {
    let mut all = Vec::new();
    from.read_to_end(&mut all).unwrap();
    String::from_utf8_lossy(&all).into_owned()
}
