//! Settings of connections.

use std::time::Duration;

use clap::Args;
use config::accept::{range, seconds};

/// Limits and deadlines of connections.
#[derive(Debug, Clone, Args)]
pub struct ServerSettings {
    /// Connections served at once; above it only probes are answered, other requests get 503. The
    /// limit of open files (ulimit -n) may permit fewer, which a log line at the start says.
    #[arg(
        env = "MAX_CONNECTIONS",
        default_value = "10000",
        value_parser = range(1..=1_000_000_usize).unit("connections")
    )]
    pub max_connections: usize,
    /// Connections above `max_connections` that still get a response: probes as usual, other
    /// requests 503.
    #[arg(skip = ServerSettings::OVERFLOW_CONNECTIONS)]
    pub overflow_connections: usize,
    /// Largest request head (request line and headers); above it 431.
    #[arg(
        env = "MAX_HEADER_BYTES",
        default_value = "16384",
        value_parser = range(ServerSettings::HEADER_BYTES_MIN..=1_048_576).unit("bytes")
    )]
    pub max_header_bytes: usize,
    /// Time for the head of a request to arrive, and for the first request after connecting.
    #[arg(env = "HEADER_TIMEOUT_S", default_value = "5", value_parser = seconds(0.05..=3_600.0))]
    pub header_timeout: Duration,
    /// Age at which a connection is closed gracefully, varied by 10 % so that clients do not
    /// reconnect in step.
    #[arg(
        env = "MAX_CONNECTION_AGE_S",
        default_value = "300",
        value_parser = seconds(0.05..=86_400.0)
    )]
    pub max_connection_age: Duration,
    /// Time after which an idle connection is closed, within a quarter more.
    #[arg(env = "KEEPALIVE_IDLE_S", default_value = "75", value_parser = seconds(0.05..=86_400.0))]
    pub keepalive_idle: Duration,
    /// Whether requests carry the address they come from ([`Peer`](crate::middleware::Peer)).
    #[arg(skip)]
    pub note_peers: bool,
    /// Concurrent HTTP/2 streams per connection.
    #[arg(
        env = "HTTP2_MAX_STREAMS",
        default_value = "250",
        value_parser = range(1..=10_000_u32).unit("streams")
    )]
    pub http2_max_streams: u32,
    /// On shutdown: time for which readiness is 503 while requests are still served.
    #[arg(env = "SHUTDOWN_DRAIN_S", default_value = "0.5", value_parser = seconds(0.0..=3_600.0))]
    pub shutdown_drain: Duration,
    /// On shutdown: hard deadline for connections after the drain.
    #[arg(env = "SHUTDOWN_TIMEOUT_S", default_value = "10", value_parser = seconds(0.0..=3_600.0))]
    pub shutdown_timeout: Duration,
}

impl ServerSettings {
    /// The smallest head buffer that hyper accepts, bytes.
    pub const HEADER_BYTES_MIN: usize = 8_192;

    /// The usual `overflow_connections`.
    pub const OVERFLOW_CONNECTIONS: usize = 64;
}

impl Default for ServerSettings {
    fn default() -> Self {
        config::defaults()
    }
}
