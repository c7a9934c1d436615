//! One bound for the memories of all functions: what they hold together, and which of them gives way.
//!
//! A memory counts its bytes here as entries come and go. A thread that has stored an answer makes room afterwards, where it
//! holds no lock. The memory with the least use per byte gives way: its use of late over the bytes that it holds. Use is counted
//! elsewhere anyway, and looked at only when the choice is made, which is once for many evictions.
//!
//! Knows nothing of entries, and of engines only that they can evict.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// After this time a use counts half: what was asked for yesterday does not keep its room today.
const HALF_LIFE: Duration = Duration::from_mins(1);

/// One in so many bytes of the bound is divided equally among the memories, and no memory has to give its part of that: a new
/// answer has to stay for a while before it can be asked for again.
const SPARED: u64 = 8;

/// The choice is made anew once one in so many bytes of the bound was given.
const CHOICES: u64 = 128;

/// How often in a row a memory that seemed to hold something has nothing to give. Once, as what it held was removed just now:
/// then it is another's turn. Several times, as it counts what other threads are about to store: they make room for that.
const MOST_IN_VAIN: u32 = 4;

/// What several memories share.
pub(crate) struct Pool {
    most: u64,
    held: AtomicU64,
    members: Mutex<Members>,
}

/// What one memory holds of a pool. Given back when it is dropped.
pub(super) struct Stake {
    pool: Arc<Pool>,
    held: AtomicU64,
}

/// A memory that can be asked for its room.
pub(super) trait GivesWay: Send + Sync {
    /// Evicts about `bytes`, for as long as the pool has too many, and says how many it were. The values are dropped here, so
    /// this is not to be called under a lock.
    fn give_way(&self, bytes: u64) -> u64;
}

struct Members {
    all: Vec<Member>,
    giver: Option<Giver>,
    halved_at: Timestamp,
}

/// It is dropped under the lock, so nothing in it may run code of the user's then.
struct Member {
    memory: Weak<dyn GivesWay>,
    stake: Weak<Stake>,
    uses: Box<dyn Fn() -> u64 + Send + Sync>,
    uses_seen: u64,
    /// Those of late, each the less the longer ago.
    use_of_late: f64,
}

/// The memory that gives way, until the choice is made anew.
struct Giver {
    /// Its place among the members.
    at: usize,
    /// How many bytes it still has to give.
    left: u64,
    /// What it may keep.
    spared: u64,
}

impl Pool {
    pub(crate) fn new(most: u64, now: Timestamp) -> Arc<Self> {
        let members = Members { all: Vec::new(), giver: None, halved_at: now };
        Arc::new(Self { most, held: AtomicU64::new(0), members: Mutex::new(members) })
    }

    /// What a memory is to count its bytes with, that then has to be [admitted](Self::admit).
    pub(super) fn stake(self: &Arc<Self>) -> Arc<Stake> {
        Arc::new(Stake { pool: Arc::clone(self), held: AtomicU64::new(0) })
    }

    /// Asks `memory` for its room from now on. `uses` says how often it was used up to now.
    pub(super) fn admit(
        &self,
        memory: Weak<dyn GivesWay>,
        stake: &Arc<Stake>,
        uses: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        let (uses_seen, stake) = (uses(), Arc::downgrade(stake));
        let member = Member { memory, stake, uses: Box::new(uses), uses_seen, use_of_late: 0.0 };
        self.members().all.push(member);
    }

    pub(super) const fn most(&self) -> u64 {
        self.most
    }

    /// What all memories hold.
    #[cfg(test)]
    pub(crate) fn held(&self) -> u64 {
        self.held.load(Relaxed)
    }

    /// Has memories give way until all hold no more than the bound, or as much less as was too much at first: what the
    /// clean-up of values stores meanwhile is for whoever comes next. Not to be called under a lock: values are dropped.
    pub(crate) fn make_room(&self, now: Timestamp) {
        let mut wanted = self.excess().unwrap_or(0);
        let mut in_vain = 0;
        while wanted > 0 && in_vain < MOST_IN_VAIN && self.excess().is_some() {
            let giver = self.members().giver(wanted, self.most, now);
            let freed = giver.map_or(0, |(memory, bytes)| memory.give_way(bytes));
            self.members().has_given(freed);
            wanted = wanted.saturating_sub(freed);
            in_vain = if freed == 0 { in_vain + 1 } else { 0 };
        }
    }

