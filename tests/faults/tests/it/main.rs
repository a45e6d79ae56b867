//! Real faults on the real binaries. `make test-faults` runs them one after the other; `EVERY=1`
//! tries every system call.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod cable;
mod clients;
mod clock;
mod disk;
mod kill;
mod network;
mod order;
mod support;
mod twice;
