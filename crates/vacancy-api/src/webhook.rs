//! Receivers of the ledger.

use std::collections::BTreeMap;

use inventory::EventName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The full settings of a receiver. An omitted member is reset, but `secret`, which stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutWebhookBody {
    /// Where it listens. It must be https and a public address, unless WEBHOOK_ALLOW_HTTP and
    /// WEBHOOK_ALLOW_PRIVATE say otherwise.
    #[schema(max_length = 2048, example = "https://shop.example/hooks/tickets")]
    pub url: String,
    /// The event that it gets; all events when omitted.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    pub event: Option<EventName>,
    /// The types that it gets, such as `io.ticket-system.ledger.sold`; all types when omitted.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub types: Option<Vec<String>>,
    /// Its secret: `whsec_` and 24 to 64 bytes in Base64. A new receiver without one gets one.
    #[serde(default)]
    #[schema(min_length = 38, max_length = 94)]
    pub secret: Option<String>,
}

/// Whether a receiver gets messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// It does.
    Active,
    /// The last delivery failed, and is tried again.
    Failing,
    /// It has failed for WEBHOOK_PAUSE_AFTER_S, or responded with 410. A PUT or a replay ends it.
    Paused,
}

/// How far a receiver has got in the ledger of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookCursor {
    /// The `seq` of the last record that it has got or does not want.
    pub delivered: u64,
    /// The records that follow.
    pub lag: u64,
}

/// A receiver.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Webhook {
    /// Its name.
    #[schema(example = "shop")]
    pub name: String,
    /// Where it listens.
    pub url: String,
    /// The event that it gets; all events when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The types that it gets; all types when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub types: Vec<String>,
    /// Whether it gets messages.
    pub status: WebhookStatus,
    /// How far it has got, by event.
    pub cursors: BTreeMap<String, WebhookCursor>,
    /// The time of the last success, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub delivered_at: Option<String>,
    /// The time of the first failure since then, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub failing_since: Option<String>,
    /// Failures since the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// Why the last delivery failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The time of the next attempt, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next_attempt_at: Option<String>,
    /// The secret of a new receiver. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// All receivers, by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookList {
    /// The receivers.
    pub webhooks: Vec<Webhook>,
}

/// From where records are delivered again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// The event.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$", example = "default")]
    pub event: EventName,
    /// Records after this `seq`; 0 for all of them.
    #[schema(minimum = 0, example = 0)]
    pub after: u64,
}

/// The result of a test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookTest {
    /// Whether the receiver accepted the message.
    pub delivered: bool,
    /// The status of its response, if it accepted the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
