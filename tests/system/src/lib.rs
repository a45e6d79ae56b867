//! The real binaries as processes, and a client.
#![allow(clippy::unwrap_used)]

mod client;
mod process;
mod wait;

pub use client::{ADMIN_TOKEN, Answer, Client, GATE_TOKEN, SELLER_TOKEN};
pub use process::{Process, binary, free_port};
pub use wait::until;
