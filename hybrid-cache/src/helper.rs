//! Small tokio runtimes of our own, each on a thread of its own, for what must not depend on the program's.

use std::{
    future::pending,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use tokio::runtime::{Builder, Handle};

/// Such a runtime, started when it is needed first.
pub(crate) struct Helper {
    name: &'static str,
    /// With the process that it runs in: a fork has a copy of this, and no such thread.
    running: Mutex<Option<(u32, Handle)>>,
}

impl Helper {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, running: Mutex::new(None) }
    }

    /// The runtime, whose thread has done `first` before anything else; `None` if the system has no thread left.
    pub(crate) fn handle(&self, first: fn()) -> Option<Handle> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some((of_process, handle)) = &*running
            && *of_process == process
        {
            return Some(handle.clone());
        }
        let (sender, handles) = mpsc::channel();
        // Made over there: where no thread can be had, it would be dropped here, and tokio panics where a runtime is dropped
        // in another one.
        let run = move || {
            let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
            first();
            if sender.send(runtime.handle().clone()).is_ok() {
                runtime.block_on(pending::<()>());
            }
        };
        thread::Builder::new().name(self.name.to_owned()).spawn(run).ok()?;
        let handle = handles.recv().ok()?;
        *running = Some((process, handle.clone()));
        Some(handle)
    }
}
