//! Server-side apply of one child.

use std::time::Instant;

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    core::{DynamicObject, Status},
};
use serde_json::Value;

use super::{
    body::{APPLIED_HASH, body_with_hash, pin_uid},
    change::{Action, Change},
    contest::{Contests, WHOLE_OBJECT},
    drift,
    failure::{ChildFailure, FailureReason},
    managers,
};
use crate::{
    build::Child,
    kind::Kind,
    observe::is_namespace_terminating,
    ownership::{self, FIELD_MANAGER, may_manage},
    validate::System,
};

pub(super) enum Outcome {
    Unchanged,
    Written { object: Box<DynamicObject>, change: Change },
}

pub(super) enum ApplyError {
    /// The API server rejects this child; others may still be applied.
    Rejected(ChildFailure),
    /// The object that was read is gone, or another object has its name.
    Stale(kube::Error),
    /// The API server cannot process any write.
    Unavailable(kube::Error),
}

impl From<kube::Error> for ApplyError {
    /// For writes that pin a uid: only those can conflict.
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.is_conflict() || is_uid_mismatch(status) => {
                Self::Stale(error)
            }
            _ => Self::Unavailable(error),
        }
    }
}

/// How the API server treats fields that another manager owns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conflicts {
    /// Reject the write.
    Fail,
    /// Transfer the fields to the operator.
    Force,
}

/// Writes `child` if it differs from `live`, unless another writer keeps changing it: then the
/// write has to wait.
pub(super) async fn apply(
    client: &Client,
    system: &System,
    child: &Child,
    live: Option<&DynamicObject>,
    contests: &Contests,
) -> Result<Outcome, ApplyError> {
    let mut body = body_with_hash(child);
    let hash = body
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(APPLIED_HASH)?.as_str())
        .unwrap_or_default()
        .to_owned();
    let key = (system.owner.uid.as_str(), child.kind, child.name.as_str());
    let fields = match live {
        Some(live) => {
            let current = serde_json::to_value(live)
                .map_err(|error| ApplyError::Unavailable(kube::Error::SerdeError(error)))?;
            let differences = drift::differences(&body, &current);
            if differences.is_empty() {
                contests.unchanged(key, Instant::now());
                return Ok(Outcome::Unchanged);
            }
            differences
        }
        None => vec![WHOLE_OBJECT.to_owned()],
    };
    if !contests.wait(key, &hash, &fields, Instant::now()).is_zero() {
        // The caches have no managed fields.
        let managers = match contests.is_new_conflict(key) {
            true => Some(other_managers(client, system, child, &fields).await?),
            false => None,
        };
        contests.waits(key, fields, managers);
        return Ok(Outcome::Unchanged);
    }
    let outcome = match live {
        None => create(client, system, child, &body).await?,
        Some(live) => update(client, system, child, &mut body, live, &hash, &fields).await?,
    };
    contests.written(key, &hash, fields, Instant::now());
    Ok(outcome)
}

/// Field managers other than the operator that own one of `fields`.
async fn other_managers(
    client: &Client,
    system: &System,
    child: &Child,
    fields: &[String],
) -> Result<Vec<String>, ApplyError> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &child.kind.api_resource());
    let found = api.get_opt(&child.name).await.map_err(ApplyError::Unavailable)?;
    Ok(found.map(|object| managers::others(&object.metadata, fields)).unwrap_or_default())
}

async fn update(
    client: &Client,
    system: &System,
    child: &Child,
    body: &mut Value,
    live: &DynamicObject,
    hash: &str,
    differences: &[String],
) -> Result<Outcome, ApplyError> {
    let fields: Vec<String> =
        differences.iter().filter(|path| !path.contains(APPLIED_HASH)).cloned().collect();
    let same_desired = live.annotations().get(APPLIED_HASH).is_some_and(|live| live == hash);
    let action = if same_desired { Action::CorrectDrift(fields) } else { Action::Update(fields) };
    // The caches may be stale. Without the uid, this write would recreate an object that was just
    // deleted, even if its creation has to wait.
    pin_uid(body, live);
    write(client, system, child, body, Conflicts::Force, action).await
}

/// Whether the live state of `child` is not the desired one.
pub(super) fn differs(child: &Child, live: Option<&DynamicObject>) -> bool {
    let current = live.and_then(|live| serde_json::to_value(live).ok());
    current.is_none_or(|current| !drift::differences(&body_with_hash(child), &current).is_empty())
}

/// Creates `child` without force, so that the write conflicts with an existing object instead of
/// taking it over.
async fn create(
    client: &Client,
    system: &System,
    child: &Child,
    body: &Value,
) -> Result<Outcome, ApplyError> {
    match write(client, system, child, body, Conflicts::Fail, Action::Create).await {
        Err(ApplyError::Stale(_)) => {}
        other => return other,
    }
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &child.kind.api_resource());
    let found = api.get_opt(&child.name).await.map_err(ApplyError::Unavailable)?;
    if let Some(found) = found
        && !may_manage(child.kind, &found.metadata, &system.name, &system.owner.uid)
    {
        return Err(name_conflict(child, &found, &system.name));
    }
    let action = Action::CorrectDrift(Vec::new());
    write(client, system, child, body, Conflicts::Force, action).await
}

async fn write(
    client: &Client,
    system: &System,
    child: &Child,
    body: &Value,
    conflicts: Conflicts,
    action: Action,
) -> Result<Outcome, ApplyError> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &child.kind.api_resource());
    let force = conflicts == Conflicts::Force;
    let params = PatchParams { force, ..PatchParams::apply(FIELD_MANAGER) };
    match api.patch(&child.name, &params, &Patch::Apply(body)).await {
        Ok(object) => {
            let change = Change { kind: child.kind, name: child.name.clone(), action };
            Ok(Outcome::Written { object: Box::new(object), change })
        }
        // The kind was removed from the cluster after it was discovered.
        Err(kube::Error::Api(status))
            if child.kind == Kind::ServiceMonitor && status.code == 404 =>
        {
            Ok(Outcome::Unchanged)
        }
        Err(error) => Err(classify(child, error)),
    }
}

/// The error of a request for `child`. The API server rejects invalid content and denied writes
/// with the same status again; 500 is the status of a failing admission webhook.
pub(super) fn classify(child: &Child, error: kube::Error) -> ApplyError {
    match &error {
        kube::Error::Api(status)
            if !is_uid_mismatch(status)
                && !is_namespace_terminating(&error)
                && matches!(status.code, 400 | 403 | 404 | 405 | 413 | 422 | 500) =>
        {
            rejected(child, FailureReason::ApplyFailed, status.message.clone())
        }
        _ => error.into(),
    }
}

/// Whether the write was rejected because another object has the name: the API server reports an
/// attempt to change the uid.
fn is_uid_mismatch(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 422 && causes.any(|cause| cause.field == "metadata.uid")
}

/// The error for a name that an object of another owner has.
pub(super) fn name_conflict(child: &Child, live: &DynamicObject, system: &str) -> ApplyError {
    let message = ownership::name_conflict(child.kind, &live.metadata, system);
    rejected(child, FailureReason::NameConflict, message)
}

fn rejected(child: &Child, reason: FailureReason, message: String) -> ApplyError {
    let is_blocking = reason == FailureReason::NameConflict;
    let (kind, name) = (child.kind, child.name.clone());
    let failure = ChildFailure { kind, name, reason, message, is_blocking };
    ApplyError::Rejected(failure)
}
