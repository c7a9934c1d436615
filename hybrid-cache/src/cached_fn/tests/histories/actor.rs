//! One task of a history: what it does next is left to chance.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::{
    FutureExt,
    future::{Either, select},
};

use super::{
    super::{
        gate::yield_times,
        store::FakeStore,
        world::{Function, key},
    },
    history::{By, Got, History, How, What},
    plan::{Kind, Plan},
};
use crate::{
    error::LayerKind,
    invalidated::{Forgotten, Invalidated},
};

/// What the function returns: the number of the answer, or of the failure.
pub(super) type Output = Result<u64, u64>;

#[derive(Clone)]
pub(super) struct Actor {
    pub(super) plan: Plan,
    pub(super) history: Arc<History>,
    pub(super) function: Function<Output>,
    pub(super) source_fails: Arc<AtomicBool>,
    pub(super) rng: Rng,
}

impl Actor {
    pub(super) async fn act(mut self) {
        for _ in 0..self.plan.steps {
            yield_times(self.rng.u32(..12).saturating_sub(4)).await;
            let k = self.rng.usize(..self.plan.keys);
            self.step(k).await;
            // Whatever was done, the next moment is the one in which it is most likely to be undone.
            if self.rng.u8(..3) == 0 {
                self.call(k).await;
            }
        }
    }

    async fn step(&mut self, k: usize) {
        let most = match self.plan.kind {
            Kind::Calls => 1,
            Kind::Quiet => 65,
            Kind::Everything => 100,
        };
        let die = if self.rng.u8(..3) == 0 { self.plan.favourite % most } else { self.rng.u32(..most) };
        match die {
            0..26 => self.call(k).await,
            26..35 => self.invalidate(Some(k)).await,
            35..41 => self.invalidate(None).await,
            41..47 => self.put(k).await,
            47..53 => self.refresh(k).await,
            53..60 => self.expire(k).await,
            60..65 => self.peek(k).await,
            65..75 => self.evict(k),
            75..83 => {
                let time = self.some_time();
                self.history.world.advance(time);
            }
            83..86 => self.tidy(),
            86..92 => self.outage().await,
            _ => self.failing_source().await,
        }
    }

    /// A call, as the expansion makes it. Its caller may go away at any moment.
    async fn call(&mut self, k: usize) {
        let (function, inline) = (self.function, self.rng.u8(..3) == 0);
        let reading = self.history.reading(k, if inline { By::InlineCall } else { By::Call });
        let body = self.body(k, Some(reading));
        let call = async move {
            match function.hit(&name(k)) {
                Some(answer) => answer,
                None if inline => function.load_inline(name(k), body).await,
                None => function.load(name(k), body).await,
            }
        };
        let patience = self.patience();
        let Some(outcome) = until(patience, AssertUnwindSafe(call).catch_unwind()).await else { return };
        self.history.reading_ended(reading, got(&outcome));
    }

    async fn refresh(&mut self, k: usize) {
        let change = self.history.change(What::Refresh, Some(k));
        let (function, body) = (self.function, self.body(k, None));
        let inline = self.rng.u8(..3) == 0;
        let refresh = async move {
            if inline {
                function.refresh_inline(name(k), body).await
            } else {
                function.refresh(name(k), body).await
            }
        };
        let patience = self.patience();
        if let Some(Ok(Ok(_))) = until(patience, AssertUnwindSafe(refresh).catch_unwind()).await {
            self.history.change_ended(change, false);
        }
    }

    async fn invalidate(&mut self, k: Option<usize>) {
        let change = self.history.change(What::Invalidate, k);
        let forgetting = match k {
            Some(k) => self.function.invalidate(name(k)),
            None => self.function.invalidate_all(),
        };
        if let Some(invalidated) = until(self.patience(), forgetting).await {
            self.history.change_ended(change, has_failed(&invalidated));
        }
    }

    async fn expire(&mut self, k: usize) {
        // Where nothing comes after an answer's life, it is as good as forgotten.
        let what = if self.plan.grace().is_zero() { What::Invalidate } else { What::Expire };
        let change = self.history.change(what, Some(k));
        if let Some(expired) = until(self.patience(), self.function.expire(name(k))).await {
            self.history.change_ended(change, has_failed(&expired));
        }
    }

