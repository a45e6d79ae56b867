//! Fuzzes `parser_tests::headers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::headers(data));
