//! Reads that go out together.
//!
//! A read that finds no other one under way goes out at once, in the task of its caller. Others gather: the first of them
//! opens a batch and starts a task that sends it as soon as the runtime has nothing else to do, so that all callers who are
//! about to read come along. Nobody waits for another one's reply, or for a clock. The more callers, the larger the batches,
//! and the less each read costs: they share the way through the connection's channel, and the look at the epoch of their
//! function.
//!
//! **A caller that stands still holds up nobody.** A batch is sent by a task of its own and not by one of those who read: a
//! future may be kept without being polled. The read of one that goes alone may stay under way for ever; then the others
//! gather, and that is all.
//!
//! **A read goes out after it was asked for**, be it alone or in a batch, and so after everything that its caller has waited
//! for: an invalidation, or the delivery of removals that were owed.
//!
//! One place per connection, and so per runtime: callers and task run in the same one.

use std::{
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redis::{Pipeline, Value};
use tokio::{sync::oneshot, task::yield_now};

use super::{
    client::{Client, Request},
    epoch::{self, Stored},
    fault::{Cause, Censor, Fault},
    link::Link,
};
use crate::clock;

/// So many reads go out together at most: a reply is handed out when the whole of it is there.
const READS_PER_TRIP: usize = 64;

/// What the server said to a read.
#[derive(Debug)]
pub(super) struct Replies {
    pub(super) record: Value,
    pub(super) epoch: Stored,
}

/// The reads over one connection.
#[derive(Debug, Default)]
pub(super) struct Reads {
    lane: Mutex<Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    /// Round trips that have not come back.
    under_way: usize,
    /// What gathers for the next one. Where there is something, a task has been started that sends it.
    gathering: Batch,
}

/// Reads for one round trip.
#[derive(Debug, Default)]
struct Batch {
    commands: Pipeline,
    /// The keys of the epochs that are read along, and the places of their commands.
    epochs: Vec<(Box<str>, usize)>,
    readers: Vec<Reader>,
}

/// Who waits for a part of the reply.
#[derive(Debug)]
struct Reader {
    /// The place of the command that reads the record.
    record: usize,
    /// The place of the command that reads the epoch.
    epoch: usize,
    replies: oneshot::Sender<Result<Replies, Fault>>,
}

/// How a read goes out.
enum Way {
    Alone(UnderWay),
    Gathered(oneshot::Receiver<Result<Replies, Fault>>),
}

/// A round trip on its way, until dropped.
struct UnderWay(Arc<Link>);

impl Client {
    /// Reads a record and the epoch of its function, which stand under these two keys.
    ///
    /// Two keys, two commands: in a cluster they may live on different servers, which `MGET` does not allow. Not a
    /// transaction: an epoch that changes in between is a mismatch, whichever of the two is read first.
    pub(super) async fn read(self: &Arc<Self>, key: &str, epoch_key: &str) -> Result<Replies, Fault> {
        match Reads::way(self, self.link()?, key, epoch_key) {
            Way::Alone(_under_way) => {
                let mut commands = Pipeline::with_capacity(2);
                super::push_read(&mut commands, key);
                epoch::push_read(&mut commands, epoch_key);
                let request = Request::new(commands);
                // Boxed, as those that gather need no room for it.
                let mut replies = Box::pin(self.request(&request)).await?.into_iter();
                let (Some(record), Some(epoch)) = (replies.next(), replies.next()) else {
                    return Err(too_few());
                };
                Ok(Replies { record, epoch: Stored::of(&epoch, &self.address().censor) })
            }
            Way::Gathered(replies) => replies.await.unwrap_or_else(|_| Err(not_sent())),
        }
    }
}

impl Reads {
    fn way(client: &Arc<Client>, link: Arc<Link>, key: &str, epoch_key: &str) -> Way {
        let mut lane = link.reads.lane();
        if lane.under_way == 0 && lane.gathering.readers.is_empty() {
            lane.under_way = 1;
            drop(lane);
            return Way::Alone(UnderWay(link));
        }
        let (reader, replies) = oneshot::channel();
        lane.gathering.add(key, epoch_key, reader);
        let is_first = lane.gathering.readers.len() == 1;
        let is_full = lane.gathering.readers.len() >= READS_PER_TRIP;
        let full = if is_full { lane.depart() } else { None };
        drop(lane);
        if let Some(batch) = full {
            tokio::spawn(batch.send(Arc::clone(client), UnderWay(link)));
        } else if is_first {
            tokio::spawn(Self::send_gathered(Arc::clone(client), link));
        }
        Way::Gathered(replies)
    }

    /// Sends what has gathered by the time that everybody else who could run has run.
    async fn send_gathered(client: Arc<Client>, link: Arc<Link>) {
        yield_now().await;
        // Nothing, if it was full and has been sent; what gathers since then may as well go now.
        let batch = link.reads.lane().depart();
        if let Some(batch) = batch {
            batch.send(client, UnderWay(link)).await;
        }
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.lane().under_way
    }

    /// A panic while the lock was held left nothing half done that anybody could see.
    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// Takes what has gathered, as a round trip that is under way.
    fn depart(&mut self) -> Option<Batch> {
        if self.gathering.readers.is_empty() {
            return None;
        }
        self.under_way += 1;
        Some(mem::take(&mut self.gathering))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.reads.lane().under_way -= 1;
    }
}

impl Batch {
    fn add(&mut self, key: &str, epoch_key: &str, replies: oneshot::Sender<Result<Replies, Fault>>) {
        let record = self.commands.len();
        super::push_read(&mut self.commands, key);
        let known = self.epochs.iter().find(|(known, _)| **known == *epoch_key).map(|(_, place)| *place);
        let epoch = known.unwrap_or_else(|| {
            let place = self.commands.len();
            epoch::push_read(&mut self.commands, epoch_key);
            self.epochs.push((epoch_key.into(), place));
            place
        });
        self.readers.push(Reader { record, epoch, replies });
    }

    async fn send(self, client: Arc<Client>, _under_way: UnderWay) {
        let request = Request::new(self.commands);
        // Each reader has a budget of its own, which began before this; by then, all of them have given up.
        let replies = pin!(client.request(&request));
        let Some(outcome) = clock::within(client.budget().saturating_mul(2), replies).await else { return };
        let mut replies = outcome.map(|replies| replies.into_iter().map(Some).collect::<Vec<_>>());
        for reader in self.readers {
            let of_reader = match &mut replies {
                Ok(replies) => reader.take_from(replies, &client.address().censor).ok_or_else(too_few),
                Err(fault) => Err(fault.clone()),
            };
            // It may have gone away.
            let _ = reader.replies.send(of_reader);
        }
    }
}

impl Reader {
    /// Its own record, and the epoch, which others may want as well.
    fn take_from(&self, replies: &mut [Option<Value>], censor: &Censor) -> Option<Replies> {
        let epoch = Stored::of(replies.get(self.epoch)?.as_ref()?, censor);
        let record = replies.get_mut(self.record)?.take()?;
        Some(Replies { record, epoch })
    }
}

/// The client library promises one reply a command.
fn too_few() -> Fault {
    Fault::Lost(Cause::new("fewer replies than commands"))
}

/// Who would have sent it was dropped: its runtime is being shut down.
fn not_sent() -> Fault {
    Fault::Lost(Cause::new("the tokio runtime was shut down while Redis was read"))
}
