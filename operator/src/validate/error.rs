//! Reasons to reject a spec.

/// Why a spec cannot be built. The message says how to fix it; [`ValidationError::reason`] goes
/// into conditions and events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationError {
    #[error(
        "storage is {from} and would become {to}, which does not migrate the data: set it back, or \
         migrate the data and then set the annotation ticket-system.io/allow-storage-change to \
         \"true\""
    )]
    StorageChange { from: String, to: &'static str },
    #[error(
        "Secret {name} does not exist in this namespace: create it, or correct \
         storage.postgres.secretRef.name"
    )]
    SecretMissing { name: String },
    #[error(
        "Secret {name} has no value under the key {key}: add it, or correct \
         storage.postgres.secretRef.key"
    )]
    SecretKeyMissing { name: String, key: String },
    #[error(
        "key {key} of Secret {name} is not a postgres:// URL: correct it, or correct \
         storage.postgres.secretRef.key"
    )]
    SecretNotAUrl { name: String, key: String },
    #[error(
        "key {key} of Secret {name} has no valid {role} tokens: use at least 16 characters and no \
         white space for each, and commas between at most 16, or delete the Secret to get a new \
         token"
    )]
    TokenInvalid { name: String, key: &'static str, role: &'static str },
    #[error(
        "key {key} of Secret {name} has no valid signing keys: {reason}; correct it: without the \
         former keys, all places are lost"
    )]
    KeysInvalid { name: String, key: &'static str, reason: signing::KeySetError },
    #[error(
        "{block}.autoscaling has no metric: {block}.resources requests neither cpu nor memory; add \
         a request, or set {block}.autoscaling.enabled to false"
    )]
    NoScalingMetric { block: &'static str },
    #[error(
        "{block} can run only one pod on embedded storage, which is one volume with one writer: \
         remove {field}, or set storage.postgres"
    )]
    SingleWriter { block: &'static str, field: &'static str },
    #[error(
        "{block}.autoscaling.minReplicas is above maxReplicas: lower minReplicas or raise \
         maxReplicas"
    )]
    MinAboveMax { block: &'static str },
    #[error("{field} is \"{value}\": set it to {expected}")]
    InvalidAmount { field: String, value: String, expected: &'static str },
    #[error(
        "queue.beacon.urls is not accepted: use 1 to 8 https URLs such as https://api.drand.sh, \
         without user, query and fragment"
    )]
    BeaconUrls,
    #[error("the spec cannot be read: {message}")]
    Unreadable { message: String },
    #[error("the resource has no namespace or uid, so it cannot own other objects")]
    NotStored,
}

impl ValidationError {
    /// The reason of conditions and events. It is part of the API and does not change.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::StorageChange { .. } => "StorageChangeRefused",
            Self::SecretMissing { .. } | Self::SecretKeyMissing { .. } => "SecretMissing",
            Self::SecretNotAUrl { .. } | Self::TokenInvalid { .. } | Self::KeysInvalid { .. } => {
                "SecretInvalid"
            }
            Self::NoScalingMetric { .. }
            | Self::SingleWriter { .. }
            | Self::MinAboveMax { .. }
            | Self::InvalidAmount { .. }
            | Self::BeaconUrls
            | Self::Unreadable { .. }
            | Self::NotStored => "SpecInvalid",
        }
    }
}
