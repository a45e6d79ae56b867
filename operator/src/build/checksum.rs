//! The checksum that rolls pods when their configuration changes.

use k8s_openapi::api::core::v1::{ConfigMap, PodTemplateSpec};
use sha2::{Digest, Sha256};

/// Characters of the hash of a template.
const TEMPLATE_HASH_LENGTH: usize = 16;

/// Hash of a pod template.
pub fn of_template(template: &PodTemplateSpec) -> String {
    let hash = Sha256::digest(serde_json::json!(template).to_string());
    const_hex::encode(hash)[..TEMPLATE_HASH_LENGTH].to_owned()
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
