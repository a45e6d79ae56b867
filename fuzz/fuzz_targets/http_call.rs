//! Fuzzes `parser_tests::http_call`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::http_call(data));
