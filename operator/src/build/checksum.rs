//! Checksums of objects, and of what rolls pods when their configuration changes.

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Characters of a short hash.
const SHORT_LENGTH: usize = 16;

/// A short hash of an object or a part of one, such as a pod template.
pub fn short(value: &Value) -> String {
    const_hex::encode(Sha256::digest(value.to_string()))[..SHORT_LENGTH].to_owned()
}

/// Hash of everything a pod reads only at start: its ConfigMap and the Secrets it refers to.
pub fn of_config(config: &ConfigMap, secrets_digest: &str) -> String {
    let mut hash = Sha256::new();
    for (key, value) in config.data.iter().flatten() {
        // The lengths make the concatenation unambiguous.
        hash.update(key.len().to_be_bytes());
        hash.update(key);
        hash.update(value.len().to_be_bytes());
        hash.update(value);
    }
    hash.update(secrets_digest);
    const_hex::encode(hash.finalize())
}
