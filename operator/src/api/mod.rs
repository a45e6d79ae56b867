//! The `TicketSystem` resource, `ticket-system.io/v1alpha1`: what a person writes and what the
//! operator answers.
//!
//! Every default a person may rely on is in the schema. What depends on another field (replicas,
//! whether to autoscale) or on the operator's own settings (images) is left out of it and resolved
//! by [`crate::validate`].

mod autoscaling;
mod crd;
mod exposure;
mod images;
mod observability;
mod status;
mod storage;
mod ticket_system;
mod workload;

pub use autoscaling::{Autoscaling, Behavior};
pub use crd::crd;
pub use exposure::{DisruptionBudget, IngressSpec, IngressTls, NetworkPolicySpec, RateLimit};
pub use images::{Images, PullPolicy};
pub use observability::{LogLevel, Logging, Monitoring};
pub use status::{TicketSystemStatus, WorkloadStatus};
pub use storage::{
    CaSecretRef, EmbeddedStorage, PostgresStorage, SecretKeyRef, Stock, StorageSpec,
};
pub use ticket_system::{Mode, TicketSystem, TicketSystemSpec};
pub use workload::{ConnectionPool, TicketSpec, VacancySpec, WorkloadSpec};

/// API group of the resource and prefix of every annotation the operator reads or writes.
pub const GROUP: &str = "ticket-system.io";

/// Set to `"true"` on a live system to let its storage kind change, after its data was migrated by
/// hand.
pub const ALLOW_STORAGE_CHANGE: &str = "ticket-system.io/allow-storage-change";
