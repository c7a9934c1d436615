//! A real `redis-server` for one test: its own port, its own directory, gone when dropped.
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "a test that cannot have its server fails, and panicking is how"
)]

use std::{
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use redis::IntoConnectionInfo as _;
use tempfile::TempDir;

const START_LIMIT: Duration = Duration::from_secs(10);
const ATTEMPTS: usize = 20;

/// What the server is started with.
#[derive(Debug, Default, Clone)]
pub struct RedisServerBuilder {
    options: Vec<String>,
    password: Option<String>,
    tls: Option<TlsFiles>,
}

#[derive(Debug, Clone)]
struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl RedisServerBuilder {
    /// Adds words to the command line, for example `["--maxmemory", "2mb"]`.
    #[must_use]
    pub fn options<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.options.extend(words.into_iter().map(str::to_owned));
        self
    }

    /// Asks clients for this password.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Speaks TLS only, with this certificate and key (paths of PEM files).
    #[must_use]
    pub fn tls(mut self, certificate: &Path, key: &Path) -> Self {
        self.tls = Some(TlsFiles { certificate: certificate.to_owned(), key: key.to_owned() });
        self
    }

    /// Starts the server and waits until it answers.
    #[must_use]
    pub fn start(self) -> RedisServer {
        let dir = tempfile::tempdir().expect("a directory for redis-server");
        for _ in 0..ATTEMPTS {
            // Another process can take the port between our look and the server's bind: then try the next.
            let port = free_port();
            let mut process = self.spawn(port, dir.path());
            if self.answers(dir.path(), &mut process) {
                return RedisServer { process, port, dir, started_with: self };
            }
        }
        panic!("redis-server did not start in {ATTEMPTS} attempts; its log:\n{}", log_of(dir.path()));
    }

    fn spawn(&self, port: u16, dir: &Path) -> Child {
        let mut command = Command::new("redis-server");
        // Its own file for the log: a pipe nobody reads would fill up and stop the server.
        command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--loglevel", "notice"]);
        command.arg("--dir").arg(dir).arg("--logfile").arg(dir.join("redis.log"));
        command.arg("--unixsocket").arg(socket_of(dir)).args(["--unixsocketperm", "700"]);
        match &self.tls {
            None => command.args(["--port", &port.to_string()]),
            Some(tls) => {
                command.args(["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
                command.arg("--tls-cert-file").arg(&tls.certificate).arg("--tls-key-file").arg(&tls.key);
                command.arg("--tls-ca-cert-file").arg(&tls.certificate)
            }
        };
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        command.args(&self.options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => panic!(
                "these tests need a Redis server: `redis-server` is not on the PATH. Install it with \
                 `apt-get install redis-server` or `brew install redis`, or run ./test.sh, which does"
            ),
            _ => panic!("redis-server could not be started: {error}"),
        })
    }

    /// Whether this very process answers; false if it ended, which is what a taken port does to it.
    fn answers(&self, dir: &Path, process: &mut Child) -> bool {
        let give_up = Instant::now() + START_LIMIT;
        while Instant::now() < give_up {
            if process.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            if self.admin(dir).and_then(|mut admin| redis::cmd("PING").query::<String>(&mut admin)).is_ok() {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        end(process);
        false
    }

    /// A connection through the socket file in the server's own directory: no other server can answer there.
    fn admin(&self, dir: &Path) -> redis::RedisResult<redis::Connection> {
        let settings =
            self.password.iter().fold(redis::RedisConnectionInfo::default(), |settings, password| {
                settings.set_password(password)
            });
        let address = redis::ConnectionAddr::Unix(socket_of(dir)).into_connection_info()?;
        redis::Client::open(address.set_redis_settings(settings))?.get_connection()
    }
}

/// A running `redis-server`, killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    port: u16,
    dir: TempDir,
    started_with: RedisServerBuilder,
}

impl RedisServer {
    /// A server with nothing special.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server with options, a password or TLS.
    #[must_use]
    pub fn builder() -> RedisServerBuilder {
        RedisServerBuilder::default()
    }

    /// The TCP port, also while the server is stopped.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address without the password: `redis://…`, or `rediss://…` for a server with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.started_with.tls.is_some() { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The path of the server's unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket_of(self.dir.path())
    }

    /// Sends one command from outside and returns the answer.
    #[must_use]
    pub fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut admin = self.started_with.admin(self.dir.path()).expect("the server answers its admin");
        let (name, arguments) = words.split_first().expect("a command");
        redis::cmd(name)
            .arg(arguments)
            .query(&mut admin)
            .unwrap_or_else(|error| panic!("redis-server refused {words:?}: {error}"))
    }

    /// Like [`ask`](Self::ask), for commands whose answer does not matter.
    pub fn tell(&self, words: &[&str]) {
        let _: redis::Value = self.ask(words);
    }

    /// How often the server has run `command` since it started or since `CONFIG RESETSTAT`.
    #[must_use]
    pub fn calls_of(&self, command: &str) -> u64 {
        let stats: String = self.ask(&["INFO", "commandstats"]);
        let prefix = format!("cmdstat_{command}:calls=");
        let line = stats.lines().find_map(|line| line.strip_prefix(&prefix));
        line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
    }

    /// Ends the server as a crash would; everything in it is lost.
    pub fn kill(&mut self) {
        end(&mut self.process);
    }

    /// Starts the server again, empty, on the same port.
    pub fn restart(&mut self) {
        self.kill();
        for _ in 0..ATTEMPTS {
            let mut process = self.started_with.spawn(self.port, self.dir.path());
            if self.started_with.answers(self.dir.path(), &mut process) {
                self.process = process;
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("redis-server did not come back on port {}; its log:\n{}", self.port, log_of(self.dir.path()));
    }

    /// Makes the server hang: connections stay open, nothing is answered. [`resume`](Self::resume) ends it.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets a paused server go on with whatever has arrived meanwhile.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()), "kill {signal} of redis-server failed");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// SIGKILL, which a paused process obeys as well.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn socket_of(dir: &Path) -> PathBuf {
    dir.join("redis.sock")
}

fn log_of(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("redis.log")).unwrap_or_else(|error| error.to_string())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
