//! Fuzzes `parser_tests::database_url`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::database_url(data));
