//! Simulations of a bounded number of seeds, and the bugs they must find.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod bugs;
mod seeds;
