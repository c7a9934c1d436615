//! What the processes of one directory know of each other's removals, side by side and one after the other.

use std::process::Command;

use super::{
    super::{
        journal::{Journal, LARGEST},
        row::row_key,
    },
    *,
};
use crate::layers::{Reading, Terms};

on_each_engine![
    what_replaces_a_record_is_as_durable_as_a_removal,
    what_one_process_forgot_no_other_answers,
    what_was_forgotten_elsewhere_stays_so_after_a_crash,
    a_slot_that_nobody_held_forgets_what_it_has_missed,
    what_was_read_before_another_process_forgot_it_is_not_stored,
    what_is_put_goes_over_what_another_process_forgot,
    a_process_that_has_missed_too_much_begins_empty_and_the_others_do_not,
    a_process_that_cannot_make_up_for_what_others_forgot_answers_none_of_it,
    whatever_happens_to_the_log_nothing_forgotten_is_answered,
    a_log_that_has_lost_its_end_is_trusted_by_nobody,
    damage_to_the_older_half_of_the_log_does_not_end_removals,
    a_removal_is_told_though_no_store_can_be_opened,
    a_removal_that_was_told_half_way_does_not_stand_in_the_way,
];

fn what_replaces_a_record_is_as_durable_as_a_removal(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"old");
    layer.put("b", b"old");
    layer.flush();

    layer.replace("a", b"new");
    layer.put("b", b"copy");

    let after = bench.crashed();
    assert_ne!(after.get("a").as_deref(), Some(&b"old"[..]));
    assert!(after.get("b").is_some(), "a copy takes no time to be safe");
}

fn what_one_process_forgot_no_other_answers(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open(), bench.open());
    for key in ["removed", "replaced", "stays"] {
        first.put(key, b"one");
        second.put(key, b"two");
    }
    let epoch = first.epoch();

    second.remove("removed");
    second.replace("replaced", b"three");
    assert_eq!(first.get("removed"), None);
    assert_eq!(first.get("replaced"), None);
    assert_eq!(first.get("stays").as_deref(), Some(&b"one"[..]));
    assert_eq!(second.get("replaced").as_deref(), Some(&b"three"[..]));
    assert_eq!(first.epoch(), epoch);

    second.remove_all();
    assert_ne!(first.epoch(), epoch);
    // What comes after it is kept as ever.
    first.put("removed", b"four");
    assert_eq!(first.get("removed").as_deref(), Some(&b"four"[..]));
}

fn what_was_forgotten_elsewhere_stays_so_after_a_crash(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open(), bench.open());
    first.put("a", b"one");
    let epoch = first.epoch();
    first.flush();
    second.remove("a");
    second.remove_all();
    assert_eq!(first.get("a"), None);

    let after = bench.crashed();
    assert_eq!(after.get("a"), None);
    assert_ne!(after.epoch(), epoch);
}

fn a_slot_that_nobody_held_forgets_what_it_has_missed(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open_and_used(), bench.open_and_used());
    for key in ["removed", "replaced", "stays"] {
        second.put(key, b"two");
    }
    let epoch = second.epoch();
    first.close();
    second.close();

    let alone = bench.open();
    alone.remove("removed");
    alone.replace("replaced", b"three");
    alone.close();
    let (_first, second) = (bench.open_and_used(), bench.open_and_used());

    assert_eq!(second.get("removed"), None);
    assert_eq!(second.get("replaced"), None);
    assert_eq!(second.get("stays").as_deref(), Some(&b"two"[..]));
    assert_eq!(second.epoch(), epoch);
}

fn what_was_read_before_another_process_forgot_it_is_not_stored(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open(), bench.open());
    first.put("a", b"one");
    for replaces in [false, true] {
        let before = first.seen("a");
        second.remove("a");
        let terms = |seen| Terms { replaces, unless_forgotten_since: Some(seen) };
        first.put_on(terms(before), "a", b"read before");
        assert_eq!(first.get("a"), None);

        let after = first.seen("a");
        second.remove("b");
        first.put_on(terms(after), "a", b"read after");
        assert_eq!(first.get("a").as_deref(), Some(&b"read after"[..]));
    }
}

