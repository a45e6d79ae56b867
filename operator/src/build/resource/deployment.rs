//! Deployments.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::ConfigMap,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    build::{meta, pod},
    validate::{Replicas, System, Workload},
};

const REVISION_HISTORY: i32 = 5;

/// The pods of one component. `spec.replicas` is unset while something else sets it.
pub fn build(system: &System, workload: &Workload, config: &ConfigMap) -> Deployment {
    let replicas = match &workload.replicas {
        Replicas::Fixed(replicas) => Some(*replicas),
        Replicas::Autoscaled(_) | Replicas::External { .. } => None,
    };
    Deployment {
        metadata: meta::owned(system, &workload.name, Some(workload.component)),
        spec: Some(DeploymentSpec {
            replicas,
            revision_history_limit: Some(REVISION_HISTORY),
            selector: pod::selector(&system.name, workload.component),
            strategy: Some(strategy(workload)),
            template: pod::template(system, workload, config),
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
