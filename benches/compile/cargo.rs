//! A workspace of generated packages, and what it takes to compile one of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    time::Instant,
};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What cargo is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Command {
    /// Types and borrows.
    Check,
    /// Machine code as well, for debugging.
    Build,
}

impl Command {
    /// As it stands on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Build => "build",
        }
    }
}

/// Seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// Of all threads and processes; the same as `wall` where the system does not tell.
    pub(crate) cpu: f64,
    /// By the clock.
    pub(crate) wall: f64,
}

/// A workspace beside ours, with the versions of our lock file: nothing is asked of the network.
#[derive(Debug)]
pub(crate) struct Workspace {
    directory: PathBuf,
    features: &'static str,
}

impl Workspace {
    /// An empty one. For a glance, ours does without Redis and disk, which take long to compile.
    pub(crate) fn new(directory: PathBuf, smoke: bool) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let manifest = "[workspace]\nmembers = [\"*-borrowed\", \"*-owned\"]\nresolver = \"3\"\n";
        write_changed(&directory.join("Cargo.toml"), manifest)?;
        fs::copy(Path::new(REPOSITORY).join("Cargo.lock"), directory.join("Cargo.lock"))?;
        Ok(Self { directory, features: if smoke { ", default-features = false" } else { "" } })
    }

    /// Adds a package that is this library. What it does not name it does not depend on.
    pub(crate) fn write(&self, package: &str, source: &str) -> io::Result<()> {
        let (directory, features) = (self.directory.join(package), self.features);
        fs::create_dir_all(directory.join("src"))?;
        let mut manifest = format!("[package]\nname = \"{package}\"\nedition = \"2024\"\n\n[dependencies]\n");
        if source.contains("cached::macros") {
            manifest.push_str("cached = { version = \"4.1\", features = [\"async\"] }\n");
        }
        if source.contains("hybrid_cache::") {
            let dependency = format!("hybrid-cache = {{ path = \"{REPOSITORY}/hybrid-cache\"{features} }}\n");
            manifest.push_str(&dependency);
        }
        write_changed(&directory.join("Cargo.toml"), &manifest)?;
        write_changed(&directory.join("src/lib.rs"), source)
    }

    /// Compiles a package anew.
    ///
    /// # Panics
    ///
    /// If it does not compile.
    pub(crate) fn compile(&self, command: Command, package: &str) -> Spent {
        // Newer than what was made of it.
        let path = self.directory.join(package).join("src/lib.rs");
        fs::write(&path, fs::read(&path).unwrap()).unwrap();
        let mut cargo = process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args([command.name(), "--offline", "--quiet", "--package", package])
            .current_dir(&self.directory)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", self.directory.join("target"))
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER");
        let (cpu, start) = (cpu_of_children(), Instant::now());
        let status = cargo.status().unwrap();
        let wall = start.elapsed().as_secs_f64();
        assert!(status.success(), "{package} does not compile");
        let cpu = cpu.zip(cpu_of_children()).map_or(wall, |(before, after)| after - before);
        Spent { cpu, wall }
    }
}

/// Leaves what is the same as it is, so that it is not compiled again for nothing.
fn write_changed(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) { Ok(()) } else { fs::write(path, text) }
}

/// Seconds of CPU of all processes that were started here, and by those, and that have ended. Only Linux says it in a file.
fn cpu_of_children() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may hold anything: the state is the 3rd field, these are the 16th and 17th.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(13).take(2).map(str::parse::<f64>);
    // A tick is a hundredth of a second to programs, whatever it is to the kernel.
    Some(ticks.sum::<Result<f64, _>>().ok()? / 100.0)
}
