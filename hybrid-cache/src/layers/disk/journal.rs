//! What the processes of one directory tell each other, and those that come after them: which keys were forgotten, and of
//! which an answer was replaced.
//!
//! ```text
//! <dir>/removals.lock    held while a process appends
//!       removals.log     header 128: where the entries begin and end, as places that are never used twice
//!                        entry: length 4 · checksum 8 · key, of a row or of a function's epoch
//! ```
//!
//! A removal is an entry here, on the disk before it counts as done; that the row goes, in the store of this process and in
//! those of others, may follow at leisure. Each store remembers the place up to which it has made what is written here, in
//! the transaction that makes it. So a store from before (a crash, a damaged file, a slot that nobody used) forgets on
//! opening what it has missed, and a process that runs looks before each answer whether there is more: one `lstat`.
//!
//! The log is bounded. A store that has missed more than is left of it, and every store of a directory whose log was damaged
//! or deleted, begins empty ([`Fault::Untrusted`]).

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use twox_hash::XxHash3_64;

use super::{
    engine::Fault,
    exchange::{Epochs, Forgetting, Mark, random},
    files::{self, Identity, Opened, Stamp},
    header::{self, Found, Header},
    row::scope_of,
    slot,
    sync::lock,
};
use crate::clock::Clock;

const MAGIC: [u8; 8] = *b"hcgone01";
const LOG: &str = "removals.log";
const LOCK: &str = "removals.lock";
/// A new log, before it takes the place of the one before.
const FRESH: &str = "removals.new";
/// From this size on the older entries are given up.
pub(super) const LARGEST: u64 = 4 << 20;
/// So much of it is kept then.
const KEPT: u64 = LARGEST / 2;
/// Keys that are remembered, each as a number, to refuse what was read before they were forgotten.
const NAMED: usize = 64 * 1024;
/// Keys that others forgot and that the writing thread has not removed yet.
const PENDING: usize = 64 * 1024;
/// How long another process may keep us from appending. It takes microseconds, unless it was stopped meanwhile.
const LOCKED: Duration = Duration::from_secs(2);

/// A place in the log: up to here, everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Of the log: another one has other places.
    pub(super) log: u64,
    pub(super) at: u64,
}

/// What a log can tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    log: u64,
    begins: u64,
    ends: u64,
}

impl Span {
    /// Whether all that follows `place` is there.
    fn reaches_back_to(&self, place: Place) -> bool {
        place.log == self.log && (self.begins..=self.ends).contains(&place.at)
    }

    pub(super) const fn end(&self) -> Place {
        Place { log: self.log, at: self.ends }
    }
}

/// Something that another process forgot, to be made in the store of this one.
#[derive(Debug)]
pub(super) enum Foreign {
    /// The row is not found by reads meanwhile.
    Row(Mark),
    /// The function has another epoch already.
    Scope(Box<str>),
}

/// What a look into the log brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// Grows with everything that is heard.
    pub(super) moment: u64,
    /// Whether something is to be made in the store.
    pub(super) pending: bool,
}

/// What is to be made now, and the place up to which that is everything.
pub(super) struct Pending {
    pub(super) foreign: Vec<Foreign>,
    pub(super) place: Option<Place>,
}

#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
    clock: Clock,
    forgetting: Arc<Forgetting>,
    epochs: Arc<Epochs>,
    /// Counts what others forgot, as this process hears of it. Changes only while `state` is locked, after all else did: who
    /// sees a moment sees what was heard up to it.
    moment: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    log: Option<Log>,
    /// When each key was heard of last, by the number of its text.
    named: HashMap<u64, u64>,
    /// Before this moment, any key may have been.
    named_since: u64,
    foreign: Vec<Foreign>,
    /// The file in which something was found that cannot be: another one takes its place.
    damaged: Option<Identity>,
}

#[derive(Debug)]
struct Log {
    file: Arc<File>,
    identity: Identity,
    span: Span,
    /// Up to here its entries are known.
    seen: u64,
    /// As it was when they were read, if nothing lay behind them.
    stamp: Option<Stamp>,
}

impl Journal {
    pub(super) fn new(dir: PathBuf, clock: Clock, forgetting: Arc<Forgetting>, epochs: Arc<Epochs>) -> Self {
        let state =
            State { log: None, named: HashMap::new(), named_since: 0, foreign: Vec::new(), damaged: None };
        Self { dir, clock, forgetting, epochs, moment: AtomicU64::new(1), state: Mutex::new(state) }
    }

