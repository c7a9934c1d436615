use super::*;

#[test]
fn contents_do_not_matter() {
    assert_eq!(fingerprint(&(1_u8, "a")), fingerprint(&(2_u8, "b")));
    assert_ne!(fingerprint(&(1_u8, "a")), fingerprint(&(2_u16, "b")));
}
