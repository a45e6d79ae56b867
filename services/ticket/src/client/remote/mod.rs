//! The client for vacancy over HTTP.
//!
//! A purchase waits in the [`batcher`] until a call has room for it. The [`dispatcher`] makes the
//! calls, subject to the [`breaker`], and retries those that fail. [`caller`] makes one call over
//! the [`transport`], and [`response`] interprets the response.

mod batch;
mod batcher;
mod breaker;
mod caller;
mod client;
mod dispatcher;
mod jitter;
mod metrics;
mod outcome;
mod pending;
mod ready_probe;
mod replies;
mod response;
mod retry;
mod transport;

pub use client::{RemoteVacancyClient, SetupError};
pub use jitter::Jitter;
pub use transport::{Transport, TransportError};
