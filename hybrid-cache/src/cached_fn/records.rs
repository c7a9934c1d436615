//! How the values of one function become records and are trusted again. Knows nothing of when, or of which layer.

use std::{sync::OnceLock, time::Duration};

use crate::{
    key::Key,
    record::{
        self, Current, Dates, Marks, Opened,
        codec::{Codec, Payload},
        refusal::Refusal,
    },
};

/// The codec of one function, once it has proved itself.
#[derive(Debug)]
pub(crate) struct Records<V: 'static> {
    function: String,
    codec: Option<Codec<V>>,
    version: u32,
    /// Whether the first value that was stored came back as it went in.
    survives: OnceLock<bool>,
}

impl<V> Records<V> {
    pub(crate) const fn new(function: String, codec: Option<Codec<V>>, version: u32) -> Self {
        Self { function, codec, version, survives: OnceLock::new() }
    }

    /// Whether values can be kept as bytes, as far as is known yet.
    pub(crate) fn usable(&self) -> bool {
        self.codec.is_some() && self.survives.get() != Some(&false)
    }

    /// `value` as bytes; `None` if it cannot be kept as bytes.
    ///
    /// The first value is also read back. A type that does not come back as it went in would be stored by every load
    /// and refused by every read, so its function keeps its answers in memory only, which is said once.
    pub(crate) fn encode(&self, value: &V) -> Option<Payload> {
        let codec = self.codec?;
        let mut first = None;
        let survives = self.survives.get_or_init(|| match codec.survives_round_trip(value) {
            Ok(payload) => {
                first = Some(payload);
                true
            }
            Err(error) => {
                tracing::error!(
                    function = self.function,
                    error = &error as &dyn std::error::Error,
                    "an answer of this function does not come back from bytes as it went in, so its answers are kept \
                     in memory only; attributes such as serde's `untagged`, `flatten` and `skip_serializing_if`, and \
                     types such as `serde_json::Value`, cause this",
                );
                false
            }
        });
        match (survives, first) {
            (false, _) => None,
            (true, Some(payload)) => Some(payload),
            (true, None) => codec.encode(value).ok(),
        }
    }

    /// A record of `payload`, for one key and layer.
    pub(crate) fn seal(
        &self,
        key: &Key,
        marks: &Marks,
        dates: &Dates,
        load_time: Duration,
        payload: &Payload,
    ) -> Vec<u8> {
        record::seal(key, self.version, marks, dates, load_time, payload)
    }

    /// What `record` holds, if it is exactly what we would write for this key today.
    pub(crate) fn open(&self, record: Vec<u8>, key: &Key, current: &Current) -> Result<Opened<V>, Refusal> {
        // Without a codec no byte layer is asked, so this refuses what nobody reads.
        let codec = self.codec.ok_or(Refusal::OtherShape)?;
        record::open(record, key, self.version, current, codec)
    }
}
