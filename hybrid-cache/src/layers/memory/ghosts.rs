//! Which keys were evicted not long ago, of which nothing but a fingerprint is kept: those that come back go where they stay
//! longer. May be wrong about one in some thousand, which makes no difference but to how long that one stays.

/// How many fingerprints share a place, in which the oldest gives way.
const WAYS: usize = 4;

/// The last so many evictions are remembered, for ten entries there are.
const OF_TEN: u64 = 9;

pub(super) struct Ghosts {
    /// Allocated by the first eviction: four bytes for each entry.
    places: Vec<[Ghost; WAYS]>,
    /// How many there have been.
    evictions: u64,
    /// Ages are counted in so many doublings of an eviction, so that they fit.
    doublings: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Ghost {
    /// Of the hash of the key; zero where there is none.
    fingerprint: u16,
    /// See [`Ghosts::now`].
    born: u16,
}

impl Ghosts {
    pub(super) const NONE: Self = Self { places: Vec::new(), evictions: 0, doublings: 0 };

    /// A key of this hash was evicted from among so many entries.
    pub(super) fn remember(&mut self, hash: u64, entries: usize) {
        self.make_room(entries);
        self.evictions = self.evictions.wrapping_add(1);
        let now = self.now();
        let Some(place) = self.place(hash) else { return };
        let age = |ghost: &Ghost| match ghost.fingerprint {
            0 => u16::MAX,
            _ => now.wrapping_sub(ghost.born),
        };
        if let Some(oldest) = place.iter_mut().max_by_key(|ghost| age(ghost)) {
            *oldest = Ghost { fingerprint: fingerprint(hash), born: now };
        }
    }

    /// Whether a key of this hash was evicted not long ago, from among so many entries. It is no ghost any more then.
    pub(super) fn recall(&mut self, hash: u64, entries: usize) -> bool {
        let now = self.now();
        let oldest = ((entries as u64).saturating_mul(OF_TEN) / 10) >> self.doublings;
        let same = |ghost: &&mut Ghost| ghost.fingerprint == fingerprint(hash);
        let Some(ghost) = self.place(hash).and_then(|place| place.iter_mut().find(same)) else {
            return false;
        };
        u64::from(now.wrapping_sub(std::mem::take(ghost).born)) <= oldest
    }

    /// The present, in which ages are counted.
    #[expect(clippy::cast_possible_truncation, reason = "ages are differences, of far fewer")]
    const fn now(&self) -> u16 {
        (self.evictions >> self.doublings) as u16
    }

    fn place(&mut self, hash: u64) -> Option<&mut [Ghost; WAYS]> {
        // As a fraction of all places. All hashes of a shard have the same upper bits.
        let fraction = (hash >> 16) & u64::from(u32::MAX);
        let at = (fraction * self.places.len() as u64) >> 32;
        self.places.get_mut(usize::try_from(at).ok()?)
    }

    /// Begins anew where there are many more entries than there were.
    fn make_room(&mut self, entries: usize) {
        let room = self.places.len() * WAYS;
        if entries > room + room / 4 {
            self.places = vec![[Ghost::default(); WAYS]; entries.div_ceil(WAYS)];
            self.doublings = (entries >> 14).checked_ilog2().map_or(0, |log| log + 1);
        }
    }
}

/// Bits of a hash that do not say its place. Never zero.
#[expect(clippy::cast_possible_truncation, reason = "some of its bits")]
const fn fingerprint(hash: u64) -> u16 {
    let bits = hash as u16;
    if bits == 0 { 1 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(seed: u64) -> impl Iterator<Item = u64> {
        let mut rng = fastrand::Rng::with_seed(seed);
        std::iter::repeat_with(move || rng.u64(..))
    }

    #[test]
    fn nearly_all_of_the_last_evictions_are_remembered_and_hardly_any_other() {
        // The last ones so many that ages wrap.
        for (entries, turnovers) in [(100, 4), (1_000, 4), (100_000, 8), (1_000, 200)] {
            let mut ghosts = Ghosts::NONE;
            let evicted: Vec<u64> = hashes(1).take(turnovers * entries).collect();
            for hash in &evicted {
                ghosts.remember(*hash, entries);
            }
            let (long_ago, recent) = evicted.split_at(evicted.len() - entries * 8 / 10);
            let strangers = hashes(2).take(entries).filter(|hash| ghosts.recall(*hash, entries)).count();
            let found = recent.iter().filter(|hash| ghosts.recall(**hash, entries)).count();
            let (earlier, _) = long_ago.split_at(entries);
            let old = earlier.iter().filter(|hash| ghosts.recall(**hash, entries)).count();
            assert!(found * 100 > recent.len() * 75, "{found} of {} with {entries} entries", recent.len());
            assert!(strangers * 500 <= entries, "{strangers} strangers with {entries} entries");
            assert!(old * 100 <= entries, "{old} from long ago with {entries} entries");
        }
    }

    #[test]
    fn a_ghost_is_recalled_once() {
        let mut ghosts = Ghosts::NONE;
        assert!(!ghosts.recall(7, 10), "there is none");
        ghosts.remember(7, 10);
        assert!(ghosts.recall(7, 10));
        assert!(!ghosts.recall(7, 10));
    }

    #[test]
    fn they_take_four_bytes_for_each_entry() {
        let mut ghosts = Ghosts::NONE;
        hashes(3).take(10_000).for_each(|hash| ghosts.remember(hash, 1_000));
        assert_eq!(size_of_val(&*ghosts.places), 4_000);
    }
}
