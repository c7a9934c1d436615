//! Which loads a task is inside of, and which loads wait for which, so that a load that could only be ended by itself is
//! noticed instead of waiting for itself.
//!
//! The chain goes with a load into its spawned task, and from there into the loads that it starts. A body that
//! spawns tasks of its own and waits for them breaks the chain; there the `wait` limit ends the circle.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use futures_util::future::Either;
use tokio::task_local;

use crate::{
    key::PackedKey,
    stats::striped::thread_ends,
    sync::{Mutex, MutexGuard, PoisonError},
};

task_local! {
    static LOADING: Arc<Load>;
}

/// One load and those around it.
#[derive(Debug)]
struct Load {
    this: Node,
    outer: Option<Arc<Load>>,
}

/// A key of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    /// The address of the function's scope, which no other function has, in whatever world.
    function: usize,
    key: PackedKey,
}

impl Node {
    fn new(scope: &Arc<str>, key: &[u8]) -> Self {
        Self { function: address(scope), key: PackedKey::from_slice(key) }
    }
}

fn address(scope: &Arc<str>) -> usize {
    Arc::as_ptr(scope).cast::<u8>() as usize
}

/// Which loads wait for which, by key. Only loads that are inside of others' bodies are here, and only while they wait.
static WAITING: LazyLock<Mutex<HashMap<Node, Vec<Node>>>> = LazyLock::new(Mutex::default);

/// A load inside of which the caller is waits for another load, until dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    waits: Option<(Arc<Load>, Node)>,
}

/// The load would wait for itself, be it by way of others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WouldDeadlock;

/// Announces that this task waits for the load of `key` of the function `scope`.
pub(crate) fn wait_for(scope: &Arc<str>, key: &[u8]) -> Result<Waiting, WouldDeadlock> {
    let Ok(innermost) = LOADING.try_with(Arc::clone) else { return Ok(Waiting { waits: None }) };
    let awaited = Node::new(scope, key);
    // Looked at and announced under one lock: of two that would close a circle, the second sees the first.
    let mut waiting = lock();
    if leads_to(&waiting, &awaited, &innermost) {
        return Err(WouldDeadlock);
    }
    for load in innermost.chain() {
        waiting.entry(load.this.clone()).or_default().push(awaited.clone());
    }
    Ok(Waiting { waits: Some((innermost, awaited)) })
}

/// Whether this task is part of a load of the function `scope`, of whatever key.
pub(crate) fn is_inside(scope: &Arc<str>) -> bool {
    let function = address(scope);
    LOADING
        .try_with(|innermost| innermost.chain().any(|load| load.this.function == function))
        .unwrap_or(false)
}

/// `load`, knowing that it loads `key` of the function `scope`, and what it is part of.
pub(crate) fn loading<F: Future>(
    scope: &Arc<str>,
    key: &[u8],
    load: F,
) -> impl Future<Output = F::Output> + use<F> {
    if thread_ends() {
        // A call in the destructor of a thread-local value: there is nowhere left to note that it loads, and the body
        // runs all the same.
        return Either::Right(load);
    }
    let outer = LOADING.try_with(Arc::clone).ok();
    let this = Node::new(scope, key);
    Either::Left(LOADING.scope(Arc::new(Load { this, outer }), load))
}

/// Uses what belongs to this thread here, so that it is not dropped before what is used after this.
pub(crate) fn touch() {
    let _ = LOADING.try_with(|_| ());
}

impl Load {
    /// This load and those around it.
    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |load| load.outer.as_deref())
    }
}

/// Whether waiting for `awaited` is waiting for one of the loads that `innermost` is part of.
fn leads_to(waiting: &HashMap<Node, Vec<Node>>, awaited: &Node, innermost: &Load) -> bool {
    let mut seen = Vec::new();
    let mut ahead = vec![awaited];
    while let Some(node) = ahead.pop() {
        if innermost.chain().any(|load| load.this == *node) {
            return true;
        }
        if !seen.contains(&node) {
            seen.push(node);
            ahead.extend(waiting.get(node).into_iter().flatten());
        }
    }
    false
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some((innermost, awaited)) = self.waits.take() else { return };
        let mut waiting = lock();
        for load in innermost.chain() {
            let Some(awaits) = waiting.get_mut(&load.this) else { continue };
            if let Some(at) = awaits.iter().position(|node| *node == awaited) {
                awaits.swap_remove(at);
            }
            if awaits.is_empty() {
                waiting.remove(&load.this);
            }
        }
    }
}

fn lock() -> MutexGuard<'static, HashMap<Node, Vec<Node>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    fn key(text: &str) -> Arc<[u8]> {
        Arc::from(text.as_bytes())
    }

    #[tokio::test]
    async fn a_load_must_not_wait_for_any_load_around_it() {
        let (f, g) = (scope("hc:f"), scope("hc:f"));
        loading(&f, &key("a"), async {
            loading(&f, &key("b"), async {
                assert_eq!(wait_for(&f, b"a").unwrap_err(), WouldDeadlock);
                assert_eq!(wait_for(&f, b"b").unwrap_err(), WouldDeadlock);
                assert!(wait_for(&f, b"c").is_ok() && wait_for(&g, b"a").is_ok());
            })
            .await;
            assert!(wait_for(&f, b"b").is_ok());
        })
        .await;
        assert!(wait_for(&f, b"a").is_ok());
    }

    #[tokio::test]
    async fn two_loads_must_not_wait_for_each_other_be_it_by_way_of_a_third() {
        let f = scope("hc:f");
        let first = loading(&f, &key("a"), async { wait_for(&f, b"b") }).await.unwrap();
        let second =
            loading(&f, &key("b"), async { loading(&f, &key("inner"), async { wait_for(&f, b"c") }).await })
                .await
                .unwrap();
        loading(&f, &key("c"), async { assert_eq!(wait_for(&f, b"a").unwrap_err(), WouldDeadlock) }).await;
        drop(second);
        loading(&f, &key("c"), async { assert!(wait_for(&f, b"a").is_ok()) }).await;
        drop(first);
    }

    #[tokio::test]
    async fn nothing_is_left_of_waits_that_ended() {
        let f = scope("hc:f");
        let this = address(&f);
        loading(&f, &key("a"), async {
            loading(&f, &key("b"), async { drop(wait_for(&f, b"c").unwrap()) }).await;
        })
        .await;
        assert!(!lock().keys().any(|node| node.function == this));
    }

    #[tokio::test]
    async fn a_task_knows_the_functions_whose_loads_it_is_part_of() {
        let (f, g) = (scope("hc:f"), scope("hc:g"));
        assert!(!is_inside(&f));
        loading(&f, &key("a"), async { assert!(is_inside(&f) && !is_inside(&g)) }).await;
    }

    #[tokio::test]
    async fn the_chain_goes_along_into_a_spawned_task() {
        let f = scope("hc:f");
        let inner = loading(&f, &key("outer"), async {
            tokio::spawn(loading(&f, &key("inner"), {
                let f = Arc::clone(&f);
                async move { wait_for(&f, b"outer").unwrap_err() }
            }))
            .await
        });
        assert_eq!(inner.await.unwrap(), WouldDeadlock);
    }
}
