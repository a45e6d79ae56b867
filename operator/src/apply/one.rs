//! One child, from what the caches show to what the API server has.

use std::sync::Arc;

use kube::{Client, core::DynamicObject};

use super::{
    Applied, Waiting,
    child::{self, ApplyError, Outcome},
    replicas, volume,
};
use crate::{
    build::Child,
    dereference::{Children, FromServer},
    kind::Kind,
    ownership::may_take,
    validate::System,
};

pub(super) async fn apply(
    client: &Client,
    system: &System,
    child: &Child,
    applied: &mut Applied,
) -> Result<(), kube::Error> {
    let cached = applied.live.get(child.kind, &child.name).cloned();
    let was_cached = cached.is_some();
    let live = match cached {
        Some(cached) => Some(cached),
        None => read(client, system, child).await?,
    };
    let outcome = match attempt(client, system, child, live.as_deref(), applied).await {
        // Deleted, and perhaps made anew, since the cache saw it.
        Err(ApplyError::Stale(_)) if was_cached => {
            let live = read(client, system, child).await?;
            applied.live.remove(child.kind, &child.name);
            attempt(client, system, child, live.as_deref(), applied).await
        }
        outcome => outcome,
    };
    match outcome {
        Ok(Outcome::Unchanged) => {}
        Ok(Outcome::Written { object, change }) => {
            applied.live.insert(child.kind, child.name.clone(), Arc::new(*object));
            applied.changes.push(change);
        }
        Err(ApplyError::Refused(refused)) => applied.refused.push(refused),
        Err(ApplyError::Stale(error) | ApplyError::Unavailable(error)) => return Err(error),
    }
    Ok(())
}

/// The caches hold what carries the operator's labels. What is not there may still exist: somebody
/// else's, which must not be taken, or the operator's own that lost its labels.
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
    applied: &mut Applied,
) -> Result<Outcome, ApplyError> {
    if live.is_some_and(|live| !may_take(&live.metadata, &system.name, &system.owner.uid)) {
        return Err(child::refuse_conflict(child));
    }
    let workload = system
        .workloads
        .iter()
        .find(|workload| child.kind == Kind::Deployment && workload.name == child.name);
    if let (Some(writer), None) = (workload.filter(|workload| workload.holds_volume), live) {
        let holders = volume::holders(client, system, writer.component)
            .await
            .map_err(ApplyError::Unavailable)?;
        if !holders.is_empty() {
            applied.waiting = Some(Waiting::for_holders(&holders));
            return Ok(Outcome::Unchanged);
        }
    }
    let plan =
        workload.map(|workload| replicas::plan(&workload.replicas, live)).unwrap_or_default();
    if let (Some(replicas), Some(live)) = (plan.before, live) {
        replicas::own(client, system, child, live, replicas).await?;
    }
    match (child::apply(client, system, child, live).await?, plan.after) {
        (Outcome::Written { object, change }, Some(seed)) => {
            let object = replicas::own(client, system, child, &object, seed).await?;
            Ok(Outcome::Written { object: Box::new(object), change })
        }
        (outcome, _) => Ok(outcome),
    }
}
