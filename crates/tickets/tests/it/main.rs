//! The crate as services use it.
#![allow(clippy::unwrap_used)] // helpers of tests

mod forged;
mod support;
mod text;
