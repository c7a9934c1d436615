//! Functions that are not async: single-flight, companions that return at once.

use std::{io, sync::Barrier, thread};

use hybrid_cache::{Forgotten, LayerKind, cached};

use crate::Runs;

static RUNS: Runs = Runs::none();

/// Slow.
#[cached(layers = "mem")]
pub fn square(n: u64) -> u64 {
    RUNS.one_more();
    thread::sleep(std::time::Duration::from_millis(50));
    n * n
}

#[cached(layers = "mem,disk", name = "shapes.words")]
fn words(text: &str) -> io::Result<usize> {
    if text.is_empty() { Err(io::Error::other("nothing")) } else { Ok(text.split(' ').count()) }
}

#[cached(layers = "mem")]
fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[cached(layers = "mem")]
#[expect(clippy::needless_pass_by_value, reason = "a shape")]
fn generic<T: ToString + serde::Serialize>(value: T) -> String {
    value.to_string()
}

#[test]
fn many_threads_share_one_load() {
    let together = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                together.wait();
                assert_eq!(square(12), 144);
            });
        }
    });
    assert_eq!(RUNS.count(), 1);
    assert_eq!(square::peek(12), Some(144));
    assert!(matches!(square::invalidate(12).in_layer(LayerKind::Memory), Forgotten::Done));
    assert_eq!(square::peek(12), None);
}

#[test]
fn companions_of_a_function_that_is_not_async_return_at_once() {
    assert_eq!(fibonacci(60), 1_548_008_755_920);
    assert_eq!(fibonacci::peek(60), Some(1_548_008_755_920));
    fibonacci::put(1, 1);
    assert_eq!(fibonacci::refresh(5), 5);
    assert_eq!(fibonacci::uncached(6), 8);
    assert_eq!(fibonacci::with_info(60).layer(), Some(LayerKind::Memory));
    fibonacci::expire(60);
    fibonacci::invalidate_many([1, 2]);
    fibonacci::invalidate_all();
    assert_eq!(fibonacci::peek(5), None);
    assert!(fibonacci::key(3).to_string().ends_with(":n=3"));
    assert!(fibonacci::stats().loads() > 60);
}

#[tokio::test]
async fn a_blocking_function_may_be_called_in_a_task() {
    assert_eq!(words("a b c").unwrap(), 3);
    assert!(words("").is_err());
    assert_eq!(words::peek("a b c"), Some(3));
    words::invalidate_all();
    assert_eq!(generic(5), "5");
    assert_eq!(generic("five"), "five");
    assert_eq!(generic::peek("five").as_deref(), Some("five"));
    generic::invalidate_all();
    assert_eq!(generic::peek("five"), None);
}
