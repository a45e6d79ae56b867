use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What is for sale.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Tickets in the default event when it is created. A later change has no effect on an event
    /// that exists: capacity is then changed through the admin API.
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

/// Where the stock is kept: exactly one of the two, `embedded` when neither is given.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = Rule::new("!(has(self.embedded) && has(self.postgres))")
    .message("storage takes either embedded or postgres, not both: remove one of them"))]
pub struct StorageSpec {
    /// A store inside the vacancy process, on one volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedStorage>,
    /// A PostgreSQL database, which several vacancy pods may share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresStorage>,
}

/// The volume of the embedded store.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedStorage {
    /// Size of the volume. It can grow where the StorageClass allows, never shrink.
    #[serde(default = "size")]
    pub size: Quantity,
    /// StorageClass of the volume. Left out: the cluster's default. Fixed once the volume exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
    /// Keep the volume and the admin token when the resource is deleted; one of the same name
    /// adopts them again.
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

/// The database, by the Secret that holds its URL.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PostgresStorage {
    /// The Secret, in the namespace of the resource.
    pub secret_ref: SecretKeyRef,
    /// Who signed the database's certificate: what `sslmode=verify-full` in the URL trusts. Left
    /// out: those the image has, which are public authorities or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<CaSecretRef>,
}

/// One key of a Secret.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key whose value is a `postgres://` URL. The default is what CloudNativePG writes.
    #[serde(default = "key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn key() -> String {
    "uri".to_owned()
}

/// One key of a Secret with certificates.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct CaSecretRef {
    /// Name of the Secret, in the namespace of the resource.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key whose value is certificates in PEM. The default is what CloudNativePG and cert-manager
    /// write.
    #[serde(default = "ca_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn ca_key() -> String {
    "ca.crt".to_owned()
}
