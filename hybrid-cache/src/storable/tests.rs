//! Every form of answer finds its codec, or finds that it has none.

use std::fmt;

use serde::Deserialize;

use super::*;
use crate::record::{answer_type, codec::Payload};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    name: String,
}

struct NotSerialize;

type Shared<T> = Arc<T>;

fn product() -> Product {
    Product { id: 300, name: "tea".into() }
}

/// As the expansion asks.
macro_rules! codec_of {
    ($answer:ty) => {
        CodecProbe::<$answer>::new().encoding().codec()
    };
}

/// Both have the same record, and each reads the other's.
fn assert_interchangeable<A, B>(one: (&A, Codec<A>), other: (&B, Codec<B>))
where
    A: PartialEq + fmt::Debug,
    B: PartialEq + fmt::Debug,
{
    let record = one.1.encode(one.0).unwrap();
    assert_eq!(other.1.encode(other.0).unwrap(), record);
    assert_eq!(answer_type::<A>(1), answer_type::<B>(1));
    assert_reads(one, &record);
    assert_reads(other, &record);
}

fn assert_reads<V: PartialEq + fmt::Debug>((value, codec): (&V, Codec<V>), record: &Payload) {
    let read = codec.decode(record.as_bytes(), record.opening()).unwrap();
    assert_eq!((&read.value, read.shape), (value, record.shape()));
    assert_eq!(codec.size()(value), record.as_bytes().len());
}

#[test]
fn what_stands_in_an_arc_has_the_record_that_it_has_without() {
    let (plain, shared) = (codec_of!(Product).unwrap(), codec_of!(Arc<Product>).unwrap());
    assert_interchangeable((&product(), plain), (&Arc::new(product()), shared));
    let renamed = codec_of!(Shared<Product>).unwrap();
    assert_interchangeable((&product(), plain), (&Arc::new(product()), renamed));
}

#[test]
fn an_optional_arc_has_the_record_of_an_option() {
    let (plain, shared) = (codec_of!(Option<Product>).unwrap(), codec_of!(Option<Arc<Product>>).unwrap());
    assert_interchangeable((&Some(product()), plain), (&Some(Arc::new(product())), shared));
    assert_interchangeable((&None, plain), (&None, shared));
}

#[test]
fn an_arc_of_an_option_has_the_record_of_an_option() {
    let (plain, shared) = (codec_of!(Option<Product>).unwrap(), codec_of!(Arc<Option<Product>>).unwrap());
    assert_interchangeable((&Some(product()), plain), (&Arc::new(Some(product())), shared));
}

#[test]
fn a_shared_text_has_the_record_of_a_string() {
    let (plain, shared) = (codec_of!(String).unwrap(), codec_of!(Arc<str>).unwrap());
    assert_interchangeable((&"tea".to_owned(), plain), (&Arc::from("tea"), shared));
    let (plain, shared) = (codec_of!(Option<String>).unwrap(), codec_of!(Option<Arc<str>>).unwrap());
    assert_interchangeable((&Some("tea".to_owned()), plain), (&Some(Arc::from("tea")), shared));
}

#[test]
fn a_shared_slice_has_the_record_of_a_vec() {
    let (plain, shared) = (codec_of!(Vec<Product>).unwrap(), codec_of!(Arc<[Product]>).unwrap());
    assert_interchangeable(
        (&vec![product(); 3], plain),
        (&Arc::from([product(), product(), product()]), shared),
    );
}

#[test]
fn what_a_type_parameter_stands_for_finds_its_codec_by_its_bounds() {
    fn shared<T: Serialize + DeserializeOwned>() -> Option<Codec<Arc<T>>> {
        codec_of!(Arc<T>)
    }
    fn optional<T: Serialize + DeserializeOwned>() -> Option<Codec<Option<Arc<T>>>> {
        codec_of!(Option<Arc<T>>)
    }
    fn slice<T: Serialize + DeserializeOwned>() -> Codec<Arc<[T]>> {
        require_codec(CodecProbe::<Arc<[T]>>::new().encoding())
    }
    fn required<T: Serialize + DeserializeOwned>() -> Codec<Arc<T>> {
        require_codec(CodecProbe::<Arc<T>>::new().encoding())
    }
    fn itself<T: Serialize + DeserializeOwned>() -> Option<Codec<T>> {
        codec_of!(T)
    }
    let plain = codec_of!(Product).unwrap();
    assert_interchangeable((&product(), itself().unwrap()), (&Arc::new(product()), shared().unwrap()));
    assert_interchangeable((&product(), plain), (&Arc::new(product()), required()));
    assert_interchangeable(
        (&Some(product()), codec_of!(Option<Product>).unwrap()),
        (&Some(Arc::new(product())), optional().unwrap()),
    );
    assert_interchangeable(
        (&vec![product()], codec_of!(Vec<Product>).unwrap()),
        (&Arc::from([product()]), slice()),
    );
}

#[test]
fn a_type_parameter_without_bounds_has_no_codec() {
    fn shared<T>() -> Option<Codec<Arc<T>>> {
        codec_of!(Arc<T>)
    }
    fn itself<T>() -> Option<Codec<T>> {
        codec_of!(T)
    }
    assert!(shared::<u64>().is_none());
    assert!(itself::<u64>().is_none());
}

#[test]
fn what_cannot_become_bytes_has_no_codec_in_an_arc_either() {
    assert!(codec_of!(NotSerialize).is_none());
    assert!(codec_of!(Option<NotSerialize>).is_none());
    assert!(codec_of!(Arc<NotSerialize>).is_none());
    assert!(codec_of!(Option<Arc<NotSerialize>>).is_none());
    assert!(codec_of!(Arc<[NotSerialize]>).is_none());
    assert!(codec_of!(Arc<dyn fmt::Debug + Send + Sync>).is_none());
    assert!(codec_of!(Arc<std::sync::Mutex<NotSerialize>>).is_none());
}

#[test]
fn what_can_only_be_written_has_no_codec() {
    #[derive(Serialize)]
    struct WriteOnly(u8);
    assert!(codec_of!(Arc<WriteOnly>).is_none());
    assert!(codec_of!(Option<WriteOnly>).is_none());
    assert_eq!(WriteOnly(1).0, 1);
}
