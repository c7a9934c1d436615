//! How the values of one function become records and are trusted again. Knows nothing of when, or of which layer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    key::Key,
    record::{
        self, Current, Dates, Marks, Opened,
        codec::{Codec, NoRoundTrip, Payload},
        refusal::Refusal,
    },
    stats::Counters,
};

/// The codec of one function, and what is known of how it does.
#[derive(Debug)]
pub(crate) struct Records<V: 'static> {
    function: String,
    codec: Option<Codec<V>>,
    answer_type: u64,
    counters: Arc<Counters>,
    /// Whether a value came back from bytes as it went in.
    proven: AtomicBool,
    /// Whether values are not kept as bytes any more, since they do not come back as they went in.
    lost: AtomicBool,
    said: AtomicBool,
    said_panicked: AtomicBool,
}

impl<V> Records<V> {
    pub(crate) fn new(
        function: String,
        codec: Option<Codec<V>>,
        version: u32,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            function,
            codec,
            answer_type: record::answer_type::<V>(version),
            counters,
            proven: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            said: AtomicBool::new(false),
            said_panicked: AtomicBool::new(false),
        }
    }

    /// Whether values can be kept as bytes, as far as is known yet.
    pub(crate) fn usable(&self) -> bool {
        self.codec.is_some() && !self.lost.load(Relaxed)
    }

    /// `value` as bytes; `None` if it cannot be kept as bytes.
    ///
    /// Every value is also read back. A type that does not come back as it went in would be stored by every load and
    /// refused by every read, or be returned as something else; so its function keeps its answers in memory only.
    pub(crate) fn encode(&self, value: &V) -> Option<Payload> {
        let codec = self.codec.filter(|_| self.usable())?;
        match codec.encode(value) {
            Ok(payload) => {
                self.proven.store(true, Relaxed);
                Some(payload)
            }
            Err(error) => {
                self.not_kept(&error);
                None
            }
        }
    }

    /// What follows from a value that does not come back as it went in.
    fn not_kept(&self, error: &NoRoundTrip) {
        self.counters.not_kept();
        let cause = error as &dyn std::error::Error;
        // What cannot be written or read may be one variant of many. What comes back as another value has lost something
        // without a word, and would again.
        let is_of_the_type = match error {
            NoRoundTrip::OtherValue => true,
            _ => !error.is_of_the_value() && !self.proven.load(Relaxed),
        };
        if is_of_the_type {
            if !self.lost.swap(true, Relaxed) {
                self.counters.lost_byte_layers();
                tracing::error!(
                    function = self.function,
                    error = cause,
                    "an answer of this function does not come back from bytes as it went in, so its answers are kept \
                     in memory only; attributes such as serde's `skip`, `untagged`, `flatten` and \
                     `skip_serializing_if`, a lossy `with`, and types such as `serde_json::Value` and `Decimal`, cause \
                     this",
                );
            }
        } else if !self.said.swap(true, Relaxed) {
            tracing::warn!(
                function = self.function,
                error = cause,
                "an answer of this function cannot be kept as bytes and stays in memory; this is said once for each \
                 function",
            );
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
        record::seal(key, self.answer_type, marks, dates, load_time, payload)
    }

    /// What `record` holds, if it is exactly what we would write for this key today.
    pub(crate) fn open(&self, record: Vec<u8>, key: &Key, current: &Current) -> Result<Opened<V>, Refusal> {
        // Without a codec no byte layer is asked, so this refuses what nobody reads.
        let codec = self.codec.ok_or(Refusal::OtherType)?;
        let opened = record::open(record, key, self.answer_type, current, codec);
        match &opened {
            Ok(_) => self.proven.store(true, Relaxed),
            Err(Refusal::Panicked) if !self.said_panicked.swap(true, Relaxed) => tracing::warn!(
                function = self.function,
                "the Deserialize or Serialize of this function's answers panicked over a record, which is not used; \
                 let it return an error instead; this is said once for each function",
            ),
            Err(_) => {}
        }
        opened
    }
}
