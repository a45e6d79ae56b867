//! The status of the resource.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::{Deserialize, Serialize};

use super::mode::Mode;

/// The observed state of a ticket system.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TicketSystemStatus {
    /// `metadata.generation` that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Current mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Current kind of storage: `embedded` or `postgres`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Stock the default event was created with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_stock: Option<i64>,
    /// URL of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The Deployment of ticket, or of the monolith in monolith mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<WorkloadStatus>,
    /// The Deployment of vacancy. Absent in monolith mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vacancy: Option<WorkloadStatus>,
    /// Value of `spec.queue.paused` that was applied last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues_paused: Option<bool>,
    /// Phase of the waiting room with the most waiting places: `pre`, `drawing`, `open` or
    /// `sold_out`, with ` (paused)` while nobody is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The waiting rooms with the most waiting places, as they were when the system last
    /// responded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueStatus>,
    /// The operator that manages the system. Other operators change nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorClaim>,
    /// Ready, Progressing, Degraded, FieldConflict, ReconciliationPaused and StockChangeIgnored
    /// are always present. Autoscaling is present while it is enabled. Reconciling and Stalled,
    /// defined by kstatus, and HeldBack, PreflightFailed, RolledBack and QueuePauseFailed are
    /// present only while true.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The operator that manages a system. The operator renews it when another operator asks.
#[derive(
    Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq, Eq, Hash,
)]
#[serde(rename_all = "camelCase")]
pub struct OperatorClaim {
    /// The installation: the namespace and the name of its Lease, such as
    /// `ticket-system/ticket-system-operator`.
    pub name: String,
    /// Version of the operator.
    #[serde(default)]
    pub version: String,
    /// Namespaces that the operator watches, separated by commas. `*` stands for all.
    #[serde(default)]
    pub scope: String,
    /// Seconds without an answer after which another operator takes over.
    #[serde(default)]
    pub lease_duration_seconds: i32,
    /// Another operator that asks whether this one still runs. An answer removes the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenged_by: Option<String>,
}

/// The waiting room of one event.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueStatus {
    /// The event.
    pub event: String,
    /// What the waiting room is doing: `pre`, `drawing`, `open` or `sold_out`.
    pub phase: String,
    /// Number of places that are not called yet.
    pub waiting: i64,
    /// The last turn that was called.
    pub serving: i64,
    /// Whether nobody is called for now.
    pub paused: bool,
}

/// Pods of one Deployment.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// Ready and desired pods, such as `2/3`.
    pub ready: String,
    /// Number of desired pods.
    pub replicas: i32,
    /// Number of ready pods.
    pub ready_replicas: i32,
    /// Number of pods with the latest template.
    pub updated_replicas: i32,
    /// Image in the latest template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}
