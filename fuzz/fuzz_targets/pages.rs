//! Fuzzes `parser_tests::pages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::pages(data));
