//! How memory holds a value: so that it can be taken from there under a lock without running code of the user's.

use std::{marker::PhantomData, sync::Arc};

/// A value is held behind an `Arc` of ours, and cloned once the lock is released.
pub const BOXED: u8 = 0;

/// A value that is `Copy` is held as it is.
const COPIED: u8 = 1;

/// A value that is an `Arc` already is held as it is.
const SHARED: u8 = 2;

/// One of the ways above.
#[derive(Debug)]
pub struct Holding<const HOW: u8>;

/// How a value is held.
pub trait Hold<V> {
    /// What is held of it. To clone this runs no code of the user's.
    type Held: Clone + Send + Sync + 'static;

    /// How many bytes it takes at least, of those that [`beside`](Self::beside) is told.
    fn least(value: &V) -> usize;

    /// How many bytes it takes beside what is held, of a value that says of itself that it takes `size`.
    fn beside(size: usize) -> usize;

    /// Of a value that is to be kept.
    fn hold(value: V) -> Self::Held;

    /// A value for the user. May run code of its type.
    fn release(held: Self::Held) -> V;
}

/// The two counts of an `Arc`.
const COUNTS: usize = 2 * size_of::<usize>();

impl<V: Clone + Send + Sync + 'static> Hold<V> for Holding<BOXED> {
    type Held = Arc<V>;

    fn least(_: &V) -> usize {
        0
    }

    fn beside(size: usize) -> usize {
        size.saturating_add(size_of::<V>() + COUNTS)
    }

    fn hold(value: V) -> Arc<V> {
        Arc::new(value)
    }

    #[inline]
    fn release(held: Arc<V>) -> V {
        V::clone(&held)
    }
}

impl<V: Copy + Send + Sync + 'static> Hold<V> for Holding<COPIED> {
    type Held = Copied<V>;

    fn least(_: &V) -> usize {
        0
    }

    fn beside(size: usize) -> usize {
        size.saturating_sub(size_of::<V>())
    }

    fn hold(value: V) -> Copied<V> {
        Copied(value)
    }

    #[inline]
    fn release(Copied(value): Copied<V>) -> V {
        value
    }
}

/// Its clone is a copy, whatever the clone of `V` does.
#[derive(Debug)]
pub struct Copied<V>(V);

impl<V: Copy> Clone for Copied<V> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<T: Send + Sync + ?Sized + 'static> Hold<Arc<T>> for Holding<SHARED> {
    type Held = Arc<T>;

    fn least(value: &Arc<T>) -> usize {
        size_of_val(&**value)
    }

    fn beside(size: usize) -> usize {
        size.saturating_add(COUNTS)
    }

    fn hold(value: Arc<T>) -> Arc<T> {
        value
    }

    #[inline]
    fn release(held: Arc<T>) -> Arc<T> {
        held
    }
}

/// Asks how values `V` are best held.
#[derive(Debug)]
pub struct HoldProbe<V>(PhantomData<fn() -> V>);

impl<V: Copy> HoldProbe<V> {
    /// It is `Copy`.
    pub const IS_COPY: bool = true;
}

impl<T: ?Sized> HoldProbe<Arc<T>> {
    /// It is an `Arc`.
    pub const IS_ARC: bool = true;
}

/// The answers of [`HoldProbe`] for everything else.
pub trait HeldBoxed {
    /// It is not `Copy`.
    const IS_COPY: bool = false;
    /// It is not an `Arc`.
    const IS_ARC: bool = false;
}

impl<V> HeldBoxed for HoldProbe<V> {}

/// The best way for a value that is what [`HoldProbe`] said.
#[must_use]
pub const fn best(is_copy: bool, is_arc: bool) -> u8 {
    match (is_copy, is_arc) {
        (true, _) => COPIED,
        (_, true) => SHARED,
        _ => BOXED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! held {
        ($value:ty) => {
            best(HoldProbe::<$value>::IS_COPY, HoldProbe::<$value>::IS_ARC)
        };
    }

    #[test]
    fn a_value_is_held_as_it_is_where_that_runs_no_code_of_its_type() {
        assert_eq!(held!(u64), COPIED);
        assert_eq!(held!(Option<(u8, &'static str)>), COPIED);
        assert_eq!(held!(Arc<str>), SHARED);
        assert_eq!(held!(Arc<Vec<u8>>), SHARED);
        assert_eq!(held!(String), BOXED);
        assert_eq!(held!(Option<Arc<str>>), BOXED);
        assert_eq!(held!(std::rc::Rc<str>), BOXED);
    }

    #[test]
    fn the_clone_of_a_copy_is_a_copy() {
        #[derive(Copy)]
        struct Odd(u64);
        #[expect(clippy::expl_impl_clone_on_copy, clippy::non_canonical_clone_impl, reason = "it is odd")]
        impl Clone for Odd {
            fn clone(&self) -> Self {
                panic!("the user's clone was called")
            }
        }
        let held = <Holding<COPIED> as Hold<Odd>>::hold(Odd(7));
        assert_eq!(<Holding<COPIED> as Hold<Odd>>::release(held.clone()).0, 7);
    }

    #[test]
    fn of_a_value_that_says_nothing_counts_what_its_type_or_what_it_points_to_takes() {
        let text: Arc<str> = Arc::from("x".repeat(100));
        assert_eq!(<Holding<SHARED> as Hold<Arc<str>>>::least(&text), 100);
        assert_eq!(<Holding<SHARED> as Hold<Arc<[u64; 50]>>>::least(&Arc::new([7; 50])), 400);
        let least = <Holding<BOXED> as Hold<String>>::least(&String::new());
        assert_eq!(<Holding<BOXED> as Hold<String>>::beside(least), size_of::<String>() + COUNTS);
    }

    #[test]
    fn what_a_value_takes_is_counted_once() {
        fn taken<V, const HOW: u8>(size: usize) -> usize
        where
            Holding<HOW>: Hold<V>,
        {
            size_of::<<Holding<HOW> as Hold<V>>::Held>() + <Holding<HOW> as Hold<V>>::beside(size)
        }
        assert_eq!(taken::<[u8; 64], COPIED>(64), 64);
        assert_eq!(taken::<[u8; 64], COPIED>(10), 64, "it lies in the entry, whatever it says");
        assert_eq!(taken::<Arc<[u8]>, SHARED>(100), size_of::<Arc<[u8]>>() + COUNTS + 100);
        assert_eq!(taken::<String, BOXED>(100), size_of::<usize>() + COUNTS + size_of::<String>() + 100);
    }
}
