//! Fuzzes `parser_tests::control`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::control(data));
