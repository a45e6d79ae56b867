//! The crate as services and the verifier use it.
#![allow(clippy::unwrap_used)] // helpers of tests

mod vectors;

mod chain;
#[cfg(feature = "http")]
mod http;
mod verify;
