//! For tests of code that uses cached functions: worlds of their own, time that moves when told to, and stores that fail
//! on demand.
//!
//! ```
//! use std::time::Duration;
//! use hybrid_cache::{cached, testing};
//!
//! #[cached(layers = "mem", ttl = "1h")]
//! async fn square(n: u64) -> u64 { n * n }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(
//! testing::isolated(async {
//!     square(3).await;
//!     testing::advance(Duration::from_secs(3601));
//!     square(3).await;
//!     assert_eq!(square::stats().loads(), 2);             // of this test alone
//! })
//! # );
//! ```

use std::time::Duration;

pub(crate) mod current;
mod store;
mod world;

pub use self::{store::Store, world::World};

/// Runs `future` in an empty [`World`] of its own: no answer from elsewhere is seen, none is left behind, and statistics
/// begin at zero. So tests run side by side in one process.
///
/// In this world there is neither Redis nor disk (see [`World`] for stand-ins), functions have the settings of the
/// process, and time stands still until [`advance`] moves it: that of answers, and that in which a `wait` or a `deadline`
/// passes, so a body that hangs hangs until then. tokio's time is not touched.
///
/// Loads and refreshes that cached functions start belong to the world of the call that started them. Tasks that the test
/// spawns itself do not: give them [`World::enter`].
///
/// ```
/// # use hybrid_cache::{cached, testing};
/// #[cached(layers = "mem")]
/// async fn square(n: u64) -> u64 { n * n }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// square(3).await;
/// testing::isolated(async { assert_eq!(square::peek(3).await, None) }).await;
/// assert_eq!(square::peek(3).await, Some(9));
/// # });
/// ```
pub async fn isolated<F: Future>(future: F) -> F::Output {
    World::new().enter(future).await
}

/// Moves the time that cached functions see forward by `duration`, in whole milliseconds: answers age, and waits and
/// deadlines pass, without sleeping. It cannot be moved back.
///
/// Inside of [`isolated`] or a [`World`], for that world alone. Elsewhere for the whole process, other tests included, so
/// that there it belongs into a test binary where no other test minds that answers expire early.
pub fn advance(duration: Duration) {
    let runtime = current::runtime();
    runtime.clock.advance(duration);
    runtime.tidy();
}
