use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::{Deserialize, Serialize};

use super::Mode;

/// What the operator found, and what it makes of it.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TicketSystemStatus {
    /// `metadata.generation` this status was determined from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Mode in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Storage kind in force, `embedded` or `postgres`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Stock the default event was created with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_stock: Option<i64>,
    /// Where the system is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The Deployment that sells; in monolith mode the one Deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<WorkloadStatus>,
    /// The Deployment that keeps the stock. Absent in monolith mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vacancy: Option<WorkloadStatus>,
    /// Ready, Progressing, Degraded, ReconciliationPaused and StockChangeIgnored always;
    /// Reconciling and Stalled, as kstatus defines them, only while true.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Pods of one Deployment.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// Ready of wanted pods, such as `2/3`.
    pub ready: String,
    /// Pods wanted.
    pub replicas: i32,
    /// Pods ready.
    pub ready_replicas: i32,
    /// Pods of the newest template.
    pub updated_replicas: i32,
    /// Image of the newest template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}
