//! ConfigMaps with the settings of the services.

use k8s_openapi::api::core::v1::ConfigMap;

use crate::{
    build::{environment, meta},
    validate::{System, Workload},
};

/// All settings of one component, as environment variables.
pub fn build(system: &System, workload: &Workload) -> ConfigMap {
    ConfigMap {
        metadata: meta::owned(system, &workload.name, Some(workload.component)),
        data: Some(environment::settings(system, workload)),
        ..Default::default()
    }
}
