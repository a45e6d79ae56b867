//! NetworkPolicies. Vacancy is for ticket alone; the door for buyers is ticket, or the monolith.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use crate::{
    build::{meta, pod},
    kind::Component,
    labels,
    validate::{System, Workload},
};

/// The default peers of vacancy, by the label `app.kubernetes.io/name`: the pods that the
/// Prometheus operator and the charts of Prometheus make, and this operator.
const INSIDERS: [&str; 2] = ["prometheus", labels::OPERATOR];

/// Allows ingress to the port of the component only. Egress is not restricted: the operator does
/// not know the addresses of the database and the trace collector.
pub fn build(system: &System, workload: &Workload) -> Option<NetworkPolicy> {
    if !system.spec.network_policy.enabled {
        return None;
    }
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
            ingress: Some(vec![NetworkPolicyIngressRule {
                from: peers(system, workload.component),
                ports: Some(vec![port]),
            }]),
            ..Default::default()
        }),
    })
}

/// The peers that may connect; `None` stands for everyone.
fn peers(system: &System, component: Component) -> Option<Vec<NetworkPolicyPeer>> {
    let policy = &system.spec.network_policy;
    let (first, others) = match component {
        Component::Vacancy => {
            let ticket = labels::selector(&system.name, Component::Ticket);
            (ticket, policy.vacancy_from.clone().unwrap_or_else(insiders))
        }
        // An empty list of peers allows everyone, so the own pods are listed only next to others.
        _ if policy.from.is_empty() => return None,
        _ => (labels::of_system(&system.name), policy.from.clone()),
    };
    let first = NetworkPolicyPeer { pod_selector: Some(matching(first)), ..Default::default() };
    Some([vec![first], others].concat())
}

/// Prometheus, which scrapes vacancy, and the operator, which asks pods why they are not ready.
/// Their namespaces are not known here.
fn insiders() -> Vec<NetworkPolicyPeer> {
    let in_any_namespace = |name: &str| NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        pod_selector: Some(matching(BTreeMap::from([(labels::NAME.to_owned(), name.to_owned())]))),
        ..Default::default()
    };
    INSIDERS.map(in_any_namespace).into()
}

fn matching(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), ..Default::default() }
}
