//! Checks that no pod holds the volume before a new writer is created. The strategy `Recreate`
//! separates the pods of one Deployment, but not those of another or a deleted Deployment: they end
//! later, and would share the volume with the new writer.

use std::collections::BTreeSet;

use k8s_openapi::api::{
    apps::v1::ReplicaSet,
    core::v1::{Pod, PodSpec},
};
use kube::{Api, Client, Resource, ResourceExt, api::ListParams};

use crate::{
    kind::{Component, claim},
    labels,
    validate::System,
};

/// Most objects listed per kind. One is enough to wait for.
const LISTED_MAX: u32 = 100;

/// Pods that hold the volume, or ReplicaSets that may create such a pod, while the Deployment of
/// `component` does not exist. The lists come from the API server, because a stale cache could lead
/// to two writers.
///
/// # Errors
/// If a request to the API server fails.
pub(super) async fn holders(
    client: &Client,
    system: &System,
    component: Component,
) -> Result<Vec<String>, kube::Error> {
    let selector = format!(
        "{},{}",
        labels::query(&labels::of_system(&system.name)),
        labels::any_of(&[Component::Vacancy, Component::Monolith])
    );
    let params = ListParams::default().labels(&selector).limit(LISTED_MAX);
    let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &system.namespace);
    let sets = sets.list(&params).await?.items;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &system.namespace);
    let pods =
        pods.list(&params.fields("status.phase!=Succeeded,status.phase!=Failed")).await?.items;
    Ok(holding(system, component, &sets, &pods))
}

fn holding(
    system: &System,
    component: Component,
    sets: &[ReplicaSet],
    pods: &[Pod],
) -> Vec<String> {
    let volume = claim(&system.name);
    // The Deployment adopts an orphaned ReplicaSet together with its pods.
    let adoptable = |set: &&ReplicaSet| {
        set.metadata.deletion_timestamp.is_none()
            && controller(*set).is_none()
            && set.labels().get(labels::COMPONENT).map(String::as_str) == Some(component.as_str())
    };
    let adopted: BTreeSet<String> =
        sets.iter().filter(adoptable).filter_map(ResourceExt::uid).collect();
    // A ReplicaSet with desired replicas may create a pod at any time.
    let sets = sets.iter().filter(|set| !adoptable(set)).filter(|set| {
        let spec = set.spec.as_ref();
        spec.and_then(|spec| spec.replicas).unwrap_or(1) > 0
            && mounts(spec.and_then(|spec| spec.template.as_ref()?.spec.as_ref()), &volume)
    });
    let pods = pods
        .iter()
        .filter(|pod| mounts(pod.spec.as_ref(), &volume))
        .filter(|pod| controller(*pod).is_none_or(|uid| !adopted.contains(&uid)));
    let pods: Vec<String> = pods.map(|pod| format!("pod {}", pod.name_any())).collect();
    if pods.is_empty() {
        sets.map(|set| format!("ReplicaSet {}", set.name_any())).collect()
    } else {
        pods
    }
}

fn controller(object: &impl Resource) -> Option<String> {
    object
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| owner.uid.clone())
}

fn mounts(pod: Option<&PodSpec>, volume: &str) -> bool {
    let mut volumes = pod.and_then(|pod| pod.volumes.as_ref()).into_iter().flatten();
    volumes.any(|mounted| {
        mounted.persistent_volume_claim.as_ref().is_some_and(|claim| claim.claim_name == volume)
    })
}
