//! Deleting children the spec no longer wants.

use std::sync::Arc;

use kube::{
    Api, Client,
    api::{DeleteParams, Preconditions},
    core::DynamicObject,
};

use super::{Applied, Change, Did, Refused};
use crate::kind::Kind;

/// Deletes one child. What the API server refuses for good is noted and holds up nothing else.
///
/// # Errors
/// When the API server cannot be reached or is overloaded.
pub(super) async fn delete(
    client: &Client,
    namespace: &str,
    kind: Kind,
    name: &str,
    applied: &mut Applied,
) -> Result<(), kube::Error> {
    let Some(live) = applied.live.get(kind, name).cloned() else { return Ok(()) };
    if live.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &kind.api_resource());
    // A Deployment is to be gone only when its pods are: they may hold the volume.
    let params = if kind == Kind::Deployment {
        DeleteParams::foreground()
    } else {
        DeleteParams::background()
    };
    let preconditions = Preconditions { uid: live.metadata.uid.clone(), ..Default::default() };
    match api.delete(name, &params.preconditions(preconditions)).await {
        Ok(answer) => {
            applied.changes.push(Change { kind, name: name.to_owned(), did: Did::Delete });
            if let Some(ending) = answer.left().filter(|_| kind == Kind::Deployment) {
                applied.live.insert(kind, name.to_owned(), Arc::new(ending));
            }
        }
        // Gone already, or replaced by an object that is not ours: nothing to prune.
        Err(kube::Error::Api(status)) if status.code == 404 || status.is_conflict() => {}
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 405 | 422) => {
            let message = format!("is no longer wanted and cannot be deleted: {}", status.message);
            applied.refused.push(Refused {
                kind,
                name: name.to_owned(),
                reason: "PruneFailed",
                message,
            });
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    if kind != Kind::Deployment {
        applied.live.remove(kind, name);
    }
    Ok(())
}
