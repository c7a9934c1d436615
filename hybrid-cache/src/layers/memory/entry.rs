//! An answer in memory, with its dates in few bytes.

use super::key::{Lookup, StoredKey};
use crate::{
    clock::Timestamp,
    record::Dates,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

/// An answer in memory.
// In this order, as what a hit reads of an entry is to lie in one cache line more often than not.
#[repr(C)]
pub(crate) struct Entry<V> {
    pub(super) key: StoredKey,
    pub(crate) value: V,
    /// In milliseconds since 1970, of which 48 bits are enough until the year 10889.
    computed_at: [u8; 6],
    /// How often it was read since the policy last looked at it, up to [`MOST_USES`].
    uses: AtomicU8,
    pub(super) place: Place,
    // Counted from `computed_at`.
    /// Until then a call that finds this entry returns it and has nothing else to decide.
    quiet: PackedSpan,
    due: PackedSpan,
    fresh: PackedSpan,
    kept: PackedSpan,
    /// The neighbours in the queue it stands in.
    pub(super) newer: u32,
    pub(super) older: u32,
}

/// In which queue of the policy an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Small,
    Main,
}

/// More reads than this make no difference to the policy.
const MOST_USES: u8 = 3;

impl<V> Entry<V> {
    pub(super) fn new(key: StoredKey, value: V, life: &EntryDates) -> Self {
        let mut entry = Self {
            key,
            value,
            computed_at: [0; 6],
            uses: AtomicU8::new(0),
            place: Place::Small,
            quiet: PackedSpan::ZERO,
            due: PackedSpan::ZERO,
            fresh: PackedSpan::ZERO,
            kept: PackedSpan::ZERO,
            newer: 0,
            older: 0,
        };
        entry.set_life(life);
        entry
    }

    /// Whether a call at `now` returns this entry and has nothing else to decide.
    #[inline]
    pub(crate) fn is_quiet(&self, now: Timestamp) -> bool {
        now.as_millis().saturating_sub(self.begin()) < self.quiet.millis()
    }

    pub(crate) fn dates(&self) -> Dates {
        Dates {
            computed_at: Timestamp::from_millis(self.begin()),
            fresh_until: self.date(self.fresh),
            kept_until: self.date(self.kept),
        }
    }

    /// When nobody may be given it any more.
    pub(super) fn kept_until(&self) -> Timestamp {
        self.date(self.kept)
    }

    /// From when on it may be due for a refresh; at the latest when its life ends.
    pub(crate) fn due_from(&self) -> Timestamp {
        self.date(self.due)
    }

    pub(super) fn set_life(&mut self, EntryDates { dates, due_from }: &EntryDates) {
        // What counts from `computed_at` cannot be before it. It is not, but for what somebody's clock or store makes up.
        let begin = dates.computed_at.min(dates.fresh_until).min(dates.kept_until).as_millis();
        let [begin @ .., _, _] = begin.min((1 << 48) - 1).to_le_bytes();
        self.computed_at = begin;
        self.fresh = self.span_to(dates.fresh_until);
        self.due = PackedSpan::at_least(due_from.as_millis().saturating_sub(self.begin())).min(self.fresh);
        self.kept = self.span_to(dates.kept_until);
        self.quiet = self.due;
    }

    /// Changes the dates, and lets every call decide what they mean for it.
    pub(super) fn redate(&mut self, dates: Dates) {
        self.set_life(&EntryDates { dates, due_from: self.due_from() });
        self.quiet = PackedSpan::ZERO;
    }

    pub(super) fn set_quiet(&mut self, until: Timestamp) {
        self.quiet = self.span_to(until);
    }

    /// Lets calls decide for themselves again what may be done with it.
    pub(super) fn reconsider(&mut self) {
        self.quiet = self.due;
    }

    /// Notes a read.
    #[inline]
    pub(super) fn used(&self) {
        // Relaxed, and not one step: two reads at once may count as one. Written only where that changes something, so that
        // what is read often is not written by all who read it.
        let uses = self.uses.load(Relaxed);
        if uses < MOST_USES {
            self.uses.store(uses + 1, Relaxed);
        }
    }

    pub(super) fn uses(&mut self) -> &mut u8 {
        self.uses.get_mut()
    }

    #[inline]
    fn begin(&self) -> u64 {
        let [low @ .., high_low, high] = self.computed_at;
        u64::from(u32::from_le_bytes(low)) | u64::from(u16::from_le_bytes([high_low, high])) << 32
    }

    fn date(&self, span: PackedSpan) -> Timestamp {
        Timestamp::from_millis(self.begin().saturating_add(span.millis()))
    }

    fn span_to(&self, date: Timestamp) -> PackedSpan {
        PackedSpan::of(date.as_millis().saturating_sub(self.begin()))
    }
}

/// The dates of an answer that is to be stored.
pub(crate) struct EntryDates {
    pub(crate) dates: Dates,
    /// From when on it may be due for a refresh.
    pub(crate) due_from: Timestamp,
}

/// `dates` as memory keeps them: the same up to 37 hours, beyond that a little less. So dates that come from memory are to be
/// compared with what this makes of others.
pub(crate) fn as_kept(dates: &Dates) -> Dates {
    Entry::new(
        Lookup::from([].as_slice()).into(),
        (),
        &EntryDates { dates: *dates, due_from: dates.fresh_until },
    )
    .dates()
}

