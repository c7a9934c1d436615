//! What a caller is given, and where that came from.

use std::time::Duration;

use crate::{answer::Answer, clock::Timestamp, error::LayerKind, outcome::Outcome, record::Dates};

/// What a caller is given.
pub(super) struct Given<R: Outcome> {
    pub(super) result: Result<R::Value, R::Error>,
    pub(super) provenance: Provenance,
}

/// Where an answer came from, and when it was computed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provenance {
    /// `None`: from the body, just now.
    found: Option<(LayerKind, Dates)>,
    waited: bool,
}

impl Provenance {
    /// Of what the body returned just now.
    pub(super) const BODY: Self = Self { found: None, waited: false };

    /// Of a copy in `layer`.
    pub(super) const fn found(layer: LayerKind, dates: Dates) -> Self {
        Self { found: Some((layer, dates)), waited: false }
    }

    /// The same for those who waited for the load of somebody else.
    pub(super) const fn waited(self) -> Self {
        Self { waited: true, ..self }
    }
}

impl<R: Outcome> Given<R> {
    /// What the body returned just now.
    pub(super) fn by_body(output: R::Output) -> Self {
        Self { result: R::split(output), provenance: Provenance::BODY }
    }

    /// What the function returns.
    pub(super) fn into_output(self) -> R::Output {
        R::join(self.result)
    }

    /// What the function returns, with what is known about it at `now`.
    pub(super) fn into_answer(self, now: Timestamp) -> Answer<R::Output> {
        let Provenance { found, waited } = self.provenance;
        let failed = self.result.is_err();
        let value = R::join(self.result);
        match found {
            None => Answer { value, layer: None, age: Duration::ZERO, stale: false, waited, failed },
            Some((layer, dates)) => {
                let age = now.since(dates.computed_at);
                Answer { value, layer: Some(layer), age, stale: now >= dates.fresh_until, waited, failed }
            }
        }
    }
}
