//! Applying one child.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    core::{DynamicObject, Status},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Change, Did, FIELD_MANAGER, Refused, compare};
use crate::{
    build::Child,
    kind::Kind,
    ownership::{NAME_CONFLICT, may_take},
    validate::{System, hex},
};

/// Annotation with a hash of what was applied last. Fields that are no longer wanted cannot be seen
/// by comparing what is wanted with what is there; a changed hash tells that there may be some.
pub const APPLIED_HASH: &str = "ticket-system.io/applied-hash";
/// Characters of the hash that are kept.
const HASH_LENGTH: usize = 16;

pub(super) enum Outcome {
    Unchanged,
    Written { object: Box<DynamicObject>, change: Change },
}

pub(super) enum ApplyError {
    /// This child will not be taken; others may be.
    Refused(Refused),
    /// The object that was to be changed is gone, or another one has its name now.
    Stale(kube::Error),
    /// Nothing can be written now.
    Unavailable(kube::Error),
}

impl From<kube::Error> for ApplyError {
    /// For writes that carry the uid of what they change: without one there would be no conflict.
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.is_conflict() || names_uid(status) => {
                Self::Stale(error)
            }
            _ => Self::Unavailable(error),
        }
    }
}

pub(super) async fn apply(
    client: &Client,
    system: &System,
    child: &Child,
    live: Option<&DynamicObject>,
) -> Result<Outcome, ApplyError> {
    let mut body = body_with_hash(child);
    let Some(live) = live else { return create(client, system, child, &body).await };
    let current = serde_json::to_value(live)
        .map_err(|error| ApplyError::Unavailable(kube::Error::SerdeError(error)))?;
    let differences = compare::differences(&body, &current);
    if differences.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let same_intent = live.annotations().get(APPLIED_HASH).map(String::as_str)
        == body
            .pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(APPLIED_HASH)?.as_str());
    let fields: Vec<String> =
        differences.into_iter().filter(|path| !path.contains(APPLIED_HASH)).collect();
    let did = if same_intent { Did::Correct(fields) } else { Did::Update(fields) };
    // The caches lag: without its uid an object that has just been deleted would be made again,
    // whatever has to wait for it.
    pin(&mut body, live);
    write(client, system, child, &body, true, did).await
}

/// Without force: an object of that name which somebody else made conflicts instead of being taken
/// over.
async fn create(
    client: &Client,
    system: &System,
    child: &Child,
    body: &Value,
) -> Result<Outcome, ApplyError> {
    match write(client, system, child, body, false, Did::Create).await {
        Err(ApplyError::Stale(_)) => {}
        other => return other,
    }
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &child.kind.api_resource());
    let found = api.get_opt(&child.name).await.map_err(ApplyError::Unavailable)?;
    if found.is_some_and(|found| !may_take(&found.metadata, &system.name, &system.owner.uid)) {
        return Err(refuse_conflict(child));
    }
    write(client, system, child, body, true, Did::Correct(Vec::new())).await
}

async fn write(
    client: &Client,
    system: &System,
    child: &Child,
    body: &Value,
    force: bool,
    did: Did,
) -> Result<Outcome, ApplyError> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &child.kind.api_resource());
    let params = PatchParams { force, ..PatchParams::apply(FIELD_MANAGER) };
    match api.patch(&child.name, &params, &Patch::Apply(body)).await {
        Ok(object) => {
            let change = Change { kind: child.kind, name: child.name.clone(), did };
            Ok(Outcome::Written { object: Box::new(object), change })
        }
        // The kind was taken away since it was looked for.
        Err(kube::Error::Api(status))
            if child.kind == Kind::ServiceMonitor && status.code == 404 =>
        {
            Ok(Outcome::Unchanged)
        }
        // The content is wrong, or not allowed: trying again at once will not help.
        Err(kube::Error::Api(status))
            if !names_uid(&status) && matches!(status.code, 400 | 403 | 404 | 405 | 413 | 422) =>
        {
            Err(ApplyError::Refused(refuse(child, "ApplyFailed", status.message.clone())))
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a write fail unless it meets the very object that was read.
pub(super) fn pin(body: &mut Value, live: &DynamicObject) {
    if let (Some(metadata), Some(uid)) =
        (body.get_mut("metadata").and_then(Value::as_object_mut), &live.metadata.uid)
    {
        metadata.insert("uid".to_owned(), Value::String(uid.clone()));
    }
}

/// Another object of that name is refused as an attempt to change its uid.
fn names_uid(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 422 && causes.any(|cause| cause.field == "metadata.uid")
}

pub(super) fn refuse_conflict(child: &Child) -> ApplyError {
    ApplyError::Refused(refuse(child, "NameConflict", NAME_CONFLICT.to_owned()))
}

fn refuse(child: &Child, reason: &'static str, message: String) -> Refused {
    Refused { kind: child.kind, name: child.name.clone(), reason, message }
}

/// The body as it is sent, with the hash of itself.
pub fn body_with_hash(child: &Child) -> Value {
    let mut body = child.body.clone();
    let hash = hex(&Sha256::digest(body.to_string()))[..HASH_LENGTH].to_owned();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations =
            metadata.entry("annotations").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(APPLIED_HASH.to_owned(), Value::String(hash));
        }
    }
    body
}
