//! Which loads a task is inside of, so that a load that needs its own answer is noticed instead of waiting for itself.
//!
//! The chain goes with the load into its spawned task, and from there into the loads that it starts. A body that
//! spawns tasks of its own and waits for them breaks the chain; there the `wait` limit ends the circle.

use std::sync::Arc;

use tokio::task_local;

task_local! {
    static LOADING: Arc<Load>;
}

/// One load and those around it.
#[derive(Debug)]
struct Load {
    scope: Arc<str>,
    key: Box<str>,
    outer: Option<Arc<Load>>,
}

/// Whether this task is part of the load of `key` of the function `scope`.
pub(crate) fn is_loading(scope: &str, key: &str) -> bool {
    LOADING
        .try_with(|innermost| {
            let mut load = Some(innermost);
            while let Some(this) = load {
                if *this.scope == *scope && *this.key == *key {
                    return true;
                }
                load = this.outer.as_ref();
            }
            false
        })
        .unwrap_or(false)
}

/// `load`, knowing that it loads `key` of the function `scope`, and what it is part of.
pub(crate) fn loading<F: Future>(
    scope: &Arc<str>,
    key: &str,
    load: F,
) -> impl Future<Output = F::Output> + use<F> {
    let outer = LOADING.try_with(Arc::clone).ok();
    LOADING.scope(Arc::new(Load { scope: Arc::clone(scope), key: key.into(), outer }), load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_load_knows_every_load_around_it_and_forgets_them_afterwards() {
        let scope: Arc<str> = Arc::from("hc:f");
        loading(&scope, "a", async {
            loading(&scope, "b", async {
                assert!(is_loading("hc:f", "a") && is_loading("hc:f", "b"));
                assert!(!is_loading("hc:f", "c") && !is_loading("hc:g", "a"));
            })
            .await;
            assert!(!is_loading("hc:f", "b"));
        })
        .await;
        assert!(!is_loading("hc:f", "a"));
    }
}
