//! HorizontalPodAutoscalers.

use k8s_openapi::api::autoscaling::v2::{
    ContainerResourceMetricSource, CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules,
    HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec,
    MetricSpec, MetricTarget,
};

use crate::{
    build::meta,
    validate::{Replicas, Scaling, System, Workload},
};

/// The autoscaler of one component, unless the spec fixes the number of pods.
pub fn build(system: &System, workload: &Workload) -> Option<HorizontalPodAutoscaler> {
    let Replicas::Autoscaled(scaling) = &workload.replicas else { return None };
    Some(HorizontalPodAutoscaler {
        metadata: meta::owned(system, &workload.name, Some(workload.component)),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: workload.name.clone(),
            },
            min_replicas: Some(scaling.settings.min_replicas),
            max_replicas: scaling.settings.max_replicas,
            metrics: Some(metrics(workload, scaling)),
            behavior: Some(behavior(scaling)),
        }),
        ..Default::default()
    })
}

/// Utilization of the container of the service. An injected sidecar without requests would make a
/// metric of the whole pod unavailable.
fn metrics(workload: &Workload, scaling: &Scaling) -> Vec<MetricSpec> {
    let utilization = |name: &str, percent: i32| MetricSpec {
        type_: "ContainerResource".to_owned(),
        container_resource: Some(ContainerResourceMetricSource {
            container: workload.component.as_str().to_owned(),
            name: name.to_owned(),
            target: MetricTarget {
                type_: "Utilization".to_owned(),
                average_utilization: Some(percent),
                ..Default::default()
            },
        }),
        ..Default::default()
    };
    let settings = &scaling.settings;
    let cpu = scaling.on_cpu.then(|| utilization("cpu", settings.target_cpu_utilization));
    let memory =
        scaling.on_memory.then(|| utilization("memory", settings.target_memory_utilization));
    cpu.into_iter().chain(memory).collect()
}

fn behavior(scaling: &Scaling) -> HorizontalPodAutoscalerBehavior {
    let given = scaling.settings.behavior.clone().unwrap_or_default();
    HorizontalPodAutoscalerBehavior {
        scale_up: Some(
            given
                .scale_up
                .unwrap_or_else(|| rules(0, "Max", [("Percent", 100, 30), ("Pods", 4, 30)])),
        ),
        scale_down: Some(
            given
                .scale_down
                .unwrap_or_else(|| rules(120, "Min", [("Percent", 30, 60), ("Pods", 3, 60)])),
        ),
    }
}

/// Scaling rules for one direction. Each policy is a type, an amount and its period in seconds.
fn rules(stabilization_s: i32, select: &str, policies: [(&str, i32, i32); 2]) -> HPAScalingRules {
    let policies = policies
        .into_iter()
        .map(|(type_, value, period_seconds)| HPAScalingPolicy {
            type_: type_.to_owned(),
            value,
            period_seconds,
        })
        .collect();
    HPAScalingRules {
        stabilization_window_seconds: Some(stabilization_s),
        select_policy: Some(select.to_owned()),
        policies: Some(policies),
        ..Default::default()
    }
}
