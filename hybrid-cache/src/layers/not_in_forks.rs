//! A layer that is off in forks of the process that opened it: its threads are not there, and its files are the parent's.

use std::{fmt, time::Duration};

use futures_core::future::BoxFuture;

use super::{Layer, Reading, Removal, Terms};
use crate::{
    error::{LayerError, LayerKind},
    key::Key,
};

pub(crate) struct NotInForks<L> {
    layer: L,
    process: u32,
}

impl<L: Layer> NotInForks<L> {
    /// For this process.
    pub(crate) fn new(layer: L) -> Self {
        Self { layer, process: std::process::id() }
    }

    fn is_fork(&self) -> bool {
        // Asked each time: nobody answers what is asked of a thread of the parent's, and nobody ends the wait for it.
        self.process != std::process::id()
    }

    fn unless_fork<'a, T: Send + 'a>(
        &'a self,
        operate: impl FnOnce(&'a L) -> BoxFuture<'a, Result<T, LayerError>>,
    ) -> BoxFuture<'a, Result<T, LayerError>> {
        if self.is_fork() {
            let layer = self.layer.kind();
            return Box::pin(async move { Err(LayerError::Closed { layer }) });
        }
        operate(&self.layer)
    }
}

impl<L: Layer> Layer for NotInForks<L> {
    fn kind(&self) -> LayerKind {
        self.layer.kind()
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        self.unless_fork(|layer| layer.get(key))
    }

    fn epoch<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>> {
        self.unless_fork(|layer| layer.epoch(key))
    }

    fn put_on<'a>(
        &'a self,
        terms: Terms,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        self.unless_fork(|layer| layer.put_on(terms, key, record, life))
    }

    fn remove<'a>(&'a self, key: &'a Key, trace: Duration) -> BoxFuture<'a, Result<Removal, LayerError>> {
        self.unless_fork(|layer| layer.remove(key, trace))
    }

    fn remove_all<'a>(&'a self, scope: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>> {
        self.unless_fork(|layer| layer.remove_all(scope))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        self.unless_fork(Layer::flush)
    }

    fn removals_owed(&self) -> usize {
        if self.is_fork() { 0 } else { self.layer.removals_owed() }
    }

    /// Of a fork there is nothing to close.
    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>> {
        if self.is_fork() { Box::pin(async { Ok(()) }) } else { self.layer.close() }
    }
}

impl<L: Layer> fmt::Debug for NotInForks<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.fmt(f)
    }
}