    /// Opens the log, or begins one where there is none that can be read. What was heard before counts no more: stores are
    /// to be opened next, and what they have missed is found by [`follow`](Self::follow).
    pub(super) fn open(&self) -> Result<Span, Fault> {
        let _alone = self.alone()?;
        self.open_alone(&mut lock(&self.state))
    }

    fn open_alone(&self, state: &mut State) -> Result<Span, Fault> {
        let moment = self.moment() + 1;
        state.begin_again(moment);
        self.moment.store(moment, Ordering::Release);
        let log = match self.opened()? {
            Ok(log) if state.damaged != Some(log.identity) => log,
            Ok(_) => self.begin("its log is damaged")?,
            Err(why) => self.begin(why)?,
        };
        // That file is gone, and another one may have its number next.
        state.damaged = None;
        Ok(state.log.insert(log).span)
    }

    /// Begins a log: from here on, whatever agreed with the one before is not trusted.
    fn begin(&self, why: &str) -> Result<Log, Fault> {
        if slot::is_in_use(&self.dir)? {
            let dir = self.dir.display();
            tracing::warn!(%dir, why, "what was removed from the disk cache is not known any more; its stores begin empty");
        }
        self.replace(Span { log: random(), begins: 0, ends: 0 }, &[])
    }

    /// The log as it is found, or why it cannot be used.
    fn opened(&self) -> Result<Result<Log, &'static str>, Fault> {
        let file = match files::open(&self.path()).map_err(Fault::refused)? {
            Opened::File(file) => file,
            Opened::SomethingElse => return Ok(Err("its log is not a file of ours")),
            Opened::Nothing => return Ok(Err("its log is gone")),
        };
        let identity = Identity::of(&file.metadata().map_err(Fault::refused)?);
        let span = span_of(&file).map_err(Fault::refused)?.ok_or("its log is damaged");
        Ok(span.map(|span| Log { file: Arc::new(file), identity, span, seen: span.ends, stamp: None }))
    }

    /// Hears what follows `place`. `false` if that is not known any more.
    pub(super) fn follow(&self, place: Place) -> Result<bool, Fault> {
        let mut state = lock(&self.state);
        let State { log: Some(log), damaged, .. } = &mut *state else { return Err(gone()) };
        if log.span.reaches_back_to(place) {
            (log.seen, log.stamp) = (place.at, None);
            return self.hear(&mut state).map(|()| true);
        }
        if place.log == log.span.log && place.at > log.span.ends {
            // It has lost its end. Stores that know less would not notice.
            *damaged = Some(log.identity);
            return Err(damaged_log());
        }
        Ok(false)
    }

    /// Hears what others have forgotten up to now.
    pub(super) fn look(&self) -> Result<Heard, Fault> {
        let mut state = lock(&self.state);
        self.hear(&mut state)?;
        Ok(Heard { moment: self.moment(), pending: !state.foreign.is_empty() })
    }

    /// The moment up to which others were heard, without a look, and without waiting for somebody else's: callers ask on
    /// threads of their own. An earlier moment than that of the lock is as good: more counts as forgotten since.
    pub(super) fn moment(&self) -> u64 {
        self.moment.load(Ordering::Acquire)
    }

    /// Whether another process may have forgotten the row of `key` since `moment`.
    pub(super) fn has_named(&self, key: &[u8], moment: u64) -> bool {
        let state = lock(&self.state);
        state.named_since > moment
            || (!state.named.is_empty()
                && state.named.get(&number_of(key)).is_some_and(|named| *named > moment))
    }

    /// What is to be made in the store, in the order in which it was heard.
    pub(super) fn take(&self) -> Pending {
        let mut state = lock(&self.state);
        let place = state.log.as_ref().map(|log| Place { log: log.span.log, at: log.seen });
        Pending { foreign: std::mem::take(&mut state.foreign), place }
    }

    /// Tells the others, and whoever comes next, that these rows and epochs are not what they were. On the disk when it
    /// returns.
    pub(super) fn append(&self, keys: &[Arc<[u8]>]) -> Result<(), Fault> {
        let file = {
            let _alone = self.alone()?;
            let mut state = lock(&self.state);
            if state.log.is_none() {
                self.open_alone(&mut state)?;
            }
            // An entry that is not known here would be overwritten: the log is read, whatever the stamp says.
            if let Some(log) = &mut state.log {
                log.stamp = None;
            }
            // First, so that what is heard later is later.
            self.hear(&mut state)?;
            let State { log: Some(log), damaged, .. } = &mut *state else { return Err(gone()) };
            let entries: Vec<u8> = keys.iter().flat_map(|key| entry(log.span.log, key)).collect();
            let ends = log.seen + entries.len() as u64;
            if ends - log.span.begins > LARGEST {
                let Some(shorter) = self.shorten(log, &entries)? else {
                    *damaged = Some(log.identity);
                    return Err(damaged_log());
                };
                *log = shorter;
            } else {
                log.write(ends, &entries).map_err(Fault::refused)?;
            }
            Arc::clone(&log.file)
        };
        // Beside those who append meanwhile. If one of them has exchanged the log, that one has synced what was in it.
        file.sync_data().map_err(Fault::refused)
    }

    /// Removes the log, and with it the worth of every store: where nothing can be written, this still can be done.
    pub(super) fn discard(&self) -> Result<(), Fault> {
        slot::remove(&self.path())?;
        files::sync_names(&self.dir).map_err(Fault::refused)
    }

    fn path(&self) -> PathBuf {
        self.dir.join(LOG)
    }

    /// Keeps other processes from appending until it is dropped.
    fn alone(&self) -> Result<File, Fault> {
        let path = self.dir.join(LOCK);
        let patience = Instant::now() + LOCKED;
        loop {
            let file = files::open_or_create(&path, self.clock.now())?;
            match file.try_lock() {
                Ok(()) if files::is_in_place(&path, &file).map_err(Fault::refused)? => return Ok(file),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(Fault::refused(error)),
            }
            if Instant::now() > patience {
                return Err(Fault::refused(format!("{} is held by another process", path.display())));
            }
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn hear(&self, state: &mut State) -> Result<(), Fault> {
        let path = self.path();
        let found = match fs::symlink_metadata(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(gone());
            }
            found => found.map_err(Fault::refused)?,
        };
        let Some(log) = &mut state.log else { return Err(gone()) };
        let stamp = Stamp::of(&found);
        if log.stamp == Some(stamp) {
            return Ok(());
        }
        if log.identity != stamp.file {
            // One that cannot be read is found again when it is opened, and replaced.
            let Ok(now) = self.opened()? else { return Err(damaged_log()) };
            // The same, without its beginning; or one that was begun since.
            if !now.span.reaches_back_to(Place { log: log.span.log, at: log.seen }) {
                return Err(Fault::untrusted("more was removed by others than is remembered"));
            }
            *log = Log { seen: log.seen, ..now };
        }
        let seen = log.seen;
        let Some(keys) = log.more().map_err(Fault::refused)? else {
            state.damaged = Some(log.identity);
            return Err(damaged_log());
        };
        if state.foreign.len() + keys.len() > PENDING {
            // Not heard, then: whoever looks next is to find the same, until the log is opened again.
            log.seen = seen;
            return Err(Fault::untrusted("more was removed by others than could be made up for"));
        }
        // While entries lie behind that end, the header speaks of them next, and need not change the stamp: its length stays,
        // and the clock of a file system is coarse.
        log.stamp = (stamp.length == log.offset(log.span.ends)).then_some(stamp);
        if keys.is_empty() {
            return Ok(());
        }
        let moment = self.moment() + 1;
        for key in keys {
            if state.named.len() >= NAMED {
                state.named.clear();
                state.named_since = moment;
            }
            state.named.insert(number_of(&key), moment);
            state.foreign.push(match scope_of(&key) {
                Some(scope) => {
                    self.epochs.change(scope);
                    Foreign::Scope(scope.into())
                }
                None => Foreign::Row(self.forgetting.mark(&key.into())),
            });
        }
        self.moment.store(moment, Ordering::Release);
        Ok(())
    }

    /// The log without its older half, and with `entries` at its end; `None` if the older half cannot be what was written.
    fn shorten(&self, log: &Log, entries: &[u8]) -> Result<Option<Log>, Fault> {
        let kept = log.read(log.span.begins, log.seen).map_err(Fault::refused)?;
        let ends = log.seen + entries.len() as u64;
        let mut begins = log.span.begins;
        let Some(keys) = keys(&kept, log.span.log) else { return Ok(None) };
        for key in keys {
            if ends - begins <= KEPT {
                break;
            }
            begins += entry_length(&key);
        }
        // Too much at once: nothing is left for those who have not heard of it.
        let (begins, left) = if ends - begins <= LARGEST {
            let old = usize::try_from(begins - log.span.begins).unwrap_or(usize::MAX);
            (begins, [kept.get(old..).unwrap_or_default(), entries].concat())
        } else {
            (ends, Vec::new())
        };
        self.replace(Span { begins, ends, ..log.span }, &left).map(Some)
    }

    /// Puts a new log in the place of whatever is there.
    fn replace(&self, span: Span, entries: &[u8]) -> Result<Log, Fault> {
        let (path, fresh) = (self.path(), self.dir.join(FRESH));
        slot::remove(&fresh)?;
        let file = files::create(&fresh).map_err(Fault::refused)?;
        let (mut header, _) = Header::read(&file, MAGIC).map_err(Fault::refused)?;
        let written = header
            .write(&file, span.numbers())
            .and_then(|()| write_at(&file, header::LENGTH, entries))
            .and_then(|()| file.sync_data());
        written.map_err(Fault::refused)?;
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            slot::set_aside(&path, self.clock.now())?;
        }
        fs::rename(&fresh, &path).map_err(Fault::refused)?;
        files::sync_names(&self.dir).map_err(Fault::refused)?;
        let identity = Identity::of(&file.metadata().map_err(Fault::refused)?);
        Ok(Log { file: Arc::new(file), identity, span, seen: span.ends, stamp: None })
    }
}

