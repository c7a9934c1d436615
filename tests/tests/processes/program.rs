//! The program `shop` as a process: started with settings, told what to do line by line, ended gently or not.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use hybrid_cache_test_support::RedisServer;
use tempfile::TempDir;

/// For one command. Long, because it only decides when a test that hangs is a failed test.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the program is started with. Starting it again from the same settings is a restart.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    variables: BTreeMap<String, String>,
    home: Arc<TempDir>,
}

impl Settings {
    /// An empty environment, and a home directory of its own.
    pub(crate) fn new() -> Self {
        let home = Arc::new(tempfile::tempdir().expect("a directory"));
        // How long a read may take is measured where that is the question. Elsewhere a busy machine must not turn an
        // answer from a layer into a miss.
        Self { variables: BTreeMap::new(), home }
            .set("HYBRID_CACHE_REDIS_TIMEOUT", "20s")
            .set("HYBRID_CACHE_DISK_TIMEOUT", "20s")
    }

    /// With the layers' own time budgets.
    pub(crate) fn with_default_budgets() -> Self {
        Self::new().unset("HYBRID_CACHE_REDIS_TIMEOUT").unset("HYBRID_CACHE_DISK_TIMEOUT")
    }

    /// With this variable in its environment.
    pub(crate) fn set(mut self, variable: &str, value: impl Display) -> Self {
        self.variables.insert(variable.to_owned(), value.to_string());
        self
    }

    /// Without this variable.
    pub(crate) fn unset(mut self, variable: &str) -> Self {
        self.variables.remove(variable);
        self
    }

    /// Using this server.
    pub(crate) fn redis(self, server: &RedisServer) -> Self {
        self.set("HYBRID_CACHE_REDIS_URL", server.url())
    }

    /// Using this directory.
    pub(crate) fn disk(self, dir: &Path) -> Self {
        self.set("HYBRID_CACHE_DISK_DIR", dir.display())
    }

    /// With these layers for the function `shop.quote`, whatever its attribute says.
    pub(crate) fn quote_in(self, layers: &str) -> Self {
        self.set("HYBRID_CACHE_FN_SHOP_QUOTE_LAYERS", layers)
    }

    /// Starts the program.
    pub(crate) fn start(&self) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command.env_clear().env("HOME", self.home.path()).envs(&self.variables);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the program starts");
        let (commands, output, errors) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let mut errors = errors.expect("piped");
        let log = Arc::new(Mutex::new(Vec::new()));
        let log_end = Arc::clone(&log);
        // Read all the time: a pipe that is full would stop the program.
        let logging = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut piece) {
                log_end.lock().expect("not poisoned").extend_from_slice(&piece[..length]);
            }
        });
        let (answer, answers) = mpsc::channel();
        let output = BufReader::new(output.expect("piped"));
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| answer.send(line)));
        let commands = commands.expect("piped");
        Program { process, commands, answers, log, logging: Some(logging) }
    }
}

/// A running program, killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    process: Child,
    commands: ChildStdin,
    answers: mpsc::Receiver<String>,
    log: Arc<Mutex<Vec<u8>>>,
    logging: Option<JoinHandle<()>>,
}

impl Program {
    /// Gives a command and waits for the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.answer()
    }

    /// Gives a command and does not wait.
    #[track_caller]
    fn tell(&mut self, command: &str) {
        let written = writeln!(self.commands, "{command}");
        assert!(written.is_ok(), "the program is gone before `{command}`; its log:\n{}", self.log());
    }

    #[track_caller]
    fn answer(&self) -> String {
        let answer = self.answers.recv_timeout(PATIENCE);
        let answer = answer.unwrap_or_else(|why| panic!("no answer ({why}); its log:\n{}", self.log()));
        assert!(!answer.starts_with("unknown"), "{answer}");
        answer
    }

    /// Calls a function of one number.
    #[track_caller]
    pub(crate) fn call(&mut self, function: &str, id: u64) -> String {
        self.ask(&format!("call {function} {id}"))
    }

    /// What the function has counted so far.
    #[track_caller]
    pub(crate) fn stats(&mut self, function: &str) -> Numbers {
        Numbers::new(self.ask(&format!("stats {function}")))
    }

    /// Asks for a number.
    #[track_caller]
    pub(crate) fn number(&mut self, command: &str) -> u64 {
        self.ask(command).parse().expect("a number")
    }

    /// What the program has logged so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().expect("not poisoned")).into_owned()
    }

    /// Ends the program as a well-behaved one ends, without a panic anywhere; returns all that it logged.
    #[track_caller]
    pub(crate) fn quit(self) -> String {
        let log = self.quit_whatever_panicked();
        assert!(!log.contains("panicked"), "a thread panicked; its log:\n{log}");
        log
    }

    /// Like [`quit`](Self::quit), where an engine may panic over its damaged files and the program lives on.
    #[track_caller]
    pub(crate) fn quit_whatever_panicked(mut self) -> String {
        let shutdown = self.ask("quit");
        assert_eq!(shutdown, "dropped=0 open=[]", "its log:\n{}", self.log());
        let status = self.process.wait().expect("our child");
        let log = self.whole_log();
        assert!(status.success(), "{status}; its log:\n{log}");
        log
    }

    /// `kill -9`.
    pub(crate) fn crash(mut self) -> (ExitStatus, String) {
        self.process.kill().expect("our child");
        let status = self.process.wait().expect("our child");
        (status, self.whole_log())
    }

    /// After the process has ended.
    fn whole_log(&mut self) -> String {
        self.logging.take().expect("once").join().expect("only reads");
        self.log()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An answer such as `loads=1 errors=0`.
#[derive(Debug)]
pub(crate) struct Numbers(String);

impl Numbers {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The number with this name.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> u64 {
        let pairs = self.0.split(' ').filter_map(|pair| pair.split_once('='));
        let found = pairs.into_iter().find(|(found, _)| *found == name);
        let (_, value) = found.unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.parse().expect("a number")
    }

    /// Several at once, for one comparison.
    #[track_caller]
    pub(crate) fn of<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        names.map(|name| self.get(name))
    }
}
