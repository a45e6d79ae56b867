//! Applies one child: reads it past a stale cache, waits for the volume, and hands over the number
//! of pods.

use std::sync::Arc;

use kube::{
    Api, Client,
    api::{DeleteParams, Preconditions},
    core::DynamicObject,
};

use super::{
    contest::Contests,
    failure::ChildFailure,
    outcome::Applied,
    patch::{self, ApplyError, Outcome},
    pending::Pending,
    replicas,
    swap::{self, Gate},
    volume,
};
use crate::{
    build::Child,
    dereference::{Children, FromServer},
    kind::Kind,
    ownership::may_manage,
    validate::System,
};

/// Applies `child` and records the result in `applied`.
pub(super) async fn apply(
    client: &Client,
    system: &System,
    child: &Child,
    contests: &Contests,
    applied: &mut Applied,
) -> Result<(), kube::Error> {
    let cached = applied.live.get(child.kind, &child.name).cloned();
    let was_cached = cached.is_some();
    let live = match cached {
        Some(cached) => Some(cached),
        None => read(client, system, child).await?,
    };
    let outcome = match attempt(client, system, child, live.as_deref(), contests, applied).await {
        // Another reconciliation decides whether the claim may be created again.
        Err(ApplyError::Stale(error)) if child.kind == Kind::PersistentVolumeClaim => {
            return Err(error);
        }
        // The object was deleted, and perhaps recreated, after the cache saw it.
        Err(ApplyError::Stale(_)) if was_cached => {
            let live = read(client, system, child).await?;
            applied.live.remove(child.kind, &child.name);
            attempt(client, system, child, live.as_deref(), contests, applied).await
        }
        outcome => outcome,
    };
    match outcome {
        Ok(Outcome::Unchanged) => {}
        Ok(Outcome::Written { object, change }) => {
            applied.live.insert(child.kind, child.name.clone(), Arc::new(*object));
            applied.changes.push(change);
        }
        Err(ApplyError::Rejected(failure)) => {
            let is_blocking = failure.is_blocking || live.is_none();
            applied.failures.push(ChildFailure { is_blocking, ..failure });
        }
        Err(ApplyError::Stale(error) | ApplyError::Unavailable(error)) => return Err(error),
    }
    Ok(())
}

/// Reads a child that the caches do not have. They hold only objects with the operator's labels, so
/// the object may still exist: with another owner, or with its labels removed.
async fn read(
    client: &Client,
    system: &System,
    child: &Child,
) -> Result<Option<Arc<DynamicObject>>, kube::Error> {
    FromServer(client.clone()).get(child.kind, &system.namespace, &child.name).await
}

async fn attempt(
    client: &Client,
    system: &System,
    child: &Child,
    live: Option<&DynamicObject>,
    contests: &Contests,
    applied: &mut Applied,
) -> Result<Outcome, ApplyError> {
    if let Some(live) = live
        && !may_manage(child.kind, &live.metadata, &system.name, &system.owner.uid)
        && !is_recorded(system, child, live)
    {
        return Err(patch::name_conflict(child, live, &system.name));
    }
    // An immutable object cannot be corrected.
    let live = match live.filter(|live| has_other_settings(child, live)) {
        Some(wrong) => {
            delete_wrong(client, system, child, wrong).await?;
            None
        }
        None => live,
    };
    let workload = system
        .workloads
        .iter()
        .find(|workload| child.kind == Kind::Deployment && workload.name == child.name);
    if let (Some(writer), None) = (workload.filter(|workload| workload.holds_volume), live) {
        let holders = volume::holders(client, system, writer.component)
            .await
            .map_err(|error| patch::classify(child, error))?;
        if !holders.is_empty() {
            applied.pending = Some(Pending::volume_holders(&holders));
            return Ok(Outcome::Unchanged);
        }
    }
    let mut replacement = None;
    if let (Some(workload), Some(live)) = (workload, live) {
        if workload.holds_volume {
            swap::record_good(client, system, child, live).await?;
        }
        match swap::gate(client, system, workload, child, live, applied).await? {
            Gate::Open => {}
            Gate::Replace(previous, hold) => {
                applied.holds.push(hold);
                replacement = Some(previous);
            }
            Gate::Wait(pending) => {
                applied.pending.get_or_insert(pending);
                return Ok(Outcome::Unchanged);
            }
            Gate::Held(hold) => {
                applied.holds.push(hold);
                return Ok(Outcome::Unchanged);
            }
        }
    }
    let child = replacement.as_deref().unwrap_or(child);
    let plan =
        workload.map(|workload| replicas::plan(&workload.replicas, live)).unwrap_or_default();
    if let (Some(replicas), Some(live)) = (plan.before, live) {
        replicas::own(client, system, child, live, replicas)
            .await
            .map_err(|error| patch::classify(child, error))?;
    }
    match (patch::apply(client, system, child, live, contests).await?, plan.after) {
        (Outcome::Written { object, change }, Some(initial)) => {
            let object = replicas::own(client, system, child, &object, initial)
                .await
                .map_err(|error| patch::classify(child, error))?;
            Ok(Outcome::Written { object: Box::new(object), change })
        }
        (outcome, _) => Ok(outcome),
    }
}

/// Whether `live` has the name, but not the settings that its name stands for.
fn has_other_settings(child: &Child, live: &DynamicObject) -> bool {
    child.kind == Kind::ConfigMap && child.body["data"] != live.data["data"]
}

async fn delete_wrong(
    client: &Client,
    system: &System,
    child: &Child,
    live: &DynamicObject,
) -> Result<(), ApplyError> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &child.kind.api_resource());
    let preconditions = Preconditions { uid: live.metadata.uid.clone(), ..Default::default() };
    let params = DeleteParams::background().preconditions(preconditions);
    match api.delete(&child.name, &params).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        result => result.map(|_| ()).map_err(ApplyError::from),
    }
}

/// Whether `live` is the recorded claim, which has lost its labels.
fn is_recorded(system: &System, child: &Child, live: &DynamicObject) -> bool {
    child.kind == Kind::PersistentVolumeClaim
        && live.metadata.uid.is_some()
        && live.metadata.uid == system.claim.uid
}
