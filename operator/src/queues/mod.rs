//! The waiting rooms of a system. The operator pauses and resumes them, and reads their state,
//! through the HTTP API of the system.

mod client;
mod http;
mod memory;
mod report;
mod sync;

pub use client::{CallError, Endpoint, SystemClient};
pub use http::HttpSystemClient;
pub use memory::QueueMemory;
pub use report::{PauseFailure, QueueReport};
pub use sync::sync;
