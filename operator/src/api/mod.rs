//! The `TicketSystem` resource, `ticket-system.io/v1alpha1`: its spec and its status.
//!
//! Fixed defaults are part of the schema. A default that depends on another field (replicas,
//! autoscaling) or on the settings of the operator (images) is not: [`crate::validate`] resolves
//! it.

mod autoscaling;
mod crd;
mod exposure;
mod images;
mod mode;
mod observability;
mod queue;
mod security;
mod status;
mod storage;
mod ticket_system;
mod workload;

pub use autoscaling::{Autoscaling, Behavior};
pub use crd::crd;
pub use exposure::{DisruptionBudget, IngressSpec, IngressTls, NetworkPolicySpec, RateLimit};
pub use images::{Images, PullPolicy};
pub use mode::Mode;
pub use observability::{LogLevel, Logging, Monitoring};
pub use queue::{Beacon, QueueSpec};
pub use security::SecuritySpec;
pub use status::{OperatorClaim, QueueStatus, TicketSystemStatus, WorkloadStatus};
pub use storage::{
    CaSecretRef, EmbeddedStorage, PostgresStorage, SecretKeyRef, Stock, StorageSpec,
};
pub use ticket_system::{TicketSystem, TicketSystemSpec};
pub use workload::{ConnectionPool, TicketSpec, VacancySpec, WorkloadSpec};

/// API group of the resource, and prefix of the annotations of the operator.
pub const GROUP: &str = "ticket-system.io";

/// Annotation that allows a change of the storage kind if it is `"true"`. Set it after you have
/// migrated the data.
pub const ALLOW_STORAGE_CHANGE: &str = "ticket-system.io/allow-storage-change";

/// Annotation that names the operator which must manage the system, as `NAMESPACE/LEASE`. It takes
/// over at once from another one.
pub const PREFERRED_OPERATOR: &str = "ticket-system.io/operator";

/// Annotation that allows a new volume after the one with the sales was lost. Its value is the uid
/// of the lost claim, or `"true"`, which counts once.
pub const ALLOW_NEW_VOLUME: &str = "ticket-system.io/allow-new-volume";

/// Annotation of an object that the system named by its value may use as its own.
pub const ADOPT: &str = "ticket-system.io/adopt";
