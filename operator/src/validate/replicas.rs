//! The number of pods of a component: fixed by the spec, decided by an autoscaler, or left alone.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::ResourceRequirements, apimachinery::pkg::api::resource::Quantity,
};

use super::error::ValidationError;
use crate::{
    api::{Autoscaling, WorkloadSpec},
    kind::Component,
};

const REPLICAS: i32 = 2;

/// The source of the number of pods.
#[derive(Clone, Debug, PartialEq)]
pub enum Replicas {
    /// The spec sets it.
    Fixed(i32),
    /// The autoscaler sets it, and the operator must not.
    Autoscaled(Scaling),
    /// Neither the spec nor an autoscaler of the operator sets it: something else scales the
    /// Deployment. The operator sets only the first number.
    External { initial: i32 },
}

/// Bounds and metrics of the autoscaler.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    pub settings: Autoscaling,
    /// Whether the pods request CPU. Utilization is relative to the request.
    pub on_cpu: bool,
    /// Whether the pods request memory.
    pub on_memory: bool,
}

impl Replicas {
    /// The smallest desired number of pods, as far as it is known.
    pub fn min(&self) -> i32 {
        match self {
            Self::Fixed(replicas) => *replicas,
            Self::Autoscaled(scaling) => scaling.settings.min_replicas,
            Self::External { initial } => *initial,
        }
    }
}

/// Resolves the number of pods, or rejects a combination that cannot run.
pub(super) fn resolve(
    component: Component,
    spec: &WorkloadSpec,
    resources: &ResourceRequirements,
    holds_volume: bool,
) -> Result<Replicas, ValidationError> {
    let block = if component == Component::Vacancy { "vacancy" } else { "ticket" };
    let scaling = &spec.autoscaling;
    if holds_volume {
        if scaling.enabled == Some(true) {
            return Err(ValidationError::SingleWriter { block, field: "autoscaling.enabled" });
        }
        return match spec.replicas.unwrap_or(1) {
            replicas @ ..=1 => Ok(Replicas::Fixed(replicas)),
            _ => Err(ValidationError::SingleWriter { block, field: "replicas" }),
        };
    }
    if scaling.enabled == Some(false) {
        return Ok(match spec.replicas {
            Some(replicas) => Replicas::Fixed(replicas),
            None => Replicas::External { initial: REPLICAS },
        });
    }
    if scaling.min_replicas > scaling.max_replicas {
        return Err(ValidationError::MinAboveMax { block });
    }
    // Kubernetes uses a limit without a request as the request.
    let requests = |name: &str| {
        [&resources.requests, &resources.limits]
            .into_iter()
            .flatten()
            .any(|amounts| amounts.contains_key(name))
    };
    let (on_cpu, on_memory) = (requests("cpu"), requests("memory"));
    if !on_cpu && !on_memory {
        return Err(ValidationError::NoScalingMetric { block });
    }
    Ok(Replicas::Autoscaled(Scaling { settings: scaling.clone(), on_cpu, on_memory }))
}

/// Requests and limits if the spec sets none. There is no CPU limit: throttling would add latency
/// and save nothing.
pub fn default_resources(component: Component) -> ResourceRequirements {
    let (cpu, memory, memory_limit) = match component {
        Component::Ticket => ("100m", "128Mi", "512Mi"),
        Component::Vacancy | Component::Monolith => ("250m", "256Mi", "1Gi"),
    };
    let amounts = |pairs: &[(&str, &str)]| -> Option<BTreeMap<String, Quantity>> {
        Some(
            pairs
                .iter()
                .map(|(name, amount)| ((*name).to_owned(), Quantity((*amount).to_owned())))
                .collect(),
        )
    };
    ResourceRequirements {
        requests: amounts(&[("cpu", cpu), ("memory", memory)]),
        limits: amounts(&[("memory", memory_limit)]),
        ..Default::default()
    }
}
