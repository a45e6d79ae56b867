//! The spec of the resource, with its validation rules across fields.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    exposure::{DisruptionBudget, IngressSpec, NetworkPolicySpec, RateLimit},
    images::Images,
    mode::Mode,
    observability::{Logging, Monitoring},
    queue::QueueSpec,
    security::SecuritySpec,
    status::TicketSystemStatus,
    storage::{Stock, StorageSpec},
    workload::{TicketSpec, VacancySpec},
};

/// The desired state of a ticket system. Every field has a default, so `spec: {}` is valid.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ticket-system.io",
    version = "v1alpha1",
    kind = "TicketSystem",
    plural = "ticketsystems",
    shortname = "ts",
    category = "all",
    namespaced,
    status = "TicketSystemStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A ticket-selling system: the vacancy service stores the stock, and the ticket service \
        sells it.",
    validation = Rule::new("size(self.metadata.name) <= 40 && \
        self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name becomes the name of Services: use at most 40 lower-case letters, \
            digits and '-', starting with a letter"),
    printcolumn(
        name = "Mode",
        type_ = "string",
        json_path = ".status.mode",
        description = "Deployment mode"
    ),
    printcolumn(
        name = "Ticket",
        type_ = "string",
        json_path = ".status.ticket.ready",
        description = "Ready and desired pods of ticket, or of the monolith"
    ),
    printcolumn(
        name = "Vacancy",
        type_ = "string",
        json_path = ".status.vacancy.ready",
        description = "Ready and desired pods of vacancy"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status",
        description = "Whether the system can sell tickets"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        priority = 1,
        description = "Reason of the Ready condition"
    ),
    printcolumn(
        name = "Queue",
        type_ = "string",
        json_path = ".status.queue",
        description = "Phase of the waiting room with the most waiting places"
    ),
    printcolumn(
        name = "URL",
        type_ = "string",
        json_path = ".status.url",
        description = "URL of the system"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self.mode == 'monolith' || (has(self.storage) && \
        has(self.storage.postgres)) || !has(self.vacancy.replicas) || self.vacancy.replicas <= 1")
        .message("vacancy.replicas must be at most 1 on embedded storage, which is one volume with \
            one writer: remove it, or set storage.postgres"),
    validation = Rule::new("self.mode == 'monolith' || (has(self.storage) && \
        has(self.storage.postgres)) || !has(self.vacancy.autoscaling.enabled) || \
        !self.vacancy.autoscaling.enabled")
        .message("vacancy.autoscaling cannot be enabled on embedded storage, which is one volume \
            with one writer: remove it, or set storage.postgres"),
    validation = Rule::new("self.mode != 'monolith' || (has(self.storage) && \
        has(self.storage.postgres)) || !has(self.ticket.replicas) || self.ticket.replicas <= 1")
        .message("ticket.replicas must be at most 1 in monolith mode on embedded storage, which is \
            one volume with one writer: remove it, or set storage.postgres"),
    validation = Rule::new("self.mode != 'monolith' || (has(self.storage) && \
        has(self.storage.postgres)) || !has(self.ticket.autoscaling.enabled) || \
        !self.ticket.autoscaling.enabled")
        .message("ticket.autoscaling cannot be enabled in monolith mode on embedded storage, which \
            is one volume with one writer: remove it, or set storage.postgres")
)]
#[serde(rename_all = "camelCase")]
pub struct TicketSystemSpec {
    /// `microservices` runs ticket and vacancy as separate Deployments. `monolith` runs both in
    /// one process, which `ticket` configures.
    #[serde(default)]
    pub mode: Mode,
    /// The stock when the system first starts.
    #[serde(default)]
    pub stock: Stock,
    /// Container images. Default: those in the settings of the operator.
    #[serde(default)]
    pub images: Images,
    /// Storage of the stock. Default: `embedded` with its defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageSpec>,
    /// The ticket service, or the monolith in monolith mode.
    #[serde(default)]
    pub ticket: TicketSpec,
    /// The vacancy service. Not used in monolith mode.
    #[serde(default)]
    pub vacancy: VacancySpec,
    /// Access from outside the cluster.
    #[serde(default)]
    pub ingress: IngressSpec,
    /// Request rate limit per client, enforced by ticket or the monolith. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Peers that may connect to the pods.
    #[serde(default)]
    pub network_policy: NetworkPolicySpec,
    /// Limit on pods that voluntary disruptions make unavailable.
    #[serde(default)]
    pub pod_disruption_budget: DisruptionBudget,
    /// Waiting rooms.
    #[serde(default)]
    pub queue: QueueSpec,
    /// User and group ids of the pods.
    #[serde(default)]
    pub security: SecuritySpec,
    /// Prometheus scraping.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// Logs of the services.
    #[serde(default)]
    pub logging: Logging,
    /// Endpoint of a trace collector for OTLP over http/protobuf, such as `http://collector:4318`.
    /// Default: no traces are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^http://[^/ ]+(/[^ ]*)?$')")
        .message("otlpEndpoint must be an http URL such as http://collector:4318; to reach a \
            collector with TLS, send through a collector in the cluster"))]
    pub otlp_endpoint: Option<String>,
    /// If true, the operator updates the status but does not change any child.
    #[serde(default)]
    pub paused: bool,
}
