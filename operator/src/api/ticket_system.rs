use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    DisruptionBudget, Images, IngressSpec, Logging, Monitoring, NetworkPolicySpec, RateLimit,
    Stock, StorageSpec, TicketSpec, TicketSystemStatus, VacancySpec,
};

/// Whether one process serves everything, or ticket and vacancy run apart.
#[derive(
    Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Microservices,
    Monolith,
}

impl Mode {
    /// The value of the services' `DEPLOYMENT_MODE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microservices => "microservices",
            Self::Monolith => "monolith",
        }
    }
}

/// What a ticket system should be. `spec: {}` is a working one.
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
    doc = "A ticket-selling system: the vacancy service keeps the stock, the ticket service sells it.",
    validation = Rule::new("size(self.metadata.name) <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name becomes the name of Services: use at most 40 lower-case letters, digits and '-', starting with a letter"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".status.mode", description = "How the services are deployed"),
    printcolumn(name = "Ticket", type_ = "string", json_path = ".status.ticket.ready", description = "Ready of wanted pods that sell"),
    printcolumn(name = "Vacancy", type_ = "string", json_path = ".status.vacancy.ready", description = "Ready of wanted pods that keep the stock"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status", description = "Whether tickets can be sold"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason", priority = 1, description = "Why it is ready, or not"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url", description = "Where it is reached"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self.mode == 'monolith' || (has(self.storage) && has(self.storage.postgres)) || !has(self.vacancy.replicas) || self.vacancy.replicas <= 1")
        .message("vacancy.replicas must be at most 1 on embedded storage, which is one volume with one writer: leave it out, or set storage.postgres"),
    validation = Rule::new("self.mode == 'monolith' || (has(self.storage) && has(self.storage.postgres)) || !has(self.vacancy.autoscaling.enabled) || !self.vacancy.autoscaling.enabled")
        .message("vacancy.autoscaling cannot be enabled on embedded storage, which is one volume with one writer: leave it out, or set storage.postgres"),
    validation = Rule::new("self.mode != 'monolith' || (has(self.storage) && has(self.storage.postgres)) || !has(self.ticket.replicas) || self.ticket.replicas <= 1")
        .message("ticket.replicas must be at most 1 in monolith mode on embedded storage, which is one volume with one writer: leave it out, or set storage.postgres"),
    validation = Rule::new("self.mode != 'monolith' || (has(self.storage) && has(self.storage.postgres)) || !has(self.ticket.autoscaling.enabled) || !self.ticket.autoscaling.enabled")
        .message("ticket.autoscaling cannot be enabled in monolith mode on embedded storage, which is one volume with one writer: leave it out, or set storage.postgres")
)]
#[serde(rename_all = "camelCase")]
pub struct TicketSystemSpec {
    /// `microservices` runs ticket and vacancy apart; `monolith` runs both in one process,
    /// configured by `ticket`.
    #[serde(default)]
    pub mode: Mode,
    /// What is for sale when the system first starts.
    #[serde(default)]
    pub stock: Stock,
    /// Which container images run. Left out, the operator's own settings decide.
    #[serde(default)]
    pub images: Images,
    /// Where the stock is kept. Left out: `embedded` with its defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageSpec>,
    /// The service that sells; in monolith mode the one Deployment.
    #[serde(default)]
    pub ticket: TicketSpec,
    /// The service that keeps the stock. Not used in monolith mode.
    #[serde(default)]
    pub vacancy: VacancySpec,
    /// How the system is reached from outside the cluster.
    #[serde(default)]
    pub ingress: IngressSpec,
    /// How much one client may ask of ticket, or of the monolith. Left out: as much as they serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Which pods may connect.
    #[serde(default)]
    pub network_policy: NetworkPolicySpec,
    /// How many pods a voluntary disruption may take at once.
    #[serde(default)]
    pub pod_disruption_budget: DisruptionBudget,
    /// Prometheus scraping.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// What the services log.
    #[serde(default)]
    pub logging: Logging,
    /// Collector that traces are sent to, over OTLP as http/protobuf, such as `http://collector:4318`. Left out: no traces are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^http://[^/ ]+(/[^ ]*)?$')")
        .message("otlpEndpoint must be an http URL such as http://collector:4318; to a collector that wants TLS, send through one in the cluster"))]
    pub otlp_endpoint: Option<String>,
    /// While true the operator reports but changes nothing.
    #[serde(default)]
    pub paused: bool,
}
