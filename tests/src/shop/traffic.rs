//! Many calls from many tasks, each timed.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

use crate::catalog::quote;

/// Calls that are under way.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    tasks: JoinSet<Report>,
    made: Arc<AtomicU64>,
}

/// What came of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    calls: u64,
    /// Errors, panics and answers to other questions.
    wrong: u64,
    slowest: Duration,
}

impl Traffic {
    /// Starts `calls` calls, spread over `tasks` tasks and over the ids below `ids`.
    pub(crate) fn start(&mut self, calls: u64, tasks: u64, ids: u64) {
        for task in 0..tasks {
            let made = Arc::clone(&self.made);
            self.tasks.spawn(async move {
                let mut report = Report::default();
                for call in (task..calls).step_by(usize::try_from(tasks).unwrap_or(1)) {
                    let id = 1_000 + call % ids;
                    let started = Instant::now();
                    let answer = quote(id).await;
                    report.calls += 1;
                    report.wrong += u64::from(!answer.is_ok_and(|quote| quote.is_of(id)));
                    report.slowest = report.slowest.max(started.elapsed());
                    made.fetch_add(1, Relaxed);
                }
                report
            });
        }
    }

    /// Calls that have been answered.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Relaxed)
    }

    /// Waits for all calls.
    pub(crate) async fn end(&mut self) -> Report {
        let mut total = Report::default();
        while let Some(task) = self.tasks.join_next().await {
            let report = task.unwrap_or_else(|_| Report { wrong: 1, ..Report::default() });
            total.calls += report.calls;
            total.wrong += report.wrong;
            total.slowest = total.slowest.max(report.slowest);
        }
        total
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, wrong, slowest } = self;
        write!(f, "calls={calls} wrong={wrong} slowest_ms={}", slowest.as_millis())
    }
}
