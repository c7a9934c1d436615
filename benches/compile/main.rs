//! What annotated functions cost the compiler: 200 of them in one crate, beside `cached` and beside the same functions
//! without an attribute.
//!
//! The crates are written to `target/bench/compile`, where they can be looked at. What they depend on is compiled once;
//! then each is compiled again and again. Nothing is incremental, and what is counted is seconds of CPU, cargo's own included.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

mod cargo;
mod source;

use std::io;

use hybrid_cache_benches::{
    figures::{Figures, interleaved},
    options::Options,
    report::{Report, Table, Unit, directory},
};

use self::{
    cargo::{Command, Spent, Workspace},
    source::{ATTRIBUTES, Attribute, SHAPES},
};

fn main() -> io::Result<()> {
    let options = Options::from_command_line();
    let (functions, rounds) = (options.pick(200, 3), options.pick(5, 1));
    let mut report = Report::new("compile", &options);
    let workspace = Workspace::new(directory().join("compile"), options.smoke)?;
    for shape in &SHAPES {
        for attribute in &ATTRIBUTES {
            workspace.write(&attribute.package(shape), &source::of(shape, attribute, functions))?;
        }
    }
    for shape in &SHAPES {
        for command in options.pick(vec![Command::Check, Command::Build], vec![Command::Check]) {
            let title = format!("cargo {}, {functions} × {}", command.name(), shape.title);
            if options.wants(&title) {
                let packages: Vec<String> =
                    ATTRIBUTES.iter().map(|attribute| attribute.package(shape)).collect();
                report.add(&table(title, functions, measure(&workspace, command, &packages, rounds)));
            }
        }
    }
    report.finish()
}

/// What each package took in each round.
fn measure(
    workspace: &Workspace,
    command: Command,
    packages: &[String],
    rounds: usize,
) -> Vec<(Figures, Figures)> {
    // Once uncounted: it compiles what they depend on.
    for package in packages {
        workspace.compile(command, package);
    }
    let mut walls = vec![Vec::new(); packages.len()];
    let mut candidates: Vec<_> = packages.iter().zip(&mut walls).collect();
    let cpu = interleaved(rounds, &mut candidates, |(package, walls)| {
        let Spent { cpu, wall } = workspace.compile(command, package);
        walls.push(wall);
        cpu
    });
    cpu.into_iter().zip(walls.into_iter().map(Figures::new)).collect()
}

fn table(title: String, functions: usize, spent: Vec<(Figures, Figures)>) -> Table {
    let mut table = Table::new(title, Unit::Seconds, &["cached", source::FLOOR]);
    let floor = spent.first().map_or(f64::NAN, |(cpu, _)| cpu.median());
    for (Attribute { name, .. }, (cpu, wall)) in ATTRIBUTES.iter().zip(spent) {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred functions")]
        let of_attribute = (cpu.median() - floor) / functions as f64 * 1000.0;
        table.row(*name, cpu, [("ms a function above it", of_attribute), ("wall s", wall.median())]);
    }
    table
}
