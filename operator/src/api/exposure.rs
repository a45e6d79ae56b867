use std::collections::BTreeMap;

use k8s_openapi::{
    api::networking::v1::NetworkPolicyPeer, apimachinery::pkg::util::intstr::IntOrString,
};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The Ingress. It routes the public API; admin calls and `/api/v1/reserve` are never routed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IngressSpec {
    /// Whether there is an Ingress.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// IngressClass. Left out: the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Host name the system answers to; a first label of `*` stands for any.
    #[serde(default = "host")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$') && !self.matches('^[0-9.]+$')")
        .message("ingress.host must be a DNS name in lower case, such as tickets.example.com: no scheme, port, path or bare IP address"))]
    pub host: String,
    /// Annotations of the Ingress, for its controller.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Serve HTTPS with this certificate. Left out: plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<IngressTls>,
}

/// The certificate of the Ingress.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct IngressTls {
    /// A `kubernetes.io/tls` Secret in the namespace of the resource.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// How much one client may ask of the public side: ticket, or the monolith. Above it 429, probes
/// excepted.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Requests a second in the long run. Each pod counts for itself.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_second: i32,
    /// Requests at once. Left out: twice `perSecond`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: Option<i32>,
    /// Addresses and networks, such as `10.244.0.0/16`, of what stands in front and says in
    /// X-Forwarded-For for whom it asks: the ingress controller's pods. Empty: whoever
    /// connects is the client, which behind an Ingress makes one client of all.
    #[schemars(length(max = 64), inner(length(max = 50)))]
    #[x_kube(validation = Rule::new("self.all(proxy, isIP(proxy) || isCIDR(proxy))")
        .message("rateLimit.trustedProxies must be addresses or networks such as 10.244.0.0/16"))]
    pub trusted_proxies: Vec<String>,
}

/// The NetworkPolicies: only the services' own port is reachable.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySpec {
    /// Whether there are NetworkPolicies.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Who else may connect, besides the system's own pods: the ingress controller, Prometheus,
    /// the operator. Left out: everyone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub from: Vec<NetworkPolicyPeer>,
}

/// The PodDisruptionBudgets, made where two or more pods run.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DisruptionBudget {
    /// Whether there are PodDisruptionBudgets.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Pods of one service that may be away at once, a number or a percentage.
    #[serde(default = "max_unavailable")]
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
        Self { enabled: enabled(), from: Vec::new() }
    }
}
impl Default for DisruptionBudget {
    fn default() -> Self {
        Self { enabled: enabled(), max_unavailable: max_unavailable() }
    }
}