    async fn put(&mut self, k: usize) {
        let change = self.history.change(What::Put, Some(k));
        let answer = self.history.birth(k, How::Put);
        if until(self.patience(), self.function.put(name(k), answer)).await.is_some() {
            self.history.birth_ended(answer, How::Put);
            self.history.change_ended(change, false);
        }
    }

    async fn peek(&mut self, k: usize) {
        let reading = self.history.reading(k, By::Peek);
        let found = self.function.peek(name(k)).await;
        self.history.reading_ended(reading, found.map_or(Got::Nothing, Got::Answer));
    }

    /// As may happen to an entry at any time.
    fn evict(&mut self, k: usize) {
        let Some(memory) = &self.function.memory else { return };
        if self.rng.bool() { drop(memory.remove(name(k).lookup())) } else { drop(memory.remove_all()) }
    }

    /// What the process does now and then: loads that take too long are retired.
    fn tidy(&self) {
        let change = self.history.change(What::Tidy, None);
        self.history.world.tidy();
        self.history.change_ended(change, false);
    }

    async fn outage(&mut self) {
        let world = &self.history.world;
        let store: &FakeStore = if self.rng.bool() { &world.redis } else { &world.disk };
        let outage = self.history.change(What::Outage, None);
        store.go_down();
        yield_times(self.rng.u32(..40)).await;
        store.come_back();
        self.history.change_ended(outage, false);
    }

    async fn failing_source(&mut self) {
        self.source_fails.store(true, SeqCst);
        yield_times(self.rng.u32(..40)).await;
        self.source_fails.store(false, SeqCst);
    }

    fn some_time(&mut self) -> Duration {
        Duration::from_secs([1, 5, 11, 20, 31, 60, 101][self.rng.usize(..7)])
    }

    /// After how many chances for others a caller goes away; `None`: it stays.
    fn patience(&mut self) -> Option<u32> {
        (self.rng.u8(..5) == 0).then(|| self.rng.u32(..15))
    }

    /// The function's body: its answer is as old as its beginning, when it looks into the database.
    fn body(&mut self, k: usize, reading: Option<u64>) -> impl Future<Output = Output> + Send + use<> {
        let (history, fails) = (Arc::clone(&self.history), Arc::clone(&self.source_fails));
        // Some so long that whole changes happen meanwhile.
        let longest = if self.rng.u8(..4) == 0 { 80 } else { 16 };
        let (takes, luck) = (self.rng.u32(..longest).saturating_sub(4), self.rng.u8(..40));
        let calls_alone = self.plan.kind == Kind::Calls;
        async move {
            let run = history.birth(k, How::Unfinished);
            if let Some(reading) = reading {
                history.own_run(reading, run);
            }
            yield_times(takes).await;
            match luck {
                0 if !calls_alone => {
                    history.birth_ended(run, How::Panic);
                    // Not `panic!`, which would say so in the test's output.
                    resume_unwind(Box::new("a body panicked"))
                }
                1..8 if !calls_alone => {
                    history.birth_ended(run, How::Error);
                    Err(run)
                }
                _ if fails.load(SeqCst) => {
                    history.birth_ended(run, How::Error);
                    Err(run)
                }
                _ => {
                    history.birth_ended(run, How::Answer);
                    Ok(run)
                }
            }
        }
    }
}

pub(super) fn name(k: usize) -> crate::key::text::KeyText {
    key(&k.to_string())
}

fn got(outcome: &std::thread::Result<Output>) -> Got {
    match outcome {
        Ok(Ok(answer)) => Got::Answer(*answer),
        Ok(Err(error)) => Got::Error(*error),
        Err(_) => Got::Panic,
    }
}

fn has_failed(invalidated: &Invalidated) -> bool {
    [LayerKind::Memory, LayerKind::Redis, LayerKind::Disk]
        .into_iter()
        .any(|layer| matches!(invalidated.in_layer(layer), Forgotten::Failed(_)))
}

/// `future`, which is dropped when `patience` has come to its end.
async fn until<F: Future>(patience: Option<u32>, future: F) -> Option<F::Output> {
    let Some(patience) = patience else { return Some(future.await) };
    match select(pin!(future), pin!(yield_times(patience))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
