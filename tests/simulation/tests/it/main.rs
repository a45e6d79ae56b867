//! Simulations of a bounded number of seeds.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod seeds;