/// Some milliseconds in 32 bits: exact up to 37 hours, beyond that rounded down by at most a 67-millionth.
///
/// Five bits say how often the others are to be doubled. Rounded down, as a life may end early and never late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PackedSpan(u32);

impl PackedSpan {
    const ZERO: Self = Self(0);
    const DIGITS: u32 = 27;
    const MOST_DOUBLINGS: u32 = 31;

    fn of(millis: u64) -> Self {
        let doublings = (u64::BITS - millis.leading_zeros()).saturating_sub(Self::DIGITS);
        if doublings > Self::MOST_DOUBLINGS {
            return Self(u32::MAX);
        }
        // At most 27 bits are left of it.
        let digits = u32::try_from(millis >> doublings).unwrap_or(u32::MAX);
        Self(doublings << Self::DIGITS | digits)
    }

    /// Rounded up instead: a refresh may be late, and is not to come before it is due.
    fn at_least(millis: u64) -> Self {
        const DIGITS: u32 = (1 << PackedSpan::DIGITS) - 1;
        let span = Self::of(millis);
        match span.0 & DIGITS {
            _ if span.millis() >= millis || span.0 == u32::MAX => span,
            // Half as many digits of twice the worth.
            DIGITS => Self(((span.0 >> Self::DIGITS) + 1) << Self::DIGITS | 1 << (Self::DIGITS - 1)),
            _ => Self(span.0 + 1),
        }
    }

    #[inline]
    const fn millis(self) -> u64 {
        let digits = self.0 & ((1 << Self::DIGITS) - 1);
        (digits as u64) << (self.0 >> Self::DIGITS)
    }

    fn min(self, other: Self) -> Self {
        // More doublings are more milliseconds: the digits are as many as there can be wherever there are doublings.
        Self(self.0.min(other.0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_span_is_exact_for_a_day_and_never_longer_than_what_it_stands_for() {
        for millis in [0, 1, 999, 86_400_000, (1 << 27) - 1] {
            assert_eq!(PackedSpan::of(millis).millis(), millis);
        }
        for bit in 0..57 {
            for millis in [1 << bit, (1 << bit) + 1, (2 << bit) - 1] {
                let kept = PackedSpan::of(millis).millis();
                assert!(kept <= millis && millis - kept <= millis >> 26, "{millis} became {kept}");
                let longer = PackedSpan::at_least(millis).millis();
                assert!(longer >= millis && longer - millis <= millis >> 26, "{millis} became {longer}");
            }
        }
        assert_eq!(PackedSpan::of(u64::MAX).millis(), ((1 << 27) - 1) << 31);
        assert_eq!(PackedSpan::at_least(u64::MAX), PackedSpan::of(u64::MAX));
    }

    #[test]
    fn the_shorter_of_two_spans_is_the_one_of_fewer_milliseconds() {
        let spans: Vec<u64> = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) + (1 << bit) / 3]).collect();
        for pair in spans.windows(2) {
            let (one, other) = (PackedSpan::of(pair[0]), PackedSpan::of(pair[1]));
            assert_eq!(one.min(other).millis(), one.millis().min(other.millis()));
        }
    }

    #[test]
    fn dates_are_kept_and_those_from_before_an_answer_do_not_lengthen_its_life() {
        let at = Timestamp::from_millis;
        let dates = |computed_at, fresh_until, kept_until| Dates {
            computed_at: at(computed_at),
            fresh_until: at(fresh_until),
            kept_until: at(kept_until),
        };
        let entry = |dates, due_from| {
            Entry::new(Lookup::from(b"k".as_slice()).into(), (), &EntryDates { dates, due_from })
        };
        let present = 1_800_000_000_000;
        let usual = dates(present, present + 300_000, present + 900_000);
        let kept = entry(usual, at(present + 200_000));
        assert_eq!((kept.dates(), kept.due_from()), (usual, at(present + 200_000)));
        assert!(kept.is_quiet(at(present + 199_999)) && !kept.is_quiet(at(present + 200_000)));
        let odd = entry(dates(present, present - 5, present - 3), at(present));
        assert_eq!(odd.dates(), dates(present - 5, present - 5, present - 3));
        let for_ever = entry(dates(present, u64::MAX, u64::MAX), at(u64::MAX));
        assert!(for_ever.dates().kept_until.since(at(present)) > Duration::from_hours(24 * 365 * 1_000_000));
    }

    #[test]
    fn a_refresh_of_a_long_life_is_not_due_early() {
        let at = Timestamp::from_millis;
        for odd in 0..100 {
            let (begin, due, end) = (1_800_000_000_000, 1_800_400_000_000 + odd, 1_800_600_000_000 + odd);
            let dates = Dates { computed_at: at(begin), fresh_until: at(end), kept_until: at(end) };
            let due_from = |due| {
                let life = EntryDates { dates, due_from: at(due) };
                Entry::new(Lookup::from(b"k".as_slice()).into(), (), &life).due_from().as_millis()
            };
            assert!((due..due + 16).contains(&due_from(due)), "{odd}");
            assert!(due_from(end) <= end, "at the latest when its life ends");
        }
    }

    #[test]
    fn an_entry_of_a_number_takes_56_bytes() {
        assert_eq!(size_of::<Option<Entry<u64>>>(), 56);
    }
}
