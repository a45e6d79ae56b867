//! The client for vacancy over HTTP.
//!
//! A request waits in the [`batcher`] until a call has room for it. The [`dispatcher`] makes the
//! calls, subject to the [`breaker`], and retries those that fail. [`caller`] makes one call over
//! the [`transport`], and [`response`] interprets the response.
//!
//! Events are read from [`readings`], which one [`subscription`] to vacancy keeps current, and
//! which learn from every response.
//!
//! The transport is [`balanced`]: it resolves the host of VACANCY_URL again and again, and sends
//! each call to the endpoint with the fewest calls in flight.

mod balanced;
#[cfg(test)]
mod balanced_tests;
mod balancer;
mod batch;
mod batcher;
mod breaker;
mod caller;
mod client;
mod connections;
mod connector;
mod dispatcher;
mod endpoint;
mod entries;
mod identity;
mod jitter;
mod metrics;
mod outage;
mod outcome;
mod pending;
mod readings;
mod ready_probe;
mod replies;
mod request;
mod resolver;
mod response;
mod retry;
mod subscription;
mod transport;
mod watch;

pub use balanced::Balanced;
pub use client::{RemoteVacancyClient, SetupError};
pub use connector::Connector;
pub use jitter::Jitter;
pub use resolver::{Resolver, SystemResolver};
pub use transport::{Chunks, EndpointCounts, Opened, Transport, TransportError};