impl State {
    fn begin_again(&mut self, moment: u64) {
        self.log = None;
        self.foreign.clear();
        self.named.clear();
        self.named_since = moment;
    }
}

impl Log {
    /// Where in the file a place is.
    fn offset(&self, place: u64) -> u64 {
        header::LENGTH + place.saturating_sub(self.span.begins)
    }

    /// The keys of the entries that were not seen yet; `None` if that cannot be what was written.
    fn more(&mut self) -> io::Result<Option<Vec<Vec<u8>>>> {
        let seen = Place { log: self.span.log, at: self.seen };
        let Some(span) = span_of(&self.file)?.filter(|span| span.reaches_back_to(seen)) else {
            return Ok(None);
        };
        let entries = self.read(self.seen, span.ends)?;
        let keys = keys(&entries, span.log);
        if keys.is_some() {
            (self.span, self.seen) = (span, span.ends);
        }
        Ok(keys)
    }

    fn read(&self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let mut file = &*self.file;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.offset(from)))?;
        file.take(to.saturating_sub(from)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, ends: u64, entries: &[u8]) -> io::Result<()> {
        let at = self.offset(self.seen);
        // What lies behind its end was left by somebody who did not come to the end of it.
        if self.file.metadata()?.len() > at {
            self.file.set_len(at)?;
        }
        write_at(&self.file, at, entries)?;
        let (mut header, _) = Header::read(&self.file, MAGIC)?;
        let span = Span { ends, ..self.span };
        header.write(&self.file, span.numbers())?;
        (self.span, self.seen) = (span, ends);
        Ok(())
    }
}

