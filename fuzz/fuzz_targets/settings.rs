//! Fuzzes `parser_tests::settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::settings(data));
