//! Deletes children that are no longer desired.

use std::sync::Arc;

use kube::{
    Api, Client,
    api::{DeleteParams, Preconditions},
    core::DynamicObject,
};

use super::{
    change::{Action, Change},
    failure::{ChildFailure, FailureReason},
    outcome::Applied,
};
use crate::kind::Kind;

/// Whether children of a kind are deleted when they are no longer desired. The claim outlives even
/// a change of storage: only garbage collection deletes it. Pods may refer to former ConfigMaps,
/// which are deleted later.
pub fn is_prunable(kind: Kind) -> bool {
    !matches!(kind, Kind::PersistentVolumeClaim | Kind::ConfigMap)
}

/// Deletes one child. A rejected deletion is recorded and does not stop the other children.
///
/// # Errors
/// If the API server is unreachable or overloaded.
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
    // The pods of a Deployment may hold the volume, so it must not disappear before them.
    let params = if kind == Kind::Deployment {
        DeleteParams::foreground()
    } else {
        DeleteParams::background()
    };
    let preconditions = Preconditions { uid: live.metadata.uid.clone(), ..Default::default() };
    match api.delete(name, &params.preconditions(preconditions)).await {
        Ok(response) => {
            applied.changes.push(Change { kind, name: name.to_owned(), action: Action::Prune });
            if let Some(terminating) = response.left().filter(|_| kind == Kind::Deployment) {
                applied.live.insert(kind, name.to_owned(), Arc::new(terminating));
            }
        }
        // Already deleted, or replaced by an object of another owner.
        Err(kube::Error::Api(status)) if status.code == 404 || status.is_conflict() => {}
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 405 | 422 | 500) => {
            let message = format!("is no longer needed and cannot be deleted: {}", status.message);
            applied.failures.push(ChildFailure {
                kind,
                name: name.to_owned(),
                reason: FailureReason::PruneFailed,
                message,
                is_blocking: false,
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
