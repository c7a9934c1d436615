//! A thread that brings answers into slower layers for callers that have no task to do it in.
//!
//! A caller that blocks its thread does not do it itself: a layer has a record once it is written, which is a transaction of
//! the disk store, some milliseconds or, where the disk is busy, up to the layer's budget. The call that wants to go on has
//! no use for that. And it is no task of a tokio runtime: there may be none, or one whose only thread is waiting for this
//! very copy in an invalidation.
//!
//! What is handed over is counted among [`Runtime::copies`](crate::runtime::Runtime), which bounds it and which `flush` and
//! `shutdown` wait for.

use std::{panic::AssertUnwindSafe, pin::pin, sync::OnceLock, thread};

use futures_core::future::BoxFuture;
use futures_util::{
    FutureExt, StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::Instrument;

use super::park::block_on;
use crate::testing::current;

type Work = BoxFuture<'static, ()>;

/// Has `work` done, in the world and the span of its caller; here and now if there is no thread to be had for it.
pub(super) fn hand_over<T: Send + 'static>(work: BoxFuture<'static, T>) {
    let work = current::inherit(current::world(), async move {
        // Dropped in there: what is left holds values, and dropping one runs the code of its type.
        drop(work.await);
    });
    // A panic, for example of a `Serialize`, costs its own copy and not those of others.
    let work: Work = Box::pin(AssertUnwindSafe(work.in_current_span()).catch_unwind().map(drop));
    let left = match queue() {
        Some(queue) => queue.send(work).err().map(|refused| refused.0),
        None => Some(work),
    };
    if let Some(work) = left {
        block_on(work);
    }
}

fn queue() -> Option<&'static UnboundedSender<Work>> {
    static QUEUE: OnceLock<Option<UnboundedSender<Work>>> = OnceLock::new();
    let start = || {
        let (queue, handed_over) = unbounded_channel();
        let copy = move || block_on(work_off(handed_over));
        thread::Builder::new().name("hybrid-cache-copy".into()).spawn(copy).ok()?;
        Some(queue)
    };
    QUEUE.get_or_init(start).as_ref()
}

/// All at the same time: a layer takes many records at once for little more than the time of one.
async fn work_off(mut handed_over: UnboundedReceiver<Work>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        let next = if under_way.is_empty() {
            let Some(work) = handed_over.recv().await else { return };
            Some(work)
        } else {
            match select(pin!(handed_over.recv()), under_way.next()).await {
                Either::Left((work, _)) => work,
                Either::Right(_) => None,
            }
        };
        under_way.extend(next);
    }
}
