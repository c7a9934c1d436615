//! In which order entries are asked for.

use std::{
    collections::HashSet,
    env,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use hybrid_cache_benches::keys::Distribution;

/// A sequence of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// Some keys far more often than others.
    Zipf,
    /// The same, and now and then somebody walks through many keys that nobody asks for again.
    ZipfWithScans,
    /// Like zipf, but every now and then other keys are the frequent ones.
    ZipfShifting,
    /// All keys in the same order, again and again: what was asked for longest ago is what comes next.
    Loop,
    /// What a program was once seen to ask for.
    Recorded,
}

/// How many keys there are under zipf.
const KEYS: usize = 100_000;

/// How many keys there are in the loop.
const LOOP: u32 = 12_000;

/// For how many of a thousand keys of the recorded trace there is room.
const ROOM_IN_THOUSANDTHS: [usize; 5] = [2, 10, 50, 100, 200];

impl Trace {
    pub(crate) const ALL: [Self; 5] =
        [Self::Zipf, Self::ZipfWithScans, Self::ZipfShifting, Self::Loop, Self::Recorded];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Zipf => "zipf",
            Self::ZipfWithScans => "zipf with scans",
            Self::ZipfShifting => "zipf that shifts",
            Self::Loop => "loop",
            Self::Recorded => "recorded",
        }
    }

    /// For how many entries there is room: under zipf a thousandth, a hundredth and a tenth of the keys; in the loop half of
    /// them, most, and nearly all; for the recorded trace shares of all keys in it.
    pub(crate) fn capacities(self) -> io::Result<Vec<usize>> {
        Ok(match self {
            Self::Zipf | Self::ZipfWithScans | Self::ZipfShifting => vec![100, 1_000, 10_000],
            Self::Loop => vec![6_000, 10_000, 11_500],
            Self::Recorded => {
                let keys = recorded(usize::MAX)?.into_iter().collect::<HashSet<_>>().len();
                ROOM_IN_THOUSANDTHS.map(|thousandths| keys * thousandths / 1_000).to_vec()
            }
        })
    }

    /// The first `length` keys, where there are as many; the same ones each time.
    pub(crate) fn keys(self, length: usize) -> io::Result<Vec<u32>> {
        let zipf = || Distribution::Zipf.sequence(KEYS, length);
        Ok(match self {
            Self::Zipf => zipf(),
            Self::ZipfWithScans => with_scans(&zipf()),
            Self::ZipfShifting => shifting(&zipf()),
            Self::Loop => (0..LOOP).cycle().take(length).collect(),
            Self::Recorded => recorded(length)?,
        })
    }
}

/// After each 50 000 keys 10 000 that never come again.
fn with_scans(keys: &[u32]) -> Vec<u32> {
    let mut never_seen = 1_000_000..;
    let mut all = Vec::new();
    for part in keys.chunks(50_000) {
        all.extend(part);
        all.extend(never_seen.by_ref().take(10_000));
    }
    all
}

/// After each 100 000 keys each one's place is taken by another one.
fn shifting(keys: &[u32]) -> Vec<u32> {
    // As keys are in no order of frequency, any step will do.
    const STEP: usize = 7_919;
    let shifted = |(at, key): (usize, &u32)| (*key as usize + at / 100_000 * STEP) % KEYS;
    keys.iter().enumerate().map(|at_key| u32::try_from(shifted(at_key)).unwrap()).collect()
}

/// Where the recorded trace is: what `HYBRID_CACHE_TRACE` says, else beside the workspace. `None` if there is none.
pub(crate) fn recording() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces/OLTP.lis.zst");
    let path = env::var_os("HYBRID_CACHE_TRACE").map_or(beside, PathBuf::from);
    path.exists().then_some(path)
}

/// The pages of a file in the format of the ARC paper, with zstd or plain: a line is the first page, how many in a row,
/// and what does not matter here.
fn recorded(length: usize) -> io::Result<Vec<u32>> {
    let path = recording().ok_or_else(|| io::Error::other("there is no recorded trace"))?;
    let file = File::open(&path)?;
    let text: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "zst") {
        Box::new(zstd::Decoder::new(file)?)
    } else {
        Box::new(file)
    };
    let mut keys = Vec::new();
    for line in BufReader::new(text).lines() {
        let line = line?;
        let mut words = line.split_whitespace().map(str::parse::<u32>);
        let (Some(Ok(first)), Some(Ok(pages))) = (words.next(), words.next()) else {
            return Err(io::Error::other(format!("{}: not a line of a trace: {line}", path.display())));
        };
        keys.extend(first..first + pages);
        if keys.len() >= length {
            break;
        }
    }
    keys.truncate(length);
    Ok(keys)
}
