//! The real binaries as processes, and a client.
#![allow(clippy::unwrap_used)]

mod client;
mod process;

pub use client::{ADMIN_TOKEN, Answer, Client, SELLER_TOKEN};
pub use process::{Process, binary, free_port};
