//! The ticket and vacancy services.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvVar, ResourceRequirements, Toleration, TopologySpreadConstraint,
};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::autoscaling::Autoscaling;

/// The ticket service, or the monolith.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TicketSpec {
    #[serde(flatten)]
    pub workload: WorkloadSpec,
    /// Timeout of requests to vacancy, in milliseconds.
    #[serde(default = "vacancy_timeout_ms")]
    #[schemars(range(min = 50, max = 60_000))]
    pub vacancy_timeout_ms: i32,
    /// Connection pool from ticket to vacancy.
    #[serde(default)]
    pub connection_pool: ConnectionPool,
    /// Time to cache availability, in seconds. 0 disables the cache.
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
    .message("connectionPool.keepaliveConnections must not be above connectionPool.maxConnections: \
        lower keepaliveConnections or raise maxConnections"))]
pub struct ConnectionPool {
    /// Maximum number of connections.
    #[serde(default = "max_connections")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_connections: i32,
    /// Maximum number of idle connections.
    #[serde(default = "keepalive_connections")]
    #[schemars(range(min = 0, max = 10_000))]
    pub keepalive_connections: i32,
}

impl Default for ConnectionPool {
    fn default() -> Self {
        Self { max_connections: max_connections(), keepalive_connections: keepalive_connections() }
    }
}

/// Settings that both services have.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSpec {
    /// Number of pods without autoscaling. If it is omitted, a new Deployment starts with 2 pods,
    /// and then the operator leaves their number to whatever scales it, such as KEDA. The single
    /// pod with embedded storage defaults to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<i32>,
    /// Requests and limits of the container. They replace all defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Horizontal autoscaling.
    #[serde(default)]
    pub autoscaling: Autoscaling,
    /// Additional environment variables. They override those of the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub env: Vec<EnvVar>,
    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pods tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub tolerations: Vec<Toleration>,
    /// Scheduling affinity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Topology spread constraints. Default: an even spread over nodes and zones, if possible. A
    /// constraint without `labelSelector` gets that of the pods. An empty list disables spreading.
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
