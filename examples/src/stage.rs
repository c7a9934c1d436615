//! Runs the program again, as a child of itself: how a story shows what outlives a process.
//!
//! Knows the environment a chapter is given, and nothing of what happens in it.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

/// The address of a Redis server, for the chapters that are about Redis.
pub const REDIS_URL: &str = "HYBRID_CACHE_REDIS_URL";

const REDIS_PASSWORD: &str = "HYBRID_CACHE_REDIS_PASSWORD";

/// The argument after which the name of a chapter stands.
const CHAPTER: &str = "--chapter";

/// Where a story is told.
#[derive(Debug)]
pub struct Stage {
    program: PathBuf,
    folder: PathBuf,
}

impl Stage {
    /// The stage of this program: a folder beside it.
    ///
    /// # Errors
    ///
    /// If the system does not say where the program is.
    pub fn of_this_program() -> io::Result<Self> {
        let program = env::current_exe()?;
        let folder = program.with_extension("files");
        Ok(Self { program, folder })
    }

    /// Removes what the last run has left, so that each run tells the same story.
    ///
    /// # Errors
    ///
    /// If the folder can be neither removed nor made.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(&self.folder),
        }
    }

    /// Where the calls of all chapters are written down.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.folder.join("ledger.tsv")
    }

    /// The folder of all the story's files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Plays a chapter in a process of its own, whose disk cache is the one named `disk`.
    ///
    /// Of the caller's settings only Redis's address and password count, and only where the chapter is about Redis:
    /// so the story is the same everywhere. The time budgets are long enough for a machine that is busy compiling.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    pub fn play(&self, chapter: &str, disk: &str, redis: Option<&OsStr>) -> io::Result<ExitStatus> {
        let mut program = Command::new(&self.program);
        program.args([CHAPTER, chapter]);
        for (name, _) in env::vars_os().filter(|(name, _)| is_setting(name)) {
            program.env_remove(name);
        }
        program
            .env("HYBRID_CACHE_NAMESPACE", "hc-quickstart")
            .env("HYBRID_CACHE_DISK_DIR", self.folder.join(disk))
            .env("HYBRID_CACHE_DISK_TIMEOUT", "2s")
            .env("HYBRID_CACHE_REDIS_TIMEOUT", "2s");
        if let Some(address) = redis {
            program.env(REDIS_URL, address);
            if let Some(password) = env::var_os(REDIS_PASSWORD) {
                program.env(REDIS_PASSWORD, password);
            }
        } else {
            // Otherwise the cache would rightly warn that a layer it is to use is not configured.
            program.env("HYBRID_CACHE_FN_QUICKSTART_SHORTEST_TOUR_LAYERS", "mem,disk");
        }
        program.status()
    }
}

/// The chapter this process was started for; `None` if it was started by a person.
#[must_use]
pub fn chapter() -> Option<String> {
    let mut arguments = env::args().skip(1);
    (arguments.next()? == CHAPTER).then(|| arguments.next().unwrap_or_default())
}

/// Whether an environment variable is one that the cache listens to.
fn is_setting(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("HYBRID_CACHE_") || name == "REDIS_URL" || name == "REDIS_PASSWORD"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_the_cache_is_kept_from_the_chapters() {
        for name in
            [REDIS_URL, "HYBRID_CACHE_ENABLED", "HYBRID_CACHE_FN_X_TTL", "REDIS_URL", "REDIS_PASSWORD"]
        {
            assert!(is_setting(OsStr::new(name)), "{name}");
        }
        assert!(!is_setting(OsStr::new("PATH")));
    }
}
