//! Step three of a reconciliation: render the children of a valid system. Each kind of child has
//! its own file in [`resource`]. All functions are pure.

pub mod checksum;
mod environment;
mod meta;
mod pod;
pub mod preflight;
mod probes;
pub mod resource;
mod volumes;

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use serde::Serialize;
use serde_json::Value;

use crate::{kind::Kind, validate::System};

/// The desired children of a system.
#[derive(Clone, Debug)]
pub struct Resources {
    pub service_account: ServiceAccount,
    pub role_tokens: Vec<Secret>,
    pub signing_keys: Option<Secret>,
    pub claim: Option<PersistentVolumeClaim>,
    pub config_maps: Vec<ConfigMap>,
    pub services: Vec<Service>,
    pub deployments: Vec<Deployment>,
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    pub disruption_budgets: Vec<PodDisruptionBudget>,
    pub network_policies: Vec<NetworkPolicy>,
    pub ingress: Option<Ingress>,
    pub service_monitor: Option<Value>,
}

/// One child, ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    pub kind: Kind,
    pub name: String,
    /// The object to apply, with `apiVersion` and `kind`.
    pub body: Value,
}

/// A child that cannot be serialized. This is a bug in the operator.
#[derive(Debug, thiserror::Error)]
#[error("cannot render {kind}: {message}")]
pub struct BuildError {
    kind: Kind,
    message: String,
}

/// Renders the children of `system`.
pub fn build(system: &System) -> Resources {
    let config_maps: Vec<ConfigMap> = system
        .workloads
        .iter()
        .map(|workload| resource::config_map::build(system, workload))
        .collect();
    Resources {
        service_account: resource::service_account::build(system),
        role_tokens: system
            .tokens
            .iter()
            .filter_map(|token| resource::role_token::build(system, token))
            .collect(),
        signing_keys: resource::signing_keys::build(system),
        claim: resource::claim::build(system),
        services: system
            .workloads
            .iter()
            .flat_map(|workload| resource::service::build(system, workload))
            .collect(),
        deployments: system
            .workloads
            .iter()
            .zip(&config_maps)
            .map(|(workload, config)| resource::deployment::build(system, workload, config))
            .collect(),
        autoscalers: system
            .workloads
            .iter()
            .filter_map(|workload| resource::autoscaler::build(system, workload))
            .collect(),
        disruption_budgets: system
            .workloads
            .iter()
            .filter_map(|workload| resource::disruption_budget::build(system, workload))
            .collect(),
        network_policies: system
            .workloads
            .iter()
            .filter_map(|workload| resource::network_policy::build(system, workload))
            .collect(),
        ingress: resource::ingress::build(system),
        service_monitor: resource::service_monitor::build(system),
        config_maps,
    }
}

/// The Service of vacancy while the monolith has the stock.
///
/// # Errors
/// If it cannot be serialized.
pub fn bridge(system: &System) -> Result<Child, BuildError> {
    let mut children = Vec::with_capacity(1);
    push(&mut children, Kind::Service, [resource::service::bridge(system)])?;
    let error = |message: &str| BuildError { kind: Kind::Service, message: message.to_owned() };
    children.pop().ok_or_else(|| error("nothing was rendered"))
}

impl Resources {
    /// The children in the order they are applied: the objects that pods need come before the
    /// pods.
    ///
    /// # Errors
    /// If a child cannot be serialized.
    pub fn into_children(self) -> Result<Vec<Child>, BuildError> {
        // Without `..`, so that a new kind of child cannot be forgotten.
        let Self {
            service_account,
            role_tokens,
            signing_keys,
            claim,
            config_maps,
            services,
            deployments,
            autoscalers,
            disruption_budgets,
            network_policies,
            ingress,
            service_monitor,
        } = self;
        let mut children = Vec::with_capacity(16);
        // The ServiceAccount and the Secret of administrators record the claim.
        push(&mut children, Kind::PersistentVolumeClaim, claim)?;
        push(&mut children, Kind::ServiceAccount, [service_account])?;
        push(&mut children, Kind::Secret, role_tokens)?;
        push(&mut children, Kind::Secret, signing_keys)?;
        push(&mut children, Kind::ConfigMap, config_maps)?;
        push(&mut children, Kind::NetworkPolicy, network_policies)?;
        push(&mut children, Kind::Service, services)?;
        push(&mut children, Kind::Deployment, deployments)?;
        push(&mut children, Kind::HorizontalPodAutoscaler, autoscalers)?;
        push(&mut children, Kind::PodDisruptionBudget, disruption_budgets)?;
        push(&mut children, Kind::ServiceMonitor, service_monitor)?;
        push(&mut children, Kind::Ingress, ingress)?;
        Ok(children)
    }
}

fn push<T: Serialize>(
    children: &mut Vec<Child>,
    kind: Kind,
    objects: impl IntoIterator<Item = T>,
) -> Result<(), BuildError> {
    for object in objects {
        let error = |message: String| BuildError { kind, message };
        let body = serde_json::to_value(object).map_err(|cause| error(cause.to_string()))?;
        let name = body
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .ok_or_else(|| error("the object has no name".to_owned()))?
            .to_owned();
        children.push(Child { kind, name, body });
    }
    Ok(())
}
