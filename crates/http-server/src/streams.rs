//! Responses that go on until the client leaves or the server shuts down. They are bounded in
//! number, and the server does not wait for them when it shuts down.

use std::sync::Arc;

use clap::Args;
use config::accept::range;
use prometheus::{IntCounter, IntGauge, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{health::Lifecycle, problem::Problem};

/// Seconds after which a client that was refused may try again.
const RETRY_AFTER_S: u32 = 5;

/// The limits of streams.
#[derive(Debug, Clone, Copy, Args)]
pub struct StreamSettings {
    /// Streams served at once; above it 503. Each one also is a connection of MAX_CONNECTIONS.
    #[arg(
        env = "MAX_STREAMS",
        default_value = "8000",
        value_parser = range(1..=1_000_000_usize).unit("streams")
    )]
    pub max_streams: usize,
}

impl Default for StreamSettings {
    fn default() -> Self {
        config::defaults()
    }
}

/// The streams of one server; clones share them.
#[derive(Clone)]
pub struct Streams {
    slots: Arc<Semaphore>,
    lifecycle: Lifecycle,
    open: IntGauge,
    refused: IntCounter,
}

impl Streams {
    /// Streams of a server in the stage `lifecycle`.
    ///
    /// # Errors
    /// When a metric is invalid.
    pub fn new(settings: StreamSettings, lifecycle: Lifecycle) -> Result<Self, prometheus::Error> {
        Ok(Self {
            slots: Arc::new(Semaphore::new(settings.max_streams)),
            lifecycle,
            open: IntGauge::new("http_streams_open", "Streams that are open")?,
            refused: IntCounter::new(
                "http_streams_refused_total",
                "Streams refused because MAX_STREAMS were open",
            )?,
        })
    }

    /// Registers the metrics.
    ///
    /// # Errors
    /// When one of them is registered already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.open.clone()))?;
        registry.register(Box::new(self.refused.clone()))
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// A 503 problem when the maximum number is open.
    pub fn open(&self) -> Result<OpenStream, Problem> {
        let Ok(slot) = self.slots.clone().try_acquire_owned() else {
            self.refused.inc();
            return Err(Problem::overloaded(
                "The maximum number of streams is open.",
                RETRY_AFTER_S,
            ));
        };
        self.open.inc();
        Ok(OpenStream { open: self.open.clone(), draining: self.lifecycle.draining(), _slot: slot })
    }
}

/// An open stream. It counts until it is dropped.
pub struct OpenStream {
    open: IntGauge,
    draining: CancellationToken,
    _slot: OwnedSemaphorePermit,
}

impl OpenStream {
    /// Whether the server shuts down already.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Waits until the server shuts down: then the stream has to end.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn streams_are_bounded_and_end_with_the_server() {
        let lifecycle = Lifecycle::default();
        let streams =
            Streams::new(StreamSettings { max_streams: 1 }, lifecycle.clone()).expect("metrics");
        let one = streams.open().expect("room for one");
        assert_eq!(streams.open().err().map(|problem| problem.status().as_u16()), Some(503));
        assert_eq!((streams.open.get(), streams.refused.get()), (1, 1));
        drop(one);
        let next = streams.open().expect("room again");
        assert!(!next.is_draining());
        lifecycle.set_draining();
        next.draining().await;
        assert!(next.is_draining());
    }
}
