//! For tests of code that uses cached functions.

use std::time::Duration;

use crate::clock;

/// Moves the time that cached functions see forward by `duration`, for the whole process: answers age without sleeping.
///
/// Other tests of the same process see the same time, so tests that move it belong into a test binary where no other
/// test minds that answers expire early.
///
/// ```
/// use std::time::Duration;
/// use hybrid_cache::{cached, testing};
///
/// #[cached(layers = "mem", ttl = "1h")]
/// async fn square(n: u64) -> u64 { n * n }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// square(3).await;
/// testing::advance(Duration::from_secs(3601));
/// square(3).await;
/// assert_eq!(square::stats().loads(), 2);
/// # });
/// ```
pub fn advance(duration: Duration) {
    clock::advance(duration);
}
