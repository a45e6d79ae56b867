//! Deployments.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::ConfigMap,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    build::{checksum, meta, pod},
    validate::{Replicas, System, Workload},
};

/// Annotation with a hash of the template. A template is checked before its hash changes.
pub const TEMPLATE_HASH: &str = "ticket-system.io/template-hash";
const REVISION_HISTORY: i32 = 5;

/// The pods of one component. `spec.replicas` is unset while something else sets it.
pub fn build(system: &System, workload: &Workload, config: &ConfigMap) -> Deployment {
    let replicas = match &workload.replicas {
        Replicas::Fixed(replicas) => Some(*replicas),
        Replicas::Autoscaled(_) | Replicas::External { .. } => None,
    };
    let template = pod::template(system, workload, config);
    let mut metadata = meta::owned(system, &workload.name, Some(workload.component));
    metadata.annotations = Some(BTreeMap::from([(
        TEMPLATE_HASH.to_owned(),
        checksum::short(&serde_json::json!(template)),
    )]));
    Deployment {
        metadata,
        spec: Some(DeploymentSpec {
            replicas,
            revision_history_limit: Some(REVISION_HISTORY),
            selector: pod::selector(&system.name, workload.component),
            strategy: Some(strategy(workload)),
            // The Deployment controller reports a swap as failed after this time, and the operator
            // then rolls it back.
            progress_deadline_seconds: workload.holds_volume.then_some(system.swap_timeout_s),
            template,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn strategy(workload: &Workload) -> DeploymentStrategy {
    if workload.holds_volume {
        // The new pod must not start before the old one has released the volume.
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_unavailable: Some(IntOrString::Int(0)),
            max_surge: Some(IntOrString::String("25%".to_owned())),
        }),
    }
}
