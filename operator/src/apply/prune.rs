//! Deleting children the spec no longer wants.

use kube::{
    Api, Client,
    api::{DeleteParams, Preconditions},
    core::DynamicObject,
};

use super::{Applied, Change, Did};
use crate::kind::Kind;

pub(super) async fn delete(client: &Client, namespace: &str, kind: Kind, name: &str, applied: &mut Applied) -> Result<(), kube::Error> {
    let Some(live) = applied.live.get(kind, name).cloned() else { return Ok(()) };
    if live.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind.api_resource());
    // A Deployment is to be gone only when its pods are: they may hold the volume.
    let params = if kind == Kind::Deployment { DeleteParams::foreground() } else { DeleteParams::background() };
    let preconditions = Preconditions { uid: live.metadata.uid.clone(), ..Default::default() };
    match api.delete(name, &params.preconditions(preconditions)).await {
        Ok(_) => applied.changes.push(Change { kind, name: name.to_owned(), did: Did::Delete }),
        // Gone already, or replaced by an object that is not ours: nothing to prune.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
        Err(error) => return Err(error),
    }
    if kind != Kind::Deployment {
        applied.live.remove(kind, name);
    }
    Ok(())
}
