//! Fuzzes `parser_tests::record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::record(data));
