use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvVar, ResourceRequirements, Toleration, TopologySpreadConstraint,
};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::Autoscaling;

/// The ticket service, or the monolith.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TicketSpec {
    #[serde(flatten)]
    pub workload: WorkloadSpec,
    /// How long ticket waits for vacancy, in milliseconds.
    #[serde(default = "vacancy_timeout_ms")]
    #[schemars(range(min = 50, max = 60_000))]
    pub vacancy_timeout_ms: i32,
    /// Connections from ticket to vacancy.
    #[serde(default)]
    pub connection_pool: ConnectionPool,
    /// How long an answer about availability may be cached, in seconds; 0 switches the cache off.
    #[serde(default = "cache_ttl_seconds")]
    #[schemars(range(min = 0, max = 3600))]
    pub cache_ttl_seconds: i32,
}

impl Default for TicketSpec {
    fn default() -> Self {
        Self {
            workload: WorkloadSpec::default(),
            vacancy_timeout_ms: vacancy_timeout_ms(),
            connection_pool: ConnectionPool::default(),
            cache_ttl_seconds: cache_ttl_seconds(),
        }
    }
}

/// The vacancy service.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct VacancySpec {
    #[serde(flatten)]
    pub workload: WorkloadSpec,
}

/// Limits of the HTTP connection pool.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.keepaliveConnections <= self.maxConnections")
    .message("connectionPool.keepaliveConnections must not be above connectionPool.maxConnections: lower the one or raise the other"))]
pub struct ConnectionPool {
    /// Most connections at once.
    #[serde(default = "max_connections")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_connections: i32,
    /// Most idle connections kept open.
    #[serde(default = "keepalive_connections")]
    #[schemars(range(min = 0, max = 10_000))]
    pub keepalive_connections: i32,
}

impl Default for ConnectionPool {
    fn default() -> Self {
        Self { max_connections: max_connections(), keepalive_connections: keepalive_connections() }
    }
}

/// What both services have in common.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSpec {
    /// Pods while autoscaling is off. Left out: 2, or 1 where embedded storage allows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<i32>,
    /// Requests and limits of the container. Given, they replace the defaults as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Horizontal autoscaling.
    #[serde(default)]
    pub autoscaling: Autoscaling,
    /// Further environment variables; they win over those the operator sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub env: Vec<EnvVar>,
    /// Labels a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints the pods tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub tolerations: Vec<Toleration>,
    /// Scheduling affinity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Topology spread. Left out: evenly over nodes and zones where possible. A constraint without
    /// `labelSelector` gets that of the pods; an empty list switches spreading off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub topology_spread: Option<Vec<TopologySpreadConstraint>>,
    /// Annotations of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_annotations: BTreeMap<String, String>,
}

fn vacancy_timeout_ms() -> i32 {
    2_000
}
fn cache_ttl_seconds() -> i32 {
    1
}
fn max_connections() -> i32 {
    100
}
fn keepalive_connections() -> i32 {
    20
}
