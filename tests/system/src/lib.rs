//! Starting the real binaries, talking to them, and killing them.
#![allow(clippy::unwrap_used)]

mod client;
mod process;

pub use client::{Answer, Client};
pub use process::{ADMIN_TOKEN, Process, binary, free_port};