impl Span {
    const fn numbers(&self) -> header::Numbers {
        [self.log, self.begins, self.ends, 0, 0]
    }
}

/// What the header of a log says; `None` if that cannot be.
fn span_of(file: &File) -> io::Result<Option<Span>> {
    let (_, Found::Numbers([log, begins, ends, ..])) = Header::read(file, MAGIC)? else { return Ok(None) };
    // Asked after the header was read: entries are there before it speaks of them.
    let size = file.metadata()?.len();
    let length = ends.checked_sub(begins);
    let sound = length.is_some_and(|length| length <= LARGEST && size >= header::LENGTH + length);
    Ok(sound.then_some(Span { log, begins, ends }))
}

fn write_at(mut file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

fn entry(log: u64, key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), &XxHash3_64::oneshot_with_seed(log, key).to_le_bytes()[..], key].concat()
}

const fn entry_length(key: &[u8]) -> u64 {
    12 + key.len() as u64
}

/// The keys of entries; `None` if they are not what was written.
fn keys(mut entries: &[u8], log: u64) -> Option<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    while !entries.is_empty() {
        let (length, rest) = entries.split_first_chunk()?;
        let (checksum, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        if u64::from_le_bytes(*checksum) != XxHash3_64::oneshot_with_seed(log, key) {
            return None;
        }
        keys.push(key.to_vec());
        entries = rest;
    }
    Some(keys)
}

fn number_of(key: &[u8]) -> u64 {
    XxHash3_64::oneshot(key)
}

fn gone() -> Fault {
    Fault::untrusted("its log of removals is gone")
}

