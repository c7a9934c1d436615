//! Waiting for a future in a thread that does nothing else meanwhile. Knows nothing of what the future does.

use std::{
    panic::resume_unwind,
    pin::pin,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use tokio::task::unconstrained;

use crate::stats::striped::thread_ends;

/// Where a thread sleeps until its future can go on.
///
/// Each wait has its own, so waits may be nested. And it is no `thread::park`: the token of that belongs to the code that
/// runs in the thread, which could be waiting for it inside of the future.
#[derive(Debug, Default)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn park(&self) {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut woken =
            self.changed.wait_while(woken, |woken| !*woken).unwrap_or_else(PoisonError::into_inner);
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

/// What `future` comes to. Blocks the thread until then, whether there is a runtime around it or not.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    // A task of tokio whose budget is used up is woken when it has yielded, which a thread that blocks here never does.
    let mut future = pin!(unconstrained(future));
    let parker = Arc::new(Parker::default());
    let waker = Waker::from(Arc::clone(&parker));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        parker.park();
    }
}

/// What `work` comes to, in a thread that has all its values, while this one waits: for what is asked for by the destructor of
/// one of a thread that ends.
pub(super) fn in_another_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => resume_unwind(panic),
    })
}

/// [`block_on`], in whichever thread can.
pub(super) fn block_on_anywhere<T: Send>(future: impl Future<Output = T> + Send) -> T {
    if thread_ends() { in_another_thread(|| block_on(future)) } else { block_on(future) }
}
