//! A few numbers at the beginning of a file, of which a torn write leaves the ones before: two places of 64 bytes are
//! written in turn, and the one that was written last counts.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use twox_hash::XxHash3_64;

const PLACE: usize = 64;
/// What both places take.
pub(super) const LENGTH: u64 = 2 * PLACE as u64;
/// Numbers in a header.
pub(super) type Numbers = [u64; 5];

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The file is empty.
    Nothing,
    Unreadable,
    Numbers(Numbers),
}

/// Where the next numbers go.
#[derive(Debug)]
pub(super) struct Header {
    magic: [u8; 8],
    version: u64,
}

impl Header {
    /// Reads no more than the two places, whatever `file` is.
    pub(super) fn read(mut file: &File, magic: [u8; 8]) -> io::Result<(Self, Found)> {
        let mut bytes = Vec::with_capacity(2 * PLACE);
        file.seek(SeekFrom::Start(0))?;
        file.take(LENGTH).read_to_end(&mut bytes)?;
        let places = bytes.chunks(PLACE).filter_map(|place| decode(place, magic));
        let newest = places.max_by_key(|(version, _)| *version);
        let found = match newest {
            Some((_, numbers)) => Found::Numbers(numbers),
            None if bytes.is_empty() => Found::Nothing,
            None => Found::Unreadable,
        };
        Ok((Self { magic, version: newest.map_or(0, |(version, _)| version) }, found))
    }

    /// They are on the disk once the file was synced.
    pub(super) fn write(&mut self, mut file: &File, numbers: Numbers) -> io::Result<()> {
        let version = self.version.saturating_add(1);
        file.seek(SeekFrom::Start(version % 2 * PLACE as u64))?;
        file.write_all(&encode(self.magic, version, numbers))?;
        self.version = version;
        Ok(())
    }
}

fn encode(magic: [u8; 8], version: u64, numbers: Numbers) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PLACE);
    bytes.extend_from_slice(&magic);
    for number in std::iter::once(version).chain(numbers) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&XxHash3_64::oneshot(&bytes).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8], ours: [u8; 8]) -> Option<(u64, Numbers)> {
    let bytes: &[u8; PLACE] = bytes.try_into().ok()?;
    let (covered, checksum) = bytes.split_last_chunk::<8>()?;
    if u64::from_le_bytes(*checksum) != XxHash3_64::oneshot(covered) {
        return None;
    }
    let (words, _) = covered.as_chunks::<8>();
    let [magic, version, numbers @ ..]: [[u8; 8]; 7] = words.try_into().ok()?;
    (magic == ours).then(|| (u64::from_le_bytes(version), numbers.map(u64::from_le_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: [u8; 8] = *b"a header";

    fn numbers(n: u64) -> Numbers {
        [n, 2, 3, 4, 5]
    }

    fn found(file: &File) -> Found {
        Header::read(file, MAGIC).unwrap().1
    }

    #[test]
    fn the_last_numbers_are_found_again() {
        let file = tempfile::tempfile().unwrap();
        let (mut header, nothing) = Header::read(&file, MAGIC).unwrap();
        assert_eq!(nothing, Found::Nothing);
        for n in 0..5 {
            header.write(&file, numbers(n)).unwrap();
            assert_eq!(found(&file), Found::Numbers(numbers(n)));
        }
        assert_eq!(Header::read(&file, *b"another_").unwrap().1, Found::Unreadable);
    }

    #[test]
    fn a_torn_write_leaves_the_numbers_before() {
        let mut file = tempfile::tempfile().unwrap();
        let (mut header, _) = Header::read(&file, MAGIC).unwrap();
        header.write(&file, numbers(1)).unwrap();
        header.write(&file, numbers(2)).unwrap();

        file.seek(SeekFrom::Start(30)).unwrap(); // the second write went to the first place
        file.write_all(&[77]).unwrap();

        assert_eq!(found(&file), Found::Numbers(numbers(1)));
    }

    #[test]
    fn garbage_is_unreadable_and_not_nothing() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 200]).unwrap();

        assert_eq!(found(&file), Found::Unreadable);
    }
}
