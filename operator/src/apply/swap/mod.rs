//! Replaces running pods only by pods that can start. A new template is first checked in a pod of
//! its own. If the single writer of a volume does not become ready with it, the previous template
//! comes back.

mod check;
mod gate;
mod rollback;
mod verdict;
mod words;

pub(super) use check::clear;
pub(super) use gate::Gate;
use kube::{Client, ResourceExt, core::DynamicObject};
pub(super) use rollback::record_good;
use serde_json::{Value, json};

use self::gate::template_hash;
use super::{drift, outcome::Applied, patch::ApplyError};
use crate::{
    build::{Child, resource::deployment::TEMPLATE_HASH},
    validate::{System, Workload},
};

/// Decides whether the pods of `live` may be replaced by those of `child`.
pub(super) async fn gate(
    client: &Client,
    system: &System,
    workload: &Workload,
    child: &Child,
    live: &DynamicObject,
    applied: &mut Applied,
) -> Result<Gate, ApplyError> {
    let desired = template_hash(&child.body);
    let current = live.annotations().get(TEMPLATE_HASH).map(String::as_str).unwrap_or_default();
    if workload.holds_volume {
        if let Some(hold) = rollback::holds(child, live, &desired) {
            return Ok(Gate::Held(hold));
        }
        if current == desired
            && let Some(gate) = rollback::of(client, system, workload, child, live).await?
        {
            return Ok(gate);
        }
    }
    if current == desired || !has_pods(child, live) || !replaces_pods(child, live) {
        return Ok(Gate::Open);
    }
    check::gate(client, system, workload, child, &desired, applied).await
}

/// Decides whether the pods of `child` could start, before the pods of another Deployment end.
pub(super) async fn check(
    client: &Client,
    system: &System,
    workload: &Workload,
    child: &Child,
    applied: &mut Applied,
) -> Result<Gate, ApplyError> {
    check::gate(client, system, workload, child, &template_hash(&child.body), applied).await
}

/// Whether pods run, and shall run.
fn has_pods(child: &Child, live: &DynamicObject) -> bool {
    live.metadata.deletion_timestamp.is_none()
        && child.body["spec"]["replicas"] != 0
        && live.data["spec"]["replicas"] != 0
}

/// Whether the template changes. A Deployment of an operator without checks records no hash, and
/// one that was rolled back records that of another template.
fn replaces_pods(child: &Child, live: &DynamicObject) -> bool {
    if live.annotations().contains_key(TEMPLATE_HASH) && !rollback::is_rolled_back(live) {
        return true;
    }
    let template = |spec: &Value| json!({"spec": {"template": spec["template"]}});
    !drift::differences(&template(&child.body["spec"]), &template(&live.data["spec"])).is_empty()
}
