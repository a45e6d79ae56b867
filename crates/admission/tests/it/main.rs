//! The rules of admission, alone and in simulated sales.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod chance;
mod pace;
mod sale;
mod server;
mod slots;
