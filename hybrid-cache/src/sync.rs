//! The locks and atomics of what a call may pass, and what it waits with. Here they are the standard library's; `tests/model` compiles some of the
//! files with those of a model checker, and in tests of this crate [locks are counted](counted), so that a test can say
//! that there are none where there are to be none.

pub(crate) use std::sync::{MutexGuard, PoisonError, RwLockWriteGuard, TryLockError, atomic};

pub(crate) use tokio::sync::Notify;

#[cfg(not(test))]
pub(crate) use std::sync::{Mutex, RwLock};

#[cfg(test)]
pub(crate) use self::counted::{Mutex, RwLock};

#[cfg(test)]
pub(crate) mod counted {
    //! A lock that counts how often its thread locks.

    use std::{
        cell::Cell,
        sync::{LockResult, MutexGuard, RwLockReadGuard, RwLockWriteGuard, TryLockResult},
    };

    thread_local! {
        static LOCKED: Cell<u64> = const { Cell::new(0) };
        static READ: Cell<u64> = const { Cell::new(0) };
    }

    /// How often this thread has locked anything for itself alone, or tried to, and how often for reading, while it did
    /// `work`.
    pub(crate) fn locks_taken(work: impl FnOnce()) -> (u64, u64) {
        let before = (LOCKED.get(), READ.get());
        work();
        (LOCKED.get() - before.0, READ.get() - before.1)
    }

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            LOCKED.set(LOCKED.get() + 1);
            self.0.lock()
        }

        pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
            LOCKED.set(LOCKED.get() + 1);
            self.0.try_lock()
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct RwLock<T>(std::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
            READ.set(READ.get() + 1);
            self.0.read()
        }

        pub(crate) fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
            LOCKED.set(LOCKED.get() + 1);
            self.0.write()
        }
    }
}
