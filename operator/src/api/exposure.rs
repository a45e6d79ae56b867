//! Access to the system: Ingress, rate limit, NetworkPolicies and PodDisruptionBudgets.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::networking::v1::NetworkPolicyPeer, apimachinery::pkg::util::intstr::IntOrString,
};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The Ingress. It leads the public API to ticket or the monolith. It does not route the admin API
/// and `/api/v1/reserve`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IngressSpec {
    /// Whether to create an Ingress.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Name of the IngressClass. Default: the default class of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Host name of the system. A first label of `*` matches any label.
    #[serde(default = "host")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\
        ([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$') && !self.matches('^[0-9.]+$')")
        .message("ingress.host must be a DNS name in lower case, such as tickets.example.com: no \
            scheme, port, path or bare IP address"))]
    pub host: String,
    /// Annotations of the Ingress, for example for its controller.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Certificate for HTTPS. Default: plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<IngressTls>,
}

/// The certificate of the Ingress.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct IngressTls {
    /// Name of a `kubernetes.io/tls` Secret in the namespace of the resource.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// Request rate limit per client address. Ticket, or the monolith, answers 429 above it. Probes are
/// exempt.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Sustained requests per second. Each pod counts separately.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_second: i32,
    /// Largest burst of requests. Default: twice `perSecond`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: Option<i32>,
    /// Addresses and networks of proxies whose X-Forwarded-For header is trusted, such as
    /// `10.244.0.0/16` for the pods of the ingress controller. Empty: the peer address is the
    /// client, so all clients behind an Ingress share one limit.
    #[schemars(length(max = 64), inner(length(max = 50)))]
    #[x_kube(validation = Rule::new("self.all(proxy, isIP(proxy) || isCIDR(proxy))")
        .message("rateLimit.trustedProxies must be addresses or networks such as 10.244.0.0/16"))]
    pub trusted_proxies: Vec<String>,
}

/// The NetworkPolicies. They allow connections to the port of each service only, and to that of
/// vacancy from ticket only.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySpec {
    /// Whether to create NetworkPolicies.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Peers that may connect to ticket or the monolith in addition to the system's own pods, such
    /// as the ingress controller, Prometheus and the operator. They cannot connect to vacancy.
    /// Default: all peers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub from: Vec<NetworkPolicyPeer>,
    /// Peers that may connect to vacancy in addition to the ticket pods of the system, such as
    /// Prometheus, the operator, and jobs that call the admin API. Default: pods in any namespace
    /// whose label `app.kubernetes.io/name` is `prometheus` or `ticket-system-operator`. `[]`: no
    /// others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub vacancy_from: Option<Vec<NetworkPolicyPeer>>,
}

/// The PodDisruptionBudgets. A service gets one if it has two or more pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DisruptionBudget {
    /// Whether to create PodDisruptionBudgets.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Pods of one service that may be unavailable at the same time, as a number or a percentage.
    #[serde(default = "max_unavailable")]
    #[x_kube(validation = Rule::new("type(self) == int ? self >= 0 : \
        self.matches('^(100|[1-9]?[0-9])%$')")
        .message("podDisruptionBudget.maxUnavailable must be a number of pods, or a percentage \
            from 0% to 100%"))]
    pub max_unavailable: IntOrString,
}

fn enabled() -> bool {
    true
}
fn host() -> String {
    "ticket.127.0.0.1.nip.io".to_owned()
}
fn max_unavailable() -> IntOrString {
    IntOrString::Int(1)
}

impl Default for IngressSpec {
    fn default() -> Self {
        Self {
            enabled: enabled(),
            class_name: None,
            host: host(),
            annotations: BTreeMap::new(),
            tls: None,
        }
    }
}
impl Default for NetworkPolicySpec {
    fn default() -> Self {
        Self { enabled: enabled(), from: Vec::new(), vacancy_from: None }
    }
}
impl Default for DisruptionBudget {
    fn default() -> Self {
        Self { enabled: enabled(), max_unavailable: max_unavailable() }
    }
}
