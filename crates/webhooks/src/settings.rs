//! Settings of deliveries.

use std::time::Duration;

use clap::Args;
use config::accept::{flag, range, seconds};

/// Limits of deliveries, and where they may go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhooks")]
pub struct WebhookSettings {
    /// Receivers at most.
    #[arg(
        env = "MAX_WEBHOOKS",
        default_value = "100",
        value_parser = range(1..=10_000_usize).unit("receivers")
    )]
    pub max_webhooks: usize,
    /// Time for the response of a receiver.
    #[arg(env = "WEBHOOK_TIMEOUT_S", default_value = "15", value_parser = seconds(0.05..=300.0))]
    pub webhook_timeout: Duration,
    /// A receiver that has failed for this long without a success is paused.
    #[arg(
        env = "WEBHOOK_PAUSE_AFTER_S",
        default_value = "259200",
        value_parser = seconds(1.0..=31_536_000.0)
    )]
    pub webhook_pause_after: Duration,
    /// Whether receivers may have URLs without TLS.
    #[arg(
        env = "WEBHOOK_ALLOW_HTTP",
        default_value = "false",
        value_parser = flag(),
        action = clap::ArgAction::Set
    )]
    pub webhook_allow_http: bool,
    /// Whether receivers may have private addresses, such as those of a cluster.
    #[arg(
        env = "WEBHOOK_ALLOW_PRIVATE",
        default_value = "false",
        value_parser = flag(),
        action = clap::ArgAction::Set
    )]
    pub webhook_allow_private: bool,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        config::defaults()
    }
}
