//! The locks and atomics of what is model-checked. Here they are the standard library's; `tests/model` compiles the same
//! files with those of a model checker.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, atomic};
