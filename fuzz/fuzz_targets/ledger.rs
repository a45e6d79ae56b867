//! Fuzzes `parser_tests::ledger`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parser_tests::ledger(data));
