//! The ServiceAccount of the pods.

use k8s_openapi::api::core::v1::ServiceAccount;

use crate::{build::meta, validate::System};

/// The identity of the pods. It has no permissions, and its token is not mounted.
pub fn build(system: &System) -> ServiceAccount {
    ServiceAccount {
        metadata: meta::owned(system, &system.name, None),
        automount_service_account_token: Some(false),
        ..Default::default()
    }
}
