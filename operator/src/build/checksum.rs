//! The checksum that rolls pods when their configuration changes.

use k8s_openapi::api::core::v1::ConfigMap;
use sha2::{Digest, Sha256};

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