fn what_is_put_goes_over_what_another_process_forgot(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open(), bench.open());
    first.get("a");
    second.remove("a");

    first.replace("a", b"put");

    assert_eq!(first.get("a").as_deref(), Some(&b"put"[..]));
    first.close();
    assert_eq!(bench.open().get("a").as_deref(), Some(&b"put"[..]));
}

fn a_process_that_has_missed_too_much_begins_empty_and_the_others_do_not(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open(), bench.open());
    first.put("a", b"one");
    second.put("b", b"two");
    for _ in 0..3 {
        second.fill_half_of_the_log();
    }
    assert!(fs::metadata(bench.root().join("removals.log")).unwrap().len() <= LARGEST + 128);

    assert!(eventually(|| wait(first.0.get(&k("a"))).ok().filter(|reading| reading.record.is_none())));
    first.put("a", b"three");
    assert_eq!(first.get("a").as_deref(), Some(&b"three"[..]));
    second.close();
    assert_eq!(bench.open().get("b").as_deref(), Some(&b"two"[..]));
}

/// Whichever of its threads is the first to hear of it.
fn a_process_that_cannot_make_up_for_what_others_forgot_answers_none_of_it(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    let other = Journal::new(bench.root(), bench.clock.clone(), Arc::default(), Arc::default());
    other.open().unwrap();
    let names = (0..70_000).map(|n| n.to_string()).chain(["a".into()]);
    let keys: Vec<_> = names.map(|name| row_key(k(&name).as_str())).collect();
    other.append(&keys).unwrap();

    let a = k("a");
    let reads: Vec<_> = (0..200).map(|_| accepted(layer.0.get(&a))).collect();
    for reading in reads.into_iter().filter_map(|read| wait(read).ok()) {
        assert_eq!(reading.record, None);
    }

    assert!(eventually(|| wait(layer.0.put(&a, b"two".to_vec(), HOUR)).ok()));
    assert_eq!(layer.get("a").as_deref(), Some(&b"two"[..]));
}

