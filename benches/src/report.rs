//! Figures as tables for people, and as JSON for programs.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::{figures::Figures, options::Options};

/// What the figures of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Of time, for one operation.
    Nanoseconds,
    /// Of time, for one operation.
    Microseconds,
    /// Of time.
    Seconds,
    /// Of operations in a second.
    MillionsPerSecond,
    /// Of operations in a second.
    ThousandsPerSecond,
    /// Of a hundred.
    Percent,
    /// Of memory or of a disk.
    Bytes,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "µs",
            Self::Seconds => "s",
            Self::MillionsPerSecond => "M/s",
            Self::ThousandsPerSecond => "k/s",
            Self::Percent => "%",
            Self::Bytes => "B",
        }
    }
}

/// All tables of one bench.
#[derive(Debug)]
pub struct Report {
    question: &'static str,
    smoke: bool,
    tables: Vec<Value>,
}

/// One table: a row for each candidate, in the order in which they were added.
#[derive(Debug)]
pub struct Table {
    title: String,
    unit: Unit,
    /// Candidates to whose figures those of all are compared, by their names.
    references: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    candidate: String,
    figures: Figures,
    beside: Vec<(&'static str, f64)>,
}

impl Table {
    /// An empty table, whose figures are also shown as ratios to those of `references`.
    #[must_use]
    pub fn new(title: impl Into<String>, unit: Unit, references: &[&'static str]) -> Self {
        Self { title: title.into(), unit, references: references.to_vec(), rows: Vec::new() }
    }

    /// Adds a candidate, with what else was found out about it: the name of a column, and a number or NaN.
    pub fn row(
        &mut self,
        candidate: impl Into<String>,
        figures: Figures,
        beside: impl Into<Vec<(&'static str, f64)>>,
    ) {
        self.rows.push(Row { candidate: candidate.into(), figures, beside: beside.into() });
    }

    /// The figures of a candidate.
    #[must_use]
    pub fn figures(&self, candidate: &str) -> Option<&Figures> {
        self.rows.iter().find(|row| row.candidate == candidate).map(|row| &row.figures)
    }

    fn ratios(&self, row: &Row) -> Vec<f64> {
        let ratio = |reference: &&'static str| {
            self.figures(reference).map_or(f64::NAN, |reference| row.figures.ratio_to(reference))
        };
        self.references.iter().map(ratio).collect()
    }

    /// Names of the columns beside the figures, in the order in which rows first have them.
    fn beside(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (name, _) in self.rows.iter().flat_map(|row| &row.beside) {
            if !names.contains(name) {
                names.push(*name);
            }
        }
        names
    }

    /// The table in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let beside = self.beside();
        let mut head =
            vec![format!("{} ({})", self.title, self.unit.name()), "median".into(), "spread".into()];
        head.extend(self.references.iter().map(|reference| format!("÷ {reference}")));
        head.extend(beside.iter().map(ToString::to_string));
        let mut lines = vec![head];
        for row in &self.rows {
            let (low, high) = (row.figures.quantile(0.25), row.figures.quantile(0.75));
            let mut line = vec![
                row.candidate.clone(),
                number(row.figures.median()),
                format!("{}–{}", number(low), number(high)),
            ];
            line.extend(self.ratios(row).into_iter().map(ratio));
            line.extend(beside.iter().map(|name| {
                let found = row.beside.iter().find(|(other, _)| other == name);
                found.map_or_else(String::new, |(_, value)| number(*value))
            }));
            lines.push(line);
        }
        aligned(&lines)
    }

    fn to_json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let ratios: Map<String, Value> = self
                    .references
                    .iter()
                    .zip(self.ratios(row))
                    .map(|(reference, ratio)| ((*reference).to_owned(), json!(ratio)))
                    .collect();
                let beside: Map<String, Value> =
                    row.beside.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                json!({
                    "candidate": row.candidate,
                    "median": row.figures.median(),
                    "quartiles": [row.figures.quantile(0.25), row.figures.quantile(0.75)],
                    "rounds": row.figures.rounds(),
                    "ratios": ratios,
                    "beside": beside,
                })
            })
            .collect();
        json!({ "title": self.title, "unit": self.unit.name(), "rows": rows })
    }
}

impl Report {
    /// What the bench `question` finds out.
    #[must_use]
    pub fn new(question: &'static str, options: &Options) -> Self {
        Self { question, smoke: options.smoke, tables: Vec::new() }
    }

    /// Prints a table and keeps it for the file.
    pub fn add(&mut self, table: &Table) {
        println!("{}", table.to_markdown());
        self.tables.push(table.to_json());
    }

    /// Writes `target/bench/<question>.json`, and says where that is.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(self) -> io::Result<()> {
        let directory = directory();
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("{}.json", self.question));
        let machine = machine();
        println!("on {machine}");
        let report = json!({
            "question": self.question,
            "smoke": self.smoke,
            "machine": machine,
            "tables": self.tables,
        });
        fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
        println!("written to {}", path.display());
        Ok(())
    }
}

/// Where reports and plots go.
#[must_use]
pub fn directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("bench")
}

/// Processor, number of cores, system.
#[must_use]
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("a processor without a name", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

fn number(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "n/a".into(),
        magnitude if magnitude >= 100.0 => format!("{value:.0}"),
        magnitude if magnitude >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn ratio(value: f64) -> String {
    if value.is_nan() { "n/a".into() } else { format!("{value:.2}") }
}

/// Lines of cells as a Markdown table whose columns stand below each other.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        for (column, width) in widths.iter().enumerate() {
            let cell = line.get(column).map_or("", String::as_str);
            let padding = " ".repeat(width - cell.chars().count());
            let _ = if column == 0 {
                write!(text, "| {cell}{padding} ")
            } else {
                write!(text, "| {padding}{cell} ")
            };
        }
        text.push_str("|\n");
        if at == 0 {
            for (column, width) in widths.iter().enumerate() {
                let rule = "-".repeat(*width);
                let _ = if column == 0 { write!(text, "|-{rule}-") } else { write!(text, "|-{rule}:") };
            }
            text.push_str("|\n");
        }
    }
    text
}
