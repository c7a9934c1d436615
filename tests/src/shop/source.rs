//! Where the shop's truth is: one price for everything, which tests change, and a gate that holds bodies up.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use tokio::sync::watch;

static PRICE: AtomicU64 = AtomicU64::new(1);
static BODIES: AtomicU64 = AtomicU64::new(0);
static GATE_IS_OPEN: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(true));

/// What every body does: looks at the price, and is slow while the gate is closed.
pub(crate) async fn consult() -> u64 {
    let price = PRICE.load(SeqCst);
    BODIES.fetch_add(1, SeqCst);
    let _ = GATE_IS_OPEN.subscribe().wait_for(|open| *open).await;
    price
}

/// Changes the truth.
pub(crate) fn set_price(price: u64) {
    PRICE.store(price, SeqCst);
}

/// Bodies that have looked at the price.
pub(crate) fn bodies() -> u64 {
    BODIES.load(SeqCst)
}

/// Bodies that come to a closed gate stand there with the price they saw.
pub(crate) fn set_gate(open: bool) {
    GATE_IS_OPEN.send_replace(open);
}
