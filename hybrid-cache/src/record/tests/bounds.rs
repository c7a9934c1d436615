//! What decoding may cost, and that nothing is stored that costs more.

use allocation_counter::measure;

use super::*;
use crate::{
    record::{
        bounds::take,
        codec::{EncodeError, NoRoundTrip},
    },
    shape::{DEEPEST, ShapeError},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Not(Box<Tree>),
    All(Vec<Tree>),
}

fn nested(depth: usize) -> Tree {
    (0..depth).fold(Tree::Leaf, |tree, _| Tree::Not(Box::new(tree)))
}

fn refused<V: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<Refusal> {
    take::<V>(bytes, None).err()
}

#[derive(Debug, Deserialize)]
struct Chain(#[expect(dead_code, reason = "only read")] Option<Box<Chain>>);

#[test]
fn bytes_that_are_nested_too_deeply_are_refused_before_the_stack_ends() {
    let deep = vec![1; 1_000_000];
    assert_eq!(refused::<Tree>(&deep), Some(Refusal::TooDeep));

    // One list in the other, each of one element.
    let lists = [2, 1].repeat(500_000);
    assert_eq!(refused::<Tree>(&lists), Some(Refusal::TooDeep));
    assert_eq!(refused::<Chain>(&deep), Some(Refusal::TooDeep));
}

#[test]
fn a_type_that_contains_itself_and_no_bytes_is_refused() {
    #[derive(Debug, Deserialize)]
    struct Endless(#[expect(dead_code, reason = "only read")] Box<Endless>);
    assert_eq!(refused::<Endless>(&[]), Some(Refusal::TooDeep));
}

#[test]
fn a_value_that_is_nested_too_deeply_to_be_read_is_not_written() {
    let codec = Codec::<Tree>::new();
    assert!(codec.encode(&nested(DEEPEST - 1)).is_ok());
    // The one that is as deep as may be written may be too deep to be read, never the other way round.
    for depth in [DEEPEST, DEEPEST + 1, 100 * DEEPEST] {
        let error = codec.encode(&nested(depth)).unwrap_err();
        assert!(error.is_of_the_value(), "{depth}: {error}");
    }
    let error = codec.encode(&nested(1_000)).unwrap_err();
    assert!(matches!(error, NoRoundTrip::Encode(EncodeError::Shape(ShapeError::TooDeep))));
    assert_eq!(codec.size()(&nested(1_000)), usize::MAX);
}

#[test]
fn elements_of_no_size_are_bounded() {
    #[derive(Debug, Deserialize)]
    struct Nothing;
    // 2^62.
    let bytes = [&[0x80; 8][..], &[0x40]].concat();
    assert_eq!(refused::<Vec<()>>(&bytes), Some(Refusal::TooLarge));
    assert_eq!(refused::<Vec<Nothing>>(&bytes), Some(Refusal::TooLarge));
    #[expect(clippy::zero_sized_map_values, reason = "of such maps this is about")]
    let map = refused::<BTreeMap<(), ()>>(&bytes);
    assert_eq!(map, Some(Refusal::TooLarge));
    assert!(Codec::new().encode(&vec![(); 1_000]).is_ok());
    assert!(Codec::new().encode(&vec![(); 1 << 21]).unwrap_err().is_of_the_value());
}

/// How much memory reading `bytes` as a `V` takes at most.
fn memory<V: for<'de> Deserialize<'de>>(bytes: &[u8]) -> (Option<Refusal>, u64) {
    let mut refusal = None;
    let allocated = measure(|| refusal = refused::<V>(bytes));
    (refusal, allocated.bytes_max)
}

/// In front of `count` bytes that are 0.
fn zeros(count: usize) -> Vec<u8> {
    let mut bytes = postcard::to_allocvec(&count).unwrap();
    bytes.resize(bytes.len() + count, 0);
    bytes
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "of such types this is about")]
enum Large {
    Nothing,
    Numbers([u64; 32], [u64; 32]),
}

#[test]
fn memory_is_bounded_by_the_bytes_there_are() {
    let bytes = zeros(1 << 20);
    // A vector that grows has what it had and twice as much for a moment.
    let most = 3 * (33 << 20);
    for (refusal, allocated) in [
        memory::<Vec<Large>>(&bytes),
        memory::<Vec<Box<Large>>>(&bytes),
        memory::<Vec<Option<[[u64; 16]; 32]>>>(&bytes),
        memory::<Vec<(Box<Large>,)>>(&bytes),
    ] {
        assert_eq!(refusal, Some(Refusal::TooLarge));
        assert!(allocated < most, "{allocated} bytes");
    }
    // What is as large as its bytes say is not refused.
    assert_eq!(memory::<Vec<Option<String>>>(&bytes).0, None);
    assert_eq!(
        memory::<Vec<(u8, Large)>>(&zeros(2_000)).0,
        Some(Refusal::Undecodable(postcard::Error::DeserializeUnexpectedEnd))
    );
}

#[test]
fn no_room_is_made_for_elements_that_are_only_promised() {
    #[derive(Debug, Deserialize)]
    struct Branch {
        #[expect(dead_code, reason = "makes it large")]
        name: Option<[[u64; 32]; 4]>,
        #[expect(dead_code, reason = "only read")]
        branches: Vec<Branch>,
    }
    // Each branch has no name and 4 095 branches, of which the first follows.
    let promised = [0x00, 0xff, 0x1f].repeat(100);
    let (refusal, allocated) = memory::<Branch>(&[&promised[..], &[0; 4_096]].concat());
    assert!(refusal.is_some());
    assert!(allocated < 24 << 20, "{allocated} bytes");
}

#[test]
fn a_value_that_takes_more_memory_than_its_bytes_warrant_is_not_written() {
    let codec = Codec::new();
    assert!(codec.encode(&vec![Large::Nothing; 1_000]).is_ok());
    let error = codec.encode(&vec![Large::Nothing; 10_000]).unwrap_err();
    assert!(matches!(error, NoRoundTrip::Bounds(Refusal::TooLarge)) && error.is_of_the_value());
}

#[test]
fn an_error_of_ours_that_a_type_makes_something_else_of_is_a_refusal_all_the_same() {
    #[derive(Debug)]
    struct Lenient;
    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let _ = Vec::<()>::deserialize(deserializer);
            Ok(Self)
        }
    }
    let bytes = [&[0x80; 8][..], &[0x40]].concat();
    assert_eq!(refused::<Lenient>(&bytes), Some(Refusal::TooLarge));
}

proptest! {
    /// The bounds are in nobody's way: what postcard reads of ordinary bytes is read.
    #[test]
    fn what_is_read_is_what_postcard_reads(bytes in proptest::collection::vec(0..4_u8, 0..60)) {
        type Answer = (Option<Tree>, Vec<(u8, String)>, BTreeMap<i16, char>, [bool; 2]);
        let ours = take::<Answer>(&bytes, None).map(|taken| (taken.value, taken.rest));
        match postcard::take_from_bytes::<Answer>(&bytes) {
            Ok(theirs) => prop_assert_eq!(ours, Ok(theirs)),
            Err(error) => prop_assert_eq!(ours, Err(Refusal::Undecodable(error))),
        }
    }
}