/// A way to make the log another one, or none.
type Harm = (&'static str, fn(&Path));

const HARMS: [Harm; 10] = [
    ("deleted", |log| fs::remove_file(log).unwrap()),
    ("emptied", |log| fs::write(log, b"").unwrap()),
    ("cut by one byte", |log| change(log, |bytes| bytes.truncate(bytes.len() - 1))),
    ("cut to its header", |log| change(log, |bytes| bytes.truncate(128))),
    ("another header", |log| change(log, |bytes| bytes.iter_mut().take(128).for_each(|byte| *byte = 7))),
    ("garbage in an entry", |log| change(log, |bytes| *bytes.last_mut().unwrap() ^= 1)),
    ("a directory", |log| {
        fs::remove_file(log).unwrap();
        fs::create_dir(log).unwrap();
    }),
    ("a FIFO", |log| {
        fs::remove_file(log).unwrap();
        fifo(log);
    }),
    ("a link to something without an end", |log| {
        fs::remove_file(log).unwrap();
        std::os::unix::fs::symlink("/dev/zero", log).unwrap();
    }),
    ("a new one of somebody else", |log| {
        fs::remove_file(log).unwrap();
        fs::write(log, [0; 4096]).unwrap();
    }),
];

fn whatever_happens_to_the_log_nothing_forgotten_is_answered(engine: DiskEngine) {
    for (name, harm) in HARMS {
        let bench = Bench::new(engine);
        let log = bench.root().join("removals.log");
        let (first, second) = (bench.open(), bench.open());
        first.put("a", b"one");
        second.put("a", b"two");
        first.close();
        second.close();
        let alone = bench.open();
        alone.remove("a");
        alone.close();

        harm(&log);

        let layers = [bench.open(), bench.open()];
        for layer in &layers {
            assert_eq!(layer.get("a"), None, "{name}");
            layer.put("b", b"three");
        }
        // The same beside processes that run.
        let [first, second] = &layers;
        second.remove("b");
        harm(&log);
        for layer in [first, second] {
            assert!(
                eventually(|| wait(layer.0.get(&k("b"))).ok().filter(|reading| reading.record.is_none())),
                "{name}"
            );
            layer.put("c", b"four");
            assert_eq!(layer.get("c").as_deref(), Some(&b"four"[..]), "{name}");
        }
    }
}

/// As after a crash that the log did not survive as it was: stores that know less of it would not notice.
fn a_log_that_has_lost_its_end_is_trusted_by_nobody(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let log = bench.root().join("removals.log");
    let (first, second) = (bench.open_and_used(), bench.open_and_used());
    first.put("a", b"one");
    first.close();
    let before = fs::read(&log).unwrap();
    second.remove("a");
    second.close();

    fs::write(&log, before).unwrap();

    let (first, _second) = (bench.open_and_used(), bench.open_and_used());
    assert!(eventually(|| wait(first.0.get(&k("a"))).ok().filter(|reading| reading.record.is_none())));
}

/// It is found when that half is given up.
fn damage_to_the_older_half_of_the_log_does_not_end_removals(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.fill_half_of_the_log();

    change(&bench.root().join("removals.log"), |bytes| *bytes.get_mut(200).unwrap() ^= 1);
    layer.fill_half_of_the_log();

    assert_eq!(layer.get("a"), None);
    layer.put("a", b"two");
    assert_eq!(layer.get("a").as_deref(), Some(&b"two"[..]));
}

/// A process that finds no slot has no store; what it forgets, others forget.
fn a_removal_is_told_though_no_store_can_be_opened(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let layer = bench.open();
    layer.put("a", b"one");
    layer.close();
    let hidden = bench.dir.path().join("hidden");
    fs::rename(bench.slot(), &hidden).unwrap();
    for n in 0..64 {
        fifo(&bench.root().join(format!("slot-{n}")));
    }
    let without = bench.open();
    assert!(wait(without.0.get(&k("a"))).is_err());

    without.remove("a");

    without.close();
    fs::remove_file(bench.slot()).unwrap();
    fs::rename(&hidden, bench.slot()).unwrap();
    assert_eq!(bench.open().get("a"), None);
}

/// What a process leaves behind that is killed while it appends.
fn a_removal_that_was_told_half_way_does_not_stand_in_the_way(engine: DiskEngine) {
    let bench = Bench::new(engine);
    let (first, second) = (bench.open(), bench.open());
    first.put("a", b"one");
    second.remove("b");
    change(&bench.root().join("removals.log"), |bytes| bytes.extend([1; 7]));
    assert!(first.get("a").is_some());

    second.remove("a");

    assert_eq!(first.get("a"), None);
    first.put("a", b"two");
    assert_eq!(first.get("a").as_deref(), Some(&b"two"[..]));
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

pub(super) fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

impl Handle {
    fn replace(&self, key: &str, record: &[u8]) {
        self.put_on(Terms { replaces: true, unless_forgotten_since: None }, key, record);
    }

    fn put_on(&self, terms: Terms, key: &str, record: &[u8]) {
        wait(self.0.put_on(terms, &k(key), record.to_vec(), HOUR)).unwrap();
    }

    /// With removals, and a little more than half.
    fn fill_half_of_the_log(&self) {
        let name = "n".repeat(4000);
        let keys: Vec<_> = (0..LARGEST / 8000).map(|n| k(&format!("{name}{n}"))).collect();
        let removals: Vec<_> = keys.iter().map(|key| accepted(self.0.remove(key, Duration::ZERO))).collect();
        for removal in removals {
            wait(removal).unwrap();
        }
    }

    fn seen(&self, key: &str) -> u64 {
        let Reading { seen, .. } = wait(self.0.get(&k(key))).unwrap();
        seen
    }
}

impl Bench {
    /// A layer that has its slot.
    pub(super) fn open_and_used(&self) -> Handle {
        let layer = self.open();
        layer.get("any");
        layer
    }

    /// What a process finds that starts after all others were killed now.
    fn crashed(&self) -> Crashed {
        let bench = Self { dir: tempfile::tempdir().unwrap(), clock: self.clock.clone(), ..*self };
        copy(&self.root(), &bench.root());
        Crashed { layer: bench.open(), _bench: bench }
    }
}

/// The copy of a directory, and a layer on it.
struct Crashed {
    layer: Handle,
    _bench: Bench,
}

impl std::ops::Deref for Crashed {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.layer
    }
}
