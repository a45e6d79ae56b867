//! Fuzzes `parser_tests::forwarded`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::forwarded(data));
