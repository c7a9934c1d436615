//! What a process takes of the machine's memory, as the system says. Alone in its program, as others would count.
#![cfg(target_os = "linux")]

use std::sync::Arc;

use hybrid_cache::cached;

/// More than glibc ever keeps for itself once it is freed.
const ANSWER: usize = 40_000_000;

fn resident() -> usize {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<usize> = sizes.split_whitespace().nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or_default() * 4_096
}

fn size(answer: &Arc<Vec<u8>>) -> usize {
    answer.len()
}

#[cached(layers = "mem", max_bytes = "90MB", weigh = size)]
async fn catalogue(_edition: u64) -> Arc<Vec<u8>> {
    Arc::new(vec![1; ANSWER])
}

#[tokio::test]
async fn what_was_replaced_evicted_or_forgotten_is_not_in_the_process_any_more() {
    let start = resident();
    assert_ne!(start, 0, "Linux says it");
    let taken = || resident().saturating_sub(start);
    for _ in 0..15 {
        catalogue::refresh(1).await;
        assert!(taken() < 3 * ANSWER, "{} bytes, and one answer is kept", taken());
    }
    for edition in 0..15 {
        catalogue(edition).await;
        assert!(taken() < 4 * ANSWER, "{} bytes, and there is room for two answers", taken());
    }
    for edition in 0..15 {
        catalogue::invalidate(edition).await;
    }
    assert!(taken() < ANSWER, "{} bytes, and none is kept", taken());
}
