//! ConfigMaps with the settings of the services.

use k8s_openapi::api::core::v1::ConfigMap;

use crate::{
    build::{checksum, environment, meta},
    validate::{System, Workload},
};

/// Characters of the hash in the name.
const HASH_LENGTH: usize = 10;

/// All settings of one component, as environment variables. The name contains a hash of them, and
/// they are immutable: a pod that restarts reads the settings its template was made with.
pub fn build(system: &System, workload: &Workload) -> ConfigMap {
    let mut config = ConfigMap {
        data: Some(environment::settings(system, workload)),
        immutable: Some(true),
        ..Default::default()
    };
    let hash = checksum::of_config(&config, "");
    let name = format!("{}-{}", workload.name, &hash[..HASH_LENGTH]);
    config.metadata = meta::owned(system, &name, Some(workload.component));
    config
}
