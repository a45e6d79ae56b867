//! PodDisruptionBudgets.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};

use crate::{
    build::{meta, pod},
    validate::{System, Workload},
};

/// Limits voluntary disruptions of a component with two or more pods. With one pod it would only
/// block node drains.
pub fn build(system: &System, workload: &Workload) -> Option<PodDisruptionBudget> {
    let budget = &system.spec.pod_disruption_budget;
    if !budget.enabled || workload.replicas.min() < 2 {
        return None;
    }
    Some(PodDisruptionBudget {
        metadata: meta::owned(system, &workload.name, Some(workload.component)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(budget.max_unavailable.clone()),
            selector: Some(pod::selector(&system.name, workload.component)),
            // A pod that is not ready must not block a drain.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    })
}
