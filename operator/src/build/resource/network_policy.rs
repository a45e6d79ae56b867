//! NetworkPolicies.

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use crate::{
    build::{meta, pod},
    labels,
    validate::{System, Workload},
};

/// Allows ingress to the port of the component only. Egress is not restricted: the operator does
/// not know the addresses of the database and the trace collector.
pub fn build(system: &System, workload: &Workload) -> Option<NetworkPolicy> {
    let policy = &system.spec.network_policy;
    if !policy.enabled {
        return None;
    }
    let own_pods = NetworkPolicyPeer {
        pod_selector: Some(LabelSelector {
            match_labels: Some(labels::of_system(&system.name)),
            ..Default::default()
        }),
        ..Default::default()
    };
    // An empty list of peers allows everyone, so the own pods are listed only next to others.
    let from = (!policy.from.is_empty()).then(|| [vec![own_pods], policy.from.clone()].concat());
    let port = NetworkPolicyPort {
        port: Some(IntOrString::Int(i32::from(workload.component.port()))),
        protocol: Some("TCP".to_owned()),
        ..Default::default()
    };
    Some(NetworkPolicy {
        metadata: meta::owned(system, &workload.name, Some(workload.component)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(pod::selector(&system.name, workload.component)),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule { from, ports: Some(vec![port]) }]),
            ..Default::default()
        }),
    })
}
