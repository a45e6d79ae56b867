/// Why a spec cannot be built. The message tells a person what to do; the reason goes into
/// conditions and events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "storage is {from} and would become {to}, which does not take the data along: set it back, or migrate the data and then set the annotation ticket-system.io/allow-storage-change to \"true\""
    )]
    StorageChange { from: String, to: &'static str },
    #[error(
        "Secret {name} does not exist in this namespace: create it, or correct storage.postgres.secretRef.name"
    )]
    SecretMissing { name: String },
    #[error(
        "Secret {name} has no value under the key {key}: add it, or correct storage.postgres.secretRef.key"
    )]
    SecretKeyMissing { name: String, key: String },
    #[error(
        "key {key} of Secret {name} does not hold a postgres:// URL: correct it, or correct storage.postgres.secretRef.key"
    )]
    SecretNotAUrl { name: String, key: String },
    #[error(
        "the key {key} of Secret {name} is no admin token, which has at least 16 characters and no white space: correct it, or delete the Secret to get a new one"
    )]
    AdminTokenInvalid { name: String, key: &'static str },
    #[error(
        "{block}.autoscaling has nothing to measure: {block}.resources requests neither cpu nor memory; add a request, or set {block}.autoscaling.enabled to false"
    )]
    NoScalingMetric { block: &'static str },
    #[error(
        "{block} can run one pod only on embedded storage, which is one volume with one writer: leave {field} out, or set storage.postgres"
    )]
    SingleWriter { block: &'static str, field: &'static str },
    #[error(
        "{block}.autoscaling.minReplicas is above maxReplicas: lower the one or raise the other"
    )]
    MinAboveMax { block: &'static str },
    #[error("the spec cannot be read: {message}")]
    Unreadable { message: String },
    #[error("the resource has no namespace or uid, so nothing can be owned by it")]
    NotStored,
}

impl Refusal {
    /// A stable word for conditions, events and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::StorageChange { .. } => "StorageChangeRefused",
            Self::SecretMissing { .. } | Self::SecretKeyMissing { .. } => "SecretMissing",
            Self::SecretNotAUrl { .. } | Self::AdminTokenInvalid { .. } => "SecretInvalid",
            Self::NoScalingMetric { .. }
            | Self::SingleWriter { .. }
            | Self::MinAboveMax { .. }
            | Self::Unreadable { .. }
            | Self::NotStored => "SpecInvalid",
        }
    }
}
