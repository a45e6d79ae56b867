//! The control socket: how `backup` and `restore` reach a process that has the store open.
//!
//! The socket is in the data directory, so access to the data is access to the socket. A caller
//! sends one line of JSON and receives lines of JSON: progress, then the result. Between the lines
//! of a streamed backup are its bytes.

mod chunks;
mod client;
mod message;
mod server;
mod socket;

pub use client::{SendError, send, send_into};
pub use message::{ControlRequest, ControlResponse};
pub use server::{ControlServer, Restored};
pub use socket::{ControlError, socket_path};
