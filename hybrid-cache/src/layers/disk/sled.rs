//! The engine on `sled` 0.34: one tree, with long values cut into chunks.
//!
//! ```text
//! 'v' key                0 · value                     up to CHUNK bytes
//!                        1 · group 8 · length 8        more: the value is in chunks
//! 'c' group 8 · index 4  a chunk
//! ```
//!
//! sled keeps values of 128 KiB and more in files that it never removes; measured, 20 MB overwritten fifty times
//! took 1.8 GB. In chunks they stay below that. A value's chunks are written before it names them and removed
//! after it no longer does, and a group is never used twice: a reader sees one whole value or none.
//!
//! There are no batches here: sled's hold up all reads while they are applied. Its log is recovered up to the
//! first gap, so that after a crash no change is there without those before it, and that is all that is asked.

use std::{path::Path, sync::mpsc, thread, time::Duration};

use sled::{Config, Db, Error, IVec, Mode};

use super::engine::{Change, Durability, Engine, Fault, Scanned};

const CHUNK: usize = 32 * 1024;
const WHOLE: u8 = 0;
const CHUNKED: u8 = 1;
/// So often another value may take the place of the one that is being read.
const ATTEMPTS: usize = 8;
/// More than this is slower and takes a multiple of it in memory.
const LARGEST_CACHE: u64 = 32 << 20;
/// How long a store may take to close.
const CLOSING: Duration = Duration::from_secs(4);

pub(super) struct Sled {
    /// Only `None` while it is dropped.
    tree: Option<Db>,
}

impl Drop for Sled {
    /// sled closes when its last handle is dropped, and where its files were taken away under it, it then waits for
    /// ever. So that happens on a thread of its own, which is waited for as long as an ordinary close takes.
    fn drop(&mut self) {
        let tree = self.tree.take();
        let (closed, closing) = mpsc::channel();
        let close = move || {
            drop(tree);
            closed.send(()).ok();
        };
        if thread::Builder::new().name("hybrid-cache-disk-close".into()).spawn(close).is_ok() {
            closing.recv_timeout(CLOSING).ok();
        }
    }
}

