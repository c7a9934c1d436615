//! What stands behind `--` on a bench's command line.

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// A glance at everything with little work: to see that the bench runs, not for its figures.
    pub smoke: bool,
    /// Only tables whose title contains this.
    pub only: Option<String>,
}

impl Options {
    /// As the command line says.
    ///
    /// # Panics
    ///
    /// Ends the process with a message if it says something unknown.
    #[must_use]
    pub fn from_command_line() -> Self {
        let mut options = Self { smoke: false, only: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--smoke" => options.smoke = true,
                "--only" => options.only = words.next(),
                // What cargo adds.
                "--bench" => {}
                _ => {
                    eprintln!("unknown option {word}; known: --smoke, --only PART_OF_A_TITLE");
                    std::process::exit(2);
                }
            }
        }
        options
    }

    /// The first in earnest, the second for a glance.
    #[must_use]
    pub fn pick<T>(&self, full: T, smoke: T) -> T {
        if self.smoke { smoke } else { full }
    }

    /// Whether the table of this title is wanted.
    #[must_use]
    pub fn wants(&self, title: &str) -> bool {
        self.only.as_deref().is_none_or(|only| title.contains(only))
    }
}
