//! What a candidate takes once it is full.

use std::{alloc::System, fs, io};

use serde::{Deserialize, Serialize};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::candidates::{Candidate, computed};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What one entry takes, on average.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Filled {
    /// On the heap, as they were asked for.
    pub(crate) bytes: f64,
    /// Into how many blocks of the heap these are divided.
    pub(crate) blocks: f64,
    /// By how many bytes the process has grown in the eyes of the system: with what the allocator adds to each block, and
    /// what it keeps of those that were freed on the way. Not a number where the system does not tell.
    pub(crate) resident: f64,
}

impl Filled {
    /// Fills a candidate.
    ///
    /// # Errors
    ///
    /// If it has let go of entries: these take no space, but would be counted.
    #[expect(clippy::cast_precision_loss, reason = "numbers of bytes, far below 2^52")]
    pub(crate) fn measure(candidate: &Candidate, entries: u64) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (heap, before) = (Region::new(HEAP), resident());
        runtime.block_on((candidate.fill)(entries));
        let (heap, after) = (heap.change(), resident());
        runtime.block_on((candidate.fill)(entries));
        let again = computed() - entries;
        if again > 0 {
            return Err(io::Error::other(format!("{again} of {entries} entries were gone")));
        }
        let per_entry = |count: usize| count as f64 / entries as f64;
        Ok(Self {
            bytes: per_entry(heap.bytes_allocated - heap.bytes_deallocated),
            blocks: per_entry(heap.allocations - heap.deallocations),
            resident: (after - before) / entries as f64,
        })
    }
}

/// How many bytes of memory this process has.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes.map_or(f64::NAN, |kibibytes: f64| kibibytes * 1024.0)
}
