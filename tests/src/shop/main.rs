//! A small shop with cached functions that does what it is told on standard input: one command a line, one line of
//! answer. The tests in `tests/processes` start it, restart it, kill it, and let several of it share a Redis server.
//!
//! Everything about caching comes from its environment, as in any program. What it logs goes to standard error.

mod builds;
mod catalog;
mod commands;
mod source;
mod traffic;

use std::{
    io::{self, BufRead as _, Write as _},
    process::ExitCode,
};

use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    let level = std::env::var("SHOP_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no tokio runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut commands = commands::Commands::default();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let answer = runtime.block_on(commands.obey(&line));
        // One line for each command, whatever the answer holds.
        let answer = answer.replace('\n', " | ");
        let written = writeln!(io::stdout(), "{answer}").and_then(|()| io::stdout().flush());
        if written.is_err() || line == "quit" {
            break;
        }
    }
    ExitCode::SUCCESS
}
