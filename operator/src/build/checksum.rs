use k8s_openapi::api::core::v1::ConfigMap;
use sha2::{Digest, Sha256};

use crate::validate::hex;

/// Hash over all a pod reads at start but cannot see change: its ConfigMap and the Secrets it
/// refers to.
pub fn of_configuration(config: &ConfigMap, secrets_digest: &str) -> String {
    let mut hash = Sha256::new();
    for (key, value) in config.data.iter().flatten() {
        // Lengths keep apart what concatenation would merge.
        hash.update(key.len().to_be_bytes());
        hash.update(key);
        hash.update(value.len().to_be_bytes());
        hash.update(value);
    }
    hash.update(secrets_digest);
    hex(&hash.finalize())
}
