//! Real PostgreSQL servers for tests and measurements, and PgBouncer in front of them.
//!
//! They run in temporary directories, listen on 127.0.0.1, and end with the process that started
//! them, even when it is killed.
#![allow(clippy::unwrap_used)]

mod programs;
mod server;
mod tls;

pub use programs::Program;
pub use server::{Server, bouncer};
pub use tls::{Authority, Certified};
