//! The settings that every service has in common; ports are each service's own.

use clap::Args;
use config::accept::parsed;
use telemetry::TelemetrySettings;

use crate::{
    middleware::RequestSettings,
    server::{ServerSettings, host},
    streams::StreamSettings,
};

/// Settings of the HTTP server, of logs and of traces.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct HttpSettings {
    /// Address the server listens on. `::` is every address, IPv4 included, also where there is no
    /// IPv6.
    #[arg(env = "HOST", default_value = "::", value_parser = host())]
    pub host: String,
    /// Name of the environment, shown on the start page.
    #[arg(
        env = "ENVIRONMENT",
        default_value = "development",
        value_parser = parsed::<String>("text")
    )]
    pub environment: String,
    #[command(flatten)]
    connections: ServerSettings,
    /// Limits of streams.
    #[command(flatten)]
    pub streams: StreamSettings,
    /// Limits and deadlines of requests.
    #[command(flatten)]
    pub requests: RequestSettings,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetrySettings,
}

impl HttpSettings {
    /// Limits and deadlines of connections. Quotas by address need the addresses; `needs_peers`
    /// says whether a call has one of its own.
    #[must_use]
    pub fn server(&self, needs_peers: bool) -> ServerSettings {
        let note_peers = needs_peers || self.requests.quota.is_limited();
        ServerSettings { note_peers, ..self.connections.clone() }
    }
}
