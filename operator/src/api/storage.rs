//! The stock and its storage.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The stock of the default event.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Number of tickets when the default event is created. A later change has no effect: use the
    /// admin API to change the capacity of an existing event.
    #[serde(default = "initial")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub initial: i64,
}

fn initial() -> i64 {
    10_000
}

impl Default for Stock {
    fn default() -> Self {
        Self { initial: initial() }
    }
}

/// Storage of the stock. Set at most one of the two; the default is `embedded`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = Rule::new("!(has(self.embedded) && has(self.postgres))")
    .message("storage takes either embedded or postgres, not both: remove one of them"))]
pub struct StorageSpec {
    /// A store in the vacancy process, on one volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedStorage>,
    /// A PostgreSQL database, which several vacancy pods can share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresStorage>,
}

/// The volume of the embedded store.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedStorage {
    /// Size of the volume. It can grow if the StorageClass allows that, but not shrink: a size
    /// below that of the existing volume has no effect.
    #[serde(default = "size")]
    #[x_kube(validation = Rule::new("isQuantity(string(self)) && \
        quantity(string(self)).isGreaterThan(quantity('0'))")
        .message("storage.embedded.size must be a size above 0 such as 10Gi or 500M"))]
    pub size: Quantity,
    /// StorageClass of the volume. Default: the default class of the cluster. Immutable once the
    /// volume exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
    /// Whether to keep the volume, the tokens and the signing keys when the resource is deleted. A
    /// new resource of the same name adopts them.
    #[serde(default = "retain")]
    pub retain: bool,
}

fn size() -> Quantity {
    Quantity("1Gi".to_owned())
}

fn retain() -> bool {
    true
}

impl Default for EmbeddedStorage {
    fn default() -> Self {
        Self { size: size(), storage_class_name: None, retain: retain() }
    }
}

/// A PostgreSQL database.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PostgresStorage {
    /// Secret with the URL of the database, in the namespace of the resource.
    pub secret_ref: SecretKeyRef,
    /// Secret with the CA certificates that `sslmode=verify-full` trusts. Default: the CA
    /// certificates in the image, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<CaSecretRef>,
}

/// One key of a Secret.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of a `postgres://` URL. The default is the key that CloudNativePG uses.
    #[serde(default = "key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn key() -> String {
    "uri".to_owned()
}

/// One key of a Secret with CA certificates.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct CaSecretRef {
    /// Name of the Secret, in the namespace of the resource.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of CA certificates in PEM. The default is the key that CloudNativePG and cert-manager
    /// use.
    #[serde(default = "ca_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn ca_key() -> String {
    "ca.crt".to_owned()
}
