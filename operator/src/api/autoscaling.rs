//! Horizontal autoscaling.

use k8s_openapi::api::autoscaling::v2::HPAScalingRules;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Horizontal autoscaling of one service. While it is enabled, only the autoscaler sets the number
/// of pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas")
    .message("autoscaling.minReplicas must not be above autoscaling.maxReplicas: lower minReplicas \
        or raise maxReplicas"))]
pub struct Autoscaling {
    /// Whether to autoscale. Default: true, except for the single pod with embedded storage. If
    /// false and `replicas` is omitted, something else scales the Deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Minimum number of pods.
    #[serde(default = "min_replicas")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: i32,
    /// Maximum number of pods.
    #[serde(default = "max_replicas")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: i32,
    /// Target CPU utilization of the service's container, in percent of its request.
    #[serde(default = "target_cpu_utilization", rename = "targetCPUUtilization")]
    #[schemars(range(min = 1, max = 1000))]
    pub target_cpu_utilization: i32,
    /// Target memory utilization of the service's container, in percent of its request.
    #[serde(default = "target_memory_utilization")]
    #[schemars(range(min = 1, max = 1000))]
    pub target_memory_utilization: i32,
    /// Scaling speed. Rules for a direction replace the defaults of that direction. Defaults: up
    /// immediately, by 100 % or 4 pods per 30 s, whichever is more; down after 120 s, by 30 % or 3
    /// pods per 60 s, whichever is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,
}

/// Scaling rules per direction, as in `autoscaling/v2`.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Rules for adding pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<HPAScalingRules>,
    /// Rules for removing pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<HPAScalingRules>,
}

fn min_replicas() -> i32 {
    2
}
fn max_replicas() -> i32 {
    10
}
fn target_cpu_utilization() -> i32 {
    70
}
fn target_memory_utilization() -> i32 {
    85
}

impl Default for Autoscaling {
    fn default() -> Self {
        Self {
            enabled: None,
            min_replicas: min_replicas(),
            max_replicas: max_replicas(),
            target_cpu_utilization: target_cpu_utilization(),
            target_memory_utilization: target_memory_utilization(),
            behavior: None,
        }
    }
}
