//! What the slower layers have in common: they keep bytes under a key and know nothing of values or policy.
//!
//! To add a layer: implement [`Layer`] in `layers/<name>.rs`, give it a [`LayerKind`] and a place in
//! `runtime.rs`. The order in which layers are asked is not decided here but in `cached_fn.rs`.

#[cfg(any(feature = "disk", feature = "disk-sled"))]
pub(crate) mod disk;
pub(crate) mod memory;
#[cfg(any(feature = "disk", feature = "disk-sled"))]
pub(crate) mod not_in_forks;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::{fmt, time::Duration};

use futures_core::future::BoxFuture;

use crate::{
    error::{LayerError, LayerKind},
    key::Key,
};

/// A store of records: opaque bytes with a life.
///
/// Every operation ends within the layer's own time budget, and a failure is an ordinary [`LayerError`],
/// never a panic. Cancelling a returned future is safe.
///
/// Nothing has a default that a layer around another one could forget to pass on.
pub(crate) trait Layer: fmt::Debug + Send + Sync + 'static {
    /// Which layer this is.
    fn kind(&self) -> LayerKind;

    /// What is stored under `key`, and the current epoch of the key's function.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>>;

    /// The same without the record, for whoever is about to replace what is stored, whatever that is.
    fn epoch<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Reading, LayerError>>;

    /// Stores `record` for at most `life`, on `terms`. Resolves when the layer has it, not when it was queued.
    ///
    /// Where nothing outlives a crash, or no other process forgets unseen, the terms make no difference.
    fn put_on<'a>(
        &'a self,
        terms: Terms,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>>;

    /// The same, on no terms.
    #[cfg(all(test, any(feature = "redis", feature = "disk", feature = "disk-sled")))]
    fn put<'a>(
        &'a self,
        key: &'a Key,
        record: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), LayerError>> {
        self.put_on(Terms::default(), key, record, life)
    }

    /// Forgets `key`. Once this resolved with [`Removal::Done`], no crash brings the record back.
    ///
    /// Ordered after every `put` of the same key that resolved before this was called.
    ///
    /// A shared layer leaves a trace for as long as `trace` says, by which others recognise their own copies as
    /// forgotten: a void record of a new generation. Zero: nobody has copies that outlive the record.
    fn remove<'a>(&'a self, key: &'a Key, trace: Duration) -> BoxFuture<'a, Result<Removal, LayerError>>;

    /// Changes the epoch of the function `scope` (see [`Key::scope`]), in constant time: records that carry
    /// an older epoch are not valid any more.
    fn remove_all<'a>(&'a self, scope: &'a str) -> BoxFuture<'a, Result<Removal, LayerError>>;

    /// Waits until everything accepted so far is as safe as the layer makes it.
    fn flush(&self) -> BoxFuture<'_, Result<(), LayerError>>;

    /// How many removals are only remembered by this process, because nothing could be told of them: they are lost with it.
    fn removals_owed(&self) -> usize;

    /// Flushes and lets go of connections, threads and files. Later operations are [`LayerError::Closed`].
    fn close(&self) -> BoxFuture<'_, Result<(), LayerError>>;
}

/// The answer to [`Layer::get`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The record's bytes, unchecked.
    pub(crate) record: Option<Vec<u8>>,
    /// A random number that the layer changes whenever all answers of the function are forgotten. A record
    /// carries the epoch that was current before its value was computed, and is good while it still is.
    pub(crate) epoch: u64,
    /// When this was read, for [`Terms::unless_forgotten_since`].
    pub(crate) seen: u64,
}

/// What a record takes the place of, and on what condition. By default nothing, and on none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Terms {
    /// Whether somebody was promised that the answers before it do not come back: once it is stored, no crash brings one
    /// back.
    pub(crate) replaces: bool,
    /// Stored only if no other process has forgotten the key since then, see [`Reading::seen`]; `None`: in any case.
    pub(crate) unless_forgotten_since: Option<u64>,
}

/// How far a removal got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// The layer has forgotten.
    Done,
    /// The layer cannot be reached; it will be told before anything of this key is read from it again.
    #[cfg_attr(
        not(any(test, feature = "redis")),
        expect(dead_code, reason = "only Redis is out of reach and told later")
    )]
    Queued,
}
