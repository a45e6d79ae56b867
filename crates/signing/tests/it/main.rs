//! The crate as services use it.
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

mod file;
mod key_set;
mod tickets;
mod tokens;
