//! Fuzzes `parser_tests::ticket_system`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::ticket_system(data));