fn damaged_log() -> Fault {
    Fault::untrusted("its log of removals is damaged")
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::mpsc};

    use tempfile::TempDir;

    use super::*;

    /// The journals of two processes of one directory, both opened.
    fn two() -> (TempDir, Journal, Journal) {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (journal(dir.path()), journal(dir.path()));
        (dir, first, second)
    }

    fn journal(dir: &Path) -> Journal {
        let journal = Journal::new(dir.to_owned(), Clock::Process, Arc::default(), Arc::default());
        journal.open().unwrap();
        journal
    }

    fn key(name: &str) -> Arc<[u8]> {
        format!("r{name}").as_bytes().into()
    }

    /// The rows that are to be forgotten, in the order in which they were heard of.
    fn heard(journal: &Journal) -> Vec<Arc<[u8]>> {
        journal.look().unwrap();
        let rows = journal.take().foreign.into_iter().map(|foreign| match foreign {
            Foreign::Row(mark) => mark.key(),
            Foreign::Scope(scope) => panic!("{scope}"),
        });
        rows.collect()
    }

    /// As if all since the last look had happened at the time of that look, as far as the file system tells.
    fn within_one_tick(journal: &Journal) {
        let changed = now(journal).changed;
        let mut state = lock(&journal.state);
        let log = state.log.as_mut().unwrap();
        log.stamp = log.stamp.map(|then| Stamp { changed, ..then });
    }

    fn now(journal: &Journal) -> Stamp {
        Stamp::of(&fs::symlink_metadata(journal.path()).unwrap())
    }

    #[test]
    fn a_look_between_an_entry_and_its_header_does_not_hide_the_entry() {
        let (_dir, first, second) = two();
        let state = lock(&second.state);
        let Log { file, span, .. } = state.log.as_ref().unwrap();
        let bytes = entry(span.log, &key("a"));

        write_at(file, header::LENGTH, &bytes).unwrap();
        assert!(heard(&first).is_empty());
        let span = Span { ends: bytes.len() as u64, ..*span };
        Header::read(file, MAGIC).unwrap().0.write(file, span.numbers()).unwrap();
        within_one_tick(&first);

        assert_eq!(heard(&first), [key("a")]);
    }

    #[test]
    fn what_is_appended_goes_behind_what_others_appended_whatever_the_stamp_says() {
        let (dir, first, second) = two();
        let third = journal(dir.path());
        second.append(&[key("a")]).unwrap();
        lock(&first.state).log.as_mut().unwrap().stamp = Some(now(&first));

        first.append(&[key("b")]).unwrap();

        assert_eq!(heard(&third), [key("a"), key("b")]);
    }

    #[test]
    fn too_much_to_be_made_up_for_is_too_much_for_everybody_until_the_log_is_opened_again() {
        let (_dir, first, second) = two();
        let keys: Vec<_> = (0..70_000).map(|n| key(&n.to_string())).collect();
        second.append(&keys).unwrap();

        for _ in 0..2 {
            assert!(matches!(first.look(), Err(Fault::Untrusted(_))));
        }

        first.open().unwrap();
        assert!(heard(&first).is_empty());
    }

    #[test]
    fn the_moment_is_told_while_the_log_is_at_work() {
        let (_dir, first, second) = two();
        second.append(&[key("a")]).unwrap();
        let before = first.moment();
        heard(&first);

        let (asked, answered) = mpsc::channel();
        let at_work = lock(&first.state);
        let moment = thread::scope(|scope| {
            let first = &first;
            scope.spawn(move || asked.send(first.moment()));
            let moment = answered.recv_timeout(Duration::from_secs(10));
            drop(at_work);
            moment
        });

        assert_eq!(moment, Ok(before + 1));
    }

    #[test]
    fn damage_to_what_is_to_be_given_up_ends_the_log_and_not_removals() {
        let (_dir, first, _second) = two();
        let name = "n".repeat(1 << 20);
        let keys = [1, 2, 3].map(|n| key(&format!("{name}{n}")));
        first.append(&keys).unwrap();
        let place = first.take().place.unwrap();
        {
            let state = lock(&first.state);
            write_at(&state.log.as_ref().unwrap().file, header::LENGTH + 20, b"x").unwrap();
        }

        assert!(matches!(first.append(&keys), Err(Fault::Untrusted(_))));

        first.open().unwrap();
        first.append(&keys).unwrap();
        assert!(!first.follow(place).unwrap(), "a store from before is trusted");
        assert_eq!(lock(&first.state).damaged, None);
    }
}
