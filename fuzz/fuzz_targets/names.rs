//! Fuzzes `parser_tests::names`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::names(data));
