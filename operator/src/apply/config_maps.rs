//! Deletes ConfigMaps of former settings. A pod that restarts during a rollout needs the settings
//! of its own template, and so does a rollback.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use kube::{Api, Client, ResourceExt, api::ListParams, core::DynamicObject};
use serde_json::{Value, json};

use super::{outcome::Applied, prune};
use crate::{kind::Kind, labels, ownership::is_owned, references, validate::System};

/// Former ConfigMaps of a component that are kept even if nothing refers to them.
const KEPT: usize = 3;
/// Most objects listed per kind. If there are more, nothing is deleted.
const LISTED_MAX: u32 = 500;

/// Deletes former ConfigMaps that no pod and no ReplicaSet refers to.
pub(super) async fn prune(
    client: &Client,
    system: &System,
    desired: &BTreeSet<String>,
    applied: &mut Applied,
) -> Result<(), kube::Error> {
    let candidates = candidates(system, desired, applied);
    if candidates.is_empty() {
        return Ok(());
    }
    let Some(used) = in_use(client, system).await? else { return Ok(()) };
    for name in candidates.into_iter().filter(|name| !used.contains(name)) {
        prune::delete(client, &system.namespace, Kind::ConfigMap, &name, applied).await?;
    }
    Ok(())
}

/// The former ConfigMaps, without the latest ones of each component that still exists.
fn candidates(system: &System, desired: &BTreeSet<String>, applied: &Applied) -> Vec<String> {
    let mut former: BTreeMap<&str, Vec<(&DynamicObject, &str)>> = BTreeMap::new();
    for (kind, name, object) in applied.live.iter() {
        if kind == Kind::ConfigMap
            && !desired.contains(name)
            && is_owned(&object.metadata, &system.owner.uid)
        {
            let component = object.labels().get(labels::COMPONENT).map_or("", String::as_str);
            former.entry(component).or_default().push((object.as_ref(), name));
        }
    }
    let mut found = Vec::new();
    for (component, mut objects) in former {
        objects.sort_by_key(|(object, _)| std::cmp::Reverse(object.creation_timestamp()));
        let is_current =
            system.workloads.iter().any(|workload| workload.component.as_str() == component);
        let kept = if is_current { KEPT } else { 0 };
        found.extend(objects.into_iter().skip(kept).map(|(_, name)| name.to_owned()));
    }
    found
}

/// The ConfigMaps that pods and ReplicaSets of the system refer to. `None` if there are too many to
/// list.
async fn in_use(client: &Client, system: &System) -> Result<Option<BTreeSet<String>>, kube::Error> {
    let selector = labels::query(&labels::of_system(&system.name));
    let params = ListParams::default().labels(&selector).limit(LISTED_MAX);
    let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &system.namespace);
    let sets = sets.list(&params).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &system.namespace);
    let pods = pods.list(&params).await?;
    let is_partial = |token: &Option<String>| token.as_deref().is_some_and(|it| !it.is_empty());
    if is_partial(&sets.metadata.continue_) || is_partial(&pods.metadata.continue_) {
        return Ok(None);
    }
    let templates = sets.items.iter().filter_map(|set| set.spec.as_ref()?.template.as_ref());
    let templates = templates.map(|template| json!(template));
    let templates = templates.chain(pods.items.iter().map(|pod| json!({ "spec": pod.spec })));
    let used = templates.flat_map(|template: Value| references::of_template(&template));
    let used = used.filter(|(kind, _)| *kind == Kind::ConfigMap).map(|(_, name)| name);
    Ok(Some(used.collect()))
}
