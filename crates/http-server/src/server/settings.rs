use std::time::Duration;

/// Limits and deadlines of connections.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Connections served at once.
    pub max_connections: usize,
    /// Largest request head; at least [`ServerSettings::HEADER_BYTES_MIN`].
    pub max_header_bytes: usize,
    /// Time for a request's head to arrive, also for the first one after connecting.
    pub header_timeout: Duration,
    /// Age at which a connection is closed gracefully, varied by 10 % so that clients do not
    /// reconnect in step.
    pub max_connection_age: Duration,
    /// Time after which an idle connection is closed (within a quarter more).
    pub keepalive_idle: Duration,
    /// Whether requests carry the address they come from ([`Peer`](crate::middleware::Peer)).
    pub note_peers: bool,
    /// Concurrent HTTP/2 streams per connection.
    pub http2_max_streams: u32,
    /// How long readiness answers 503 before the listener closes.
    pub shutdown_drain: Duration,
    /// Hard deadline for connections after the drain.
    pub shutdown_timeout: Duration,
}

impl ServerSettings {
    /// The smallest head buffer hyper accepts, bytes.
    pub const HEADER_BYTES_MIN: usize = 8_192;

    /// Connections above `max_connections` that are still answered: probes as usual, the rest with
    /// 503.
    pub const RESERVED_CONNECTIONS: usize = 64;
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_header_bytes: 16_384,
            header_timeout: Duration::from_secs(5),
            max_connection_age: Duration::from_secs(300),
            keepalive_idle: Duration::from_secs(75),
            note_peers: false,
            http2_max_streams: 250,
            shutdown_drain: Duration::from_millis(500),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}
