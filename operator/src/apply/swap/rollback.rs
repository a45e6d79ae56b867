//! Brings the previous template of the single writer back if the new one does not become ready.

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject},
};
use serde_json::{Value, json};

use super::{
    super::{
        body::pin_uid,
        hold::{Hold, HoldReason},
        patch::ApplyError,
    },
    gate::{Gate, hold, template_hash},
    words,
};
use crate::{
    build::{Child, checksum},
    labels,
    ownership::RECORD_FIELD_MANAGER,
    rollout::Rollout,
    validate::{System, Workload},
};

/// Annotation of a Deployment with the hash of the latest template whose pods were all available.
const GOOD_TEMPLATE: &str = "ticket-system.io/good-template";
/// Annotation of a Deployment with the hash of the desired template that it was rolled back from.
const ROLLED_BACK_FROM: &str = "ticket-system.io/rolled-back-from";
/// Annotation of a Deployment with the cause that the pod of the failed template gave.
const ROLLBACK_CAUSE: &str = "ticket-system.io/rollback-cause";
/// Annotation of the Deployment controller with the number of the rollout.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// The hold on a template that was rolled back before.
pub(super) fn holds(child: &Child, live: &DynamicObject, desired: &str) -> Option<Hold> {
    let from = live.annotations().get(ROLLED_BACK_FROM)?;
    let words = live.annotations().get(ROLLBACK_CAUSE).map(String::as_str);
    (from == desired).then(|| rolled_back(child, words))
}

/// Whether the template of `live` is not the one that was desired.
pub(super) fn is_rolled_back(live: &DynamicObject) -> bool {
    live.annotations().contains_key(ROLLED_BACK_FROM)
}

fn rolled_back(child: &Child, words: Option<&str>) -> Hold {
    let said = words.map_or_else(String::new, |words| format!(" ({words})"));
    let message = format!(
        "the pod of the new template did not become ready in time{said}, and the previous template \
         is back: change the spec to try again"
    );
    hold(&child.name, HoldReason::RolledBack, message)
}

/// The Deployment with its previous template, if the pods of the live one are late.
pub(super) async fn of(
    client: &Client,
    system: &System,
    workload: &Workload,
    child: &Child,
    live: &DynamicObject,
) -> Result<Option<Gate>, ApplyError> {
    let is_late = Rollout::read(live)
        .is_some_and(|rollout| rollout.deadline_exceeded && !rollout.is_complete());
    if !is_late {
        return Ok(None);
    }
    let previous =
        previous_template(client, system, workload, live).await.map_err(ApplyError::Unavailable)?;
    let Some(template) = previous else { return Ok(None) };
    let words = words::of_pods(client, system, workload).await.map_err(ApplyError::Unavailable)?;
    let mut back = child.clone();
    back.body["metadata"]["annotations"][ROLLED_BACK_FROM] = json!(template_hash(&child.body));
    if let Some(words) = &words {
        back.body["metadata"]["annotations"][ROLLBACK_CAUSE] = json!(words);
    }
    back.body["spec"]["template"] = template;
    Ok(Some(Gate::Replace(Box::new(back), rolled_back(child, words.as_deref()))))
}

/// The template of the ReplicaSet that was good, or else of the one before the current one.
async fn previous_template(
    client: &Client,
    system: &System,
    workload: &Workload,
    live: &DynamicObject,
) -> Result<Option<Value>, kube::Error> {
    let resource = ApiResource::erase::<ReplicaSet>(&());
    let sets: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &resource);
    let selector = labels::query(&labels::selector(&system.name, workload.component));
    let sets = sets.list(&ListParams::default().labels(&selector)).await?.items;
    let uid = live.uid().unwrap_or_default();
    let current = hash(&live.data["spec"]["template"]);
    let good = live.annotations().get(GOOD_TEMPLATE);
    let mut former: Vec<(i64, Value)> = sets
        .iter()
        .filter(|set| set.owner_references().iter().any(|owner| owner.uid == uid))
        .map(|set| (revision(set), cleaned(&set.data["spec"]["template"])))
        .filter(|(_, template)| hash(template) != current)
        .collect();
    former.sort_by_key(|(revision, _)| *revision);
    let is_good = |template: &Value| good.is_some_and(|good| *good == hash(template));
    let found = former.iter().rfind(|(_, template)| is_good(template));
    let found = found.or_else(|| former.last().filter(|_| good.is_none()));
    Ok(found.map(|(_, template)| template.clone()))
}

fn revision(object: &DynamicObject) -> i64 {
    object.annotations().get(REVISION).and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

/// A template without what the Deployment controller adds.
fn cleaned(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(metadata) = template["metadata"].as_object_mut() {
        metadata.remove("creationTimestamp");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
    }
    template
}

fn hash(template: &Value) -> String {
    checksum::short(&cleaned(template))
}

/// Records the template of `live` as good if all its pods are available.
pub(in super::super) async fn record_good(
    client: &Client,
    system: &System,
    child: &Child,
    live: &DynamicObject,
) -> Result<(), ApplyError> {
    let is_good =
        Rollout::read(live).is_some_and(|rollout| rollout.desired > 0 && rollout.is_complete());
    if !is_good {
        return Ok(());
    }
    let hash = hash(&live.data["spec"]["template"]);
    if live.annotations().get(GOOD_TEMPLATE) == Some(&hash) {
        return Ok(());
    }
    let resource = child.kind.api_resource();
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &resource);
    let mut body = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": { "name": child.name, "annotations": { GOOD_TEMPLATE: hash } },
    });
    pin_uid(&mut body, live);
    let params = PatchParams::apply(RECORD_FIELD_MANAGER).force();
    api.patch(&child.name, &params, &Patch::Apply(&body)).await?;
    Ok(())
}
