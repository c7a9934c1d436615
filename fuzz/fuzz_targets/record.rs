//! Records of many types, damaged in every part: an answer or a refusal, in little time and memory.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hybrid_cache::__fuzz_record(input));
