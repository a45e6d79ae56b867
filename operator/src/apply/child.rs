//! Applying one child.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Change, Did, FIELD_MANAGER, Refused, compare};
use crate::{
    build::{Child, labels},
    validate::hex,
};

/// Annotation with a hash of what was applied last. Fields that are no longer wanted cannot be seen by comparing what is
/// wanted with what is there; a changed hash tells that there may be some.
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
    /// Nothing can be written now.
    Unavailable(kube::Error),
}

pub(super) async fn apply(client: &Client, namespace: &str, child: &Child, live: Option<&DynamicObject>) -> Result<Outcome, ApplyError> {
    let body = body_with_hash(child);
    let Some(live) = live else { return create(client, namespace, child, &body).await };
    if !may_take(child, live) {
        return Err(refuse_conflict(child));
    }
    let current = serde_json::to_value(live).map_err(|error| ApplyError::Unavailable(kube::Error::SerdeError(error)))?;
    let differences = compare::differences(&body, &current);
    if differences.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let same_intent = live.annotations().get(APPLIED_HASH).map(String::as_str)
        == body.pointer("/metadata/annotations").and_then(|annotations| annotations.get(APPLIED_HASH)?.as_str());
    let fields: Vec<String> = differences.into_iter().filter(|path| !path.contains(APPLIED_HASH)).collect();
    let did = if same_intent { Did::Correct(fields) } else { Did::Update(fields) };
    write(client, namespace, child, &body, true, did).await
}

/// Without force: an object of that name which somebody else made conflicts instead of being taken over.
async fn create(client: &Client, namespace: &str, child: &Child, body: &Value) -> Result<Outcome, ApplyError> {
    match write(client, namespace, child, body, false, Did::Create).await {
        Err(ApplyError::Unavailable(kube::Error::Api(status))) if status.is_conflict() => {}
        other => return other,
    }
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &child.kind.api_resource());
    let found = api.get_opt(&child.name).await.map_err(ApplyError::Unavailable)?;
    if found.is_some_and(|found| !may_take(child, &found)) {
        return Err(refuse_conflict(child));
    }
    write(client, namespace, child, body, true, Did::Correct(Vec::new())).await
}

async fn write(client: &Client, namespace: &str, child: &Child, body: &Value, force: bool, did: Did) -> Result<Outcome, ApplyError> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &child.kind.api_resource());
    let params = PatchParams { force, ..PatchParams::apply(FIELD_MANAGER) };
    match api.patch(&child.name, &params, &Patch::Apply(body)).await {
        Ok(object) => {
            let change = Change { kind: child.kind, name: child.name.clone(), did };
            Ok(Outcome::Written { object: Box::new(object), change })
        }
        // The kind vanished between discovery and use, or the content is wrong: trying again at once will not help.
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 404 | 405 | 413 | 422) => Err(ApplyError::Refused(Refused {
            kind: child.kind,
            name: child.name.clone(),
            reason: "ApplyFailed",
            message: status.message.clone(),
        })),
        Err(error) => Err(ApplyError::Unavailable(error)),
    }
}

/// Whether an object may be managed: it is this resource's, or carries its labels and has lost its owner.
fn may_take(child: &Child, live: &DynamicObject) -> bool {
    let owner = live.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    let wanted_uid = child.body.pointer("/metadata/ownerReferences/0/uid").and_then(Value::as_str);
    let wanted_instance = child.body.pointer("/metadata/labels").and_then(|labels| labels.get(labels::INSTANCE)?.as_str());
    match (owner, wanted_uid) {
        (Some(owner), Some(uid)) if owner.uid == uid => true,
        // Left over from a deleted resource of the same name, or about to be retained: the labels decide.
        (Some(owner), _) => owner.kind == "TicketSystem" && Some(owner.name.as_str()) == wanted_instance,
        (None, _) => labels::instance(&live.metadata).is_some() && labels::instance(&live.metadata) == wanted_instance,
    }
}

fn refuse_conflict(child: &Child) -> ApplyError {
    ApplyError::Refused(Refused {
        kind: child.kind,
        name: child.name.clone(),
        reason: "NameConflict",
        message: "exists already and belongs to somebody else: remove it, or give this TicketSystem another name".to_owned(),
    })
}

/// The body as it is sent, with the hash of itself.
pub fn body_with_hash(child: &Child) -> Value {
    let mut body = child.body.clone();
    let hash = hex(&Sha256::digest(body.to_string()))[..HASH_LENGTH].to_owned();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(APPLIED_HASH.to_owned(), Value::String(hash));
        }
    }
    body
}
