//! What a process takes of the machine's memory where one bound holds for all its functions, as the system says. Alone in its
//! program, as others would count, and as the bound is the process's.
#![cfg(target_os = "linux")]

use std::sync::Arc;

use hybrid_cache::cached;

/// More than glibc ever keeps for itself once it is freed.
const ANSWER: usize = 40_000_000;

/// Room for three of them.
const BOUND: usize = 3 * ANSWER + 1_000_000;

fn resident() -> usize {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<usize> = sizes.split_whitespace().nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or_default() * 4_096
}

fn text() -> String {
    "x".repeat(ANSWER)
}

/// Measured by its encoding, which only the compiler knows of.
#[cached(layers = "mem")]
async fn page(_number: u64) -> String {
    text()
}

/// As large as what it points to.
#[cached(layers = "mem")]
async fn shared(_number: u64) -> Result<Arc<str>, std::io::Error> {
    Ok(text().into())
}

/// Has no encoding.
#[derive(Clone)]
struct Picture(Arc<Vec<u8>>);

impl Picture {
    fn size(&self) -> usize {
        self.0.len()
    }
}

#[cached(layers = "mem", weigh = Picture::size)]
async fn picture(_number: u64) -> Picture {
    Picture(Arc::new(vec![1; ANSWER]))
}

#[tokio::test]
async fn all_functions_together_take_no_more_than_the_process_may() {
    hybrid_cache::builder().without_environment().mem_max_bytes(BOUND as u64).install().unwrap();
    let start = resident();
    let taken = || resident().saturating_sub(start);
    for number in 0..5 {
        drop(page(number).await);
        drop(shared(number).await);
        drop(picture(number).await);
        // One that is being stored, and the user's copy of it.
        assert!(taken() < BOUND + ANSWER, "{} bytes of {BOUND} after {number}", taken());
    }
    assert!(taken() > BOUND / 2, "{} bytes of {BOUND}: it is used", taken());
    let mut kept = 0;
    for number in 0..5 {
        kept += usize::from(page::peek(number).await.is_some());
        kept += usize::from(shared::peek(number).await.is_some());
        kept += usize::from(picture::peek(number).await.is_some());
    }
    assert_eq!(kept, 3);
}
