//! Fuzzes `parser_tests::rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::rows(data));
