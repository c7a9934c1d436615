use super::*;
use crate::key::writer::KeyWriter;

#[test]
fn a_sealed_value_opens() {
    let key = KeyWriter::new().argument("id", &42).finish().into_key("ns:f");
    let at = Timestamp::from_millis;
    let dates = Dates { computed_at: at(1), fresh_until: at(2), kept_until: at(3) };
    let codec = Codec::<String>::new();
    let payload = codec.survives_round_trip(&"hello".to_owned()).unwrap();
    let record = seal(&key, 1, 7, &dates, Duration::from_millis(5), &payload);
    let opened = open(record, &key, 1, 7, codec).unwrap();
    assert_eq!(opened.value, "hello");
    assert_eq!(opened.dates, dates);
    assert_eq!(opened.load_time, Duration::from_millis(5));
    assert_eq!(opened.payload.as_bytes(), payload.as_bytes());
}