    /// To be called now and then: uses are to age also while there is room for all.
    pub(crate) fn age(&self, now: Timestamp) {
        self.members().age(now);
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn excess(&self) -> Option<u64> {
        self.held.load(Relaxed).checked_sub(self.most).filter(|excess| *excess > 0)
    }
}

impl Stake {
    pub(super) fn take(&self, bytes: u32) {
        self.held.fetch_add(bytes.into(), Relaxed);
        self.pool.held.fetch_add(bytes.into(), Relaxed);
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Relaxed);
        self.pool.held.fetch_sub(bytes, Relaxed);
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn held(&self) -> u64 {
        self.held.load(Relaxed)
    }

    /// Whether all memories hold more than the bound.
    pub(super) fn is_over(&self) -> bool {
        self.pool.excess().is_some()
    }

    /// What all memories hold, and the bound.
    pub(super) fn fill(&self) -> (u64, u64) {
        (self.pool.held.load(Relaxed), self.pool.most)
    }
}

impl Drop for Stake {
    fn drop(&mut self) {
        self.give_back(self.held());
    }
}

impl Members {
    /// The memory that gives way, and how many of the bytes that are wanted it gives. To be dropped where no lock is held.
    fn giver(&mut self, wanted: u64, most: u64, now: Timestamp) -> Option<(Arc<dyn GivesWay>, u64)> {
        self.age(now);
        if let Some(giver) = self.chosen(wanted) {
            return Some(giver);
        }
        self.giver = self.choose(most);
        self.chosen(wanted)
    }

    fn chosen(&self, wanted: u64) -> Option<(Arc<dyn GivesWay>, u64)> {
        let Giver { at, left, spared } = self.giver.as_ref()?;
        let member = self.all.get(*at)?;
        let bytes = wanted.min(*left).min(member.held().saturating_sub(*spared));
        if bytes == 0 { None } else { Some((member.memory.upgrade()?, bytes)) }
    }

    /// It may be more than was wanted: values have sizes of their own.
    fn has_given(&mut self, bytes: u64) {
        if let Some(giver) = &mut self.giver {
            giver.left = giver.left.saturating_sub(bytes);
        }
    }

    /// The one with the least use per byte, of those that hold more than what is left to everybody.
    fn choose(&mut self, most: u64) -> Option<Giver> {
        self.all.retain(|member| member.memory.strong_count() > 0);
        self.all.iter_mut().for_each(Member::look);
        let holding = self.all.iter().filter(|member| member.held() > 0).count() as u64;
        let spared = most / SPARED / holding.max(1);
        let candidates = self.all.iter().enumerate().map(|(at, member)| (at, member, member.held()));
        let (at, ..) = candidates
            .filter(|(.., held)| *held > spared)
            .min_by(|(_, one, held), (_, other, others)| one.worth(*held).total_cmp(&other.worth(*others)))?;
        Some(Giver { at, left: (most / CHOICES).max(1), spared })
    }

    fn age(&mut self, now: Timestamp) {
        let halvings = now.since(self.halved_at).as_secs() / HALF_LIFE.as_secs();
        // A clock that was set back must not keep uses from aging until it is where it was.
        if halvings > 0 || now < self.halved_at {
            self.halved_at = now;
            let left = 0.5_f64.powi(i32::try_from(halvings).unwrap_or(i32::MAX));
            for member in &mut self.all {
                member.look();
                member.use_of_late *= left;
            }
        }
    }
}

impl Member {
    fn held(&self) -> u64 {
        self.stake.upgrade().map_or(0, |stake| stake.held())
    }

    /// Counts the uses since the last look.
    #[expect(clippy::cast_precision_loss, reason = "it is compared, not counted")]
    fn look(&mut self) {
        let uses = (self.uses)();
        self.use_of_late += uses.saturating_sub(self.uses_seen) as f64;
        self.uses_seen = uses;
    }

    /// Its use per byte. One more than there were: of those that nobody uses, the largest gives way.
    #[expect(clippy::cast_precision_loss, reason = "it is compared, not counted")]
    fn worth(&self, held: u64) -> f64 {
        (self.use_of_late + 1.0) / held as f64
    }
}

#[cfg(test)]
#[path = "pool/tests.rs"] // as this file has a path, too
mod tests;
