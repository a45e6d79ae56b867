//! Real faults on the real binaries. `make test-faults` runs the tests one after the other;
//! `EVERY=1` tries every system call.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod clients;
mod clock;
mod disk;
mod duplicates;
mod kill;
mod netem;
mod network;
mod order;
mod support;
