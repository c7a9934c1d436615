//! The reading threads: one row at a time, never behind a write.

use std::{sync::Arc, time::Duration};

use super::{
    engine::{Engine, Fault, guarded},
    exchange::{Exchange, Gate, Read, Write, closed, resting},
    row::{Row, row_key},
    sync::read,
};
use crate::{key::Key, layers::Reading};

/// How long a reading thread looks for the next request before it sleeps. Who reads one thing often reads another right after
/// it, and a thread that has to be woken costs both sides more than the read.
const LOOKING: Duration = Duration::from_micros(20);

/// Answers reads until the layer is closed.
pub(super) fn run(exchange: &Exchange) {
    let mut patience = LOOKING;
    while let Some(request) = exchange.reads.pop(patience) {
        patience = if request.alone { LOOKING } else { Duration::ZERO };
        // Even letting go of a damaged store may panic.
        guarded(|| {
            answer(exchange, request);
            Ok(())
        })
        .ok();
    }
}

fn answer(exchange: &Exchange, Read { key, answer, .. }: Read) {
    // Before the gate: once the log is opened again, nothing counts that is read from the store of before.
    let since = exchange.journal.moment();
    let engine = match &*read(&exchange.gate) {
        Gate::Open(engine) => Ok(Arc::clone(engine)),
        Gate::Shut => {
            exchange.writes.push(Write::Nudge).ok();
            Err(resting())
        }
        Gate::Off(why) => Err(exchange.error("be used", why)),
        Gate::Closed => Err(closed()),
    };
    let reading = engine.and_then(|engine| {
        let found = guarded(|| find(exchange, &*engine, &key, since));
        found.map_err(|fault| {
            let error = exchange.error("read a row", &fault);
            exchange.writes.push(Write::Trouble { engine, fault }).ok();
            error
        })
    });
    let readable = reading.is_ok();
    if answer.give(reading) && readable {
        exchange.rest.succeeded();
    }
}

fn find(exchange: &Exchange, engine: &dyn Engine, key: &Key, since: u64) -> Result<Reading, Fault> {
    let (key, scope) = (row_key(key.as_str()), key.scope());
    let covered = exchange.forgetting.covers(&key);
    let bytes = engine.read(&key)?;
    let row = bytes
        .as_deref()
        .map(|bytes| Row::decode(&key, bytes).ok_or_else(|| Fault::damaged("a row is not what was written")));
    let row = row.transpose()?.filter(|row| row.expires > exchange.clock.now());
    // Looked at before and after the row: a removal that was accepted before this read began, by whichever process, was marked
    // then, or is heard of now, or is done.
    let heard = exchange.journal.look()?;
    if heard.pending {
        exchange.writes.push(Write::Nudge).ok();
    }
    let forgotten = covered || exchange.forgetting.covers(&key) || exchange.journal.has_named(&key, since);
    let record = row.filter(|_| !forgotten).map(|row| row.record.to_vec());
    // Also after the row, so that a row is never paired with an epoch from before its `remove_all`.
    let (epoch, fresh) = exchange.epochs.get_or_load(scope, engine)?;
    if fresh {
        exchange.writes.push(Write::KeepEpoch { scope: scope.into() }).ok();
    }
    Ok(Reading { record, epoch, seen: heard.moment })
}
