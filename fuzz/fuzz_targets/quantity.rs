//! Fuzzes `parser_tests::quantity`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::quantity(data));