/// Where a value is.
enum Head<'a> {
    Here(&'a [u8]),
    Chunks(Chunks),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunks {
    group: u64,
    length: u64,
}

impl Sled {
    pub(super) fn open(dir: &Path, cache_bytes: usize) -> Result<Self, Fault> {
        let config = Config::new()
            .path(dir)
            .cache_capacity((cache_bytes as u64).min(LARGEST_CACHE))
            .mode(Mode::HighThroughput)
            // The writing thread flushes; another thread that does takes locks at moments we do not choose.
            .flush_every_ms(None);
        // A store closed a moment ago may still be held by sled's own threads.
        let mut patience = 10;
        loop {
            match config.open() {
                Err(Error::Io(error)) if is_held(&error) && patience > 0 => {
                    patience -= 1;
                    thread::sleep(Duration::from_millis(20));
                }
                Err(Error::Io(error)) if is_held(&error) => return Err(Fault::refused(error)),
                opened => return Ok(Self { tree: Some(opened?) }),
            }
        }
    }

    fn tree(&self) -> Result<&Db, Fault> {
        self.tree.as_ref().ok_or_else(|| Fault::damaged("the store is being closed"))
    }

    /// `None`: it was replaced while we looked.
    fn assemble(&self, chunks: Chunks) -> Result<Option<Vec<u8>>, Fault> {
        let mut value = Vec::new();
        for index in 0..chunks.count() {
            match self.tree()?.get(chunks.key(index))? {
                Some(chunk) => value.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        if value.len() as u64 == chunks.length {
            return Ok(Some(value));
        }
        Err(Fault::damaged("a chunk does not have its length"))
    }

    fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        let replaced = if value.len() <= CHUNK {
            self.tree()?.insert(head_key(key), [&[WHOLE], value].concat())?
        } else {
            let chunks = Chunks { group: fastrand::u64(..), length: value.len() as u64 };
            for (index, chunk) in (0..).zip(value.chunks(CHUNK)) {
                self.tree()?.insert(chunks.key(index), chunk)?;
            }
            self.tree()?.insert(head_key(key), chunks.head())?
        };
        self.clear(replaced)
    }

    /// Removes the chunks of a value that is not there any more.
    fn clear(&self, replaced: Option<IVec>) -> Result<(), Fault> {
        let Some(replaced) = replaced else { return Ok(()) };
        if let Head::Chunks(chunks) = Head::decode(&replaced)? {
            for index in 0..chunks.count() {
                self.tree()?.remove(chunks.key(index))?;
            }
        }
        Ok(())
    }
}

impl Engine for Sled {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let key = head_key(key);
        let mut torn = None;
        for _ in 0..ATTEMPTS {
            let Some(found) = self.tree()?.get(&key)? else { return Ok(None) };
            let chunks = match Head::decode(&found)? {
                Head::Here(value) => return Ok(Some(value.to_vec())),
                Head::Chunks(chunks) => chunks,
            };
            if torn.replace(chunks) == Some(chunks) {
                return Err(Fault::damaged("a chunk is missing"));
            }
            if let Some(value) = self.assemble(chunks)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn apply(&self, changes: &[Change], durability: Durability) -> Result<(), Fault> {
        for Change { key, value } in changes {
            match value {
                Some(value) => self.insert(key, value)?,
                None => self.clear(self.tree()?.remove(head_key(key))?)?,
            }
        }
        if durability == Durability::Synced {
            self.tree()?.flush()?;
        }
        Ok(())
    }

    fn scan(
        &self,
        after: Option<&[u8]>,
        bytes: usize,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<Scanned, Fault> {
        use std::ops::Bound::{Excluded, Included, Unbounded};

        let start = after.map_or(Included(vec![b'v']), |after| Excluded(head_key(after)));
        let mut shown = 0;
        for entry in self.tree()?.range((start, Unbounded)) {
            let (key, found) = entry?;
            let Some(key) = key.strip_prefix(b"v") else { continue };
            let value = match Head::decode(&found)? {
                Head::Here(value) => value.to_vec(),
                // Only the thread that scans also replaces values.
                Head::Chunks(chunks) => {
                    self.assemble(chunks)?.ok_or_else(|| Fault::damaged("a chunk is missing"))?
                }
            };
            visit(key, &value);
            shown += key.len() + value.len();
            if shown >= bytes {
                return Ok(Scanned::UpTo(key.to_vec()));
            }
        }
        Ok(Scanned::Everything)
    }
}

impl<'a> Head<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Fault> {
        match bytes.split_first() {
            Some((&WHOLE, value)) => Ok(Self::Here(value)),
            Some((&CHUNKED, numbers)) => match numbers.as_chunks::<8>() {
                ([group, length], []) => Ok(Self::Chunks(Chunks {
                    group: u64::from_be_bytes(*group),
                    length: u64::from_be_bytes(*length),
                })),
                _ => Err(Fault::damaged("a value is not what was written")),
            },
            _ => Err(Fault::damaged("a value is not what was written")),
        }
    }
}

impl Chunks {
    fn head(self) -> Vec<u8> {
        let mut head = vec![CHUNKED];
        head.extend_from_slice(&self.group.to_be_bytes());
        head.extend_from_slice(&self.length.to_be_bytes());
        head
    }

    fn key(self, index: u32) -> [u8; 13] {
        let mut key = [b'c'; 13];
        let number = (u128::from(self.group) << 32) | u128::from(index);
        for (place, byte) in key.iter_mut().skip(1).zip(number.to_be_bytes().into_iter().skip(4)) {
            *place = byte;
        }
        key
    }

    /// A damaged length must not make us look for ever.
    fn count(self) -> u32 {
        u32::try_from(self.length.div_ceil(CHUNK as u64)).unwrap_or(u32::MAX)
    }
}

fn head_key(key: &[u8]) -> Vec<u8> {
    [b"v", key].concat()
}

/// sled says it in words only.
fn is_held(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock || error.to_string().contains("could not acquire lock")
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            error => Self::damaged(error),
        }
    }
}
