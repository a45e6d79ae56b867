//! Step four of a reconciliation: make the cluster agree with what was built, writing only what differs.

mod change;
mod child;
mod compare;
mod prune;
mod quantity;
pub mod replicas;
mod switch;

use std::sync::Arc;

use kube::{Api, Client, core::DynamicObject};

pub use change::{Change, Did};
pub use child::{APPLIED_HASH, body_with_hash};

use crate::{build::Child, dereference::Live, kind::Kind, validate::System};

/// Field manager of everything the operator applies.
pub const FIELD_MANAGER: &str = crate::build::labels::OPERATOR;

/// What one application did.
#[derive(Debug, Default)]
pub struct Applied {
    /// Children as they are now.
    pub live: Live,
    pub changes: Vec<Change>,
    /// Children the API server would not take, with its words.
    pub refused: Vec<Refused>,
    /// Set while the pods of the previous mode are still letting go of the volume.
    pub switching: bool,
}

/// A child that could not be applied, though others could.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name}: {message}")]
pub struct Refused {
    pub kind: Kind,
    pub name: String,
    /// `NameConflict` or `ApplyFailed`.
    pub reason: &'static str,
    pub message: String,
}

/// Applies `children` over `live` and prunes what is no longer wanted.
///
/// # Errors
/// When the API server cannot be reached or is overloaded; what it refuses for good is reported in [`Applied::refused`].
pub async fn apply(client: &Client, system: &System, children: Vec<Child>, live: Live) -> Result<Applied, kube::Error> {
    let mut applied = Applied { live, ..Default::default() };
    let plan = switch::plan(system, &children, &applied.live);
    for (kind, name) in &plan.retire {
        prune::delete(client, &system.namespace, *kind, name, &mut applied).await?;
    }
    applied.switching = plan.waiting_for_volume;
    for child in children {
        if plan.holds_back(&child) || lacks_prerequisite(&child, &applied) {
            continue;
        }
        apply_one(client, system, &child, &mut applied).await?;
    }
    Ok(applied)
}

/// Pods are not started or changed while something they read or write was refused: they would run on what is somebody else's.
fn lacks_prerequisite(child: &Child, applied: &Applied) -> bool {
    let needs = matches!(child.kind, Kind::Deployment | Kind::HorizontalPodAutoscaler);
    let prerequisite = |kind| matches!(kind, Kind::ServiceAccount | Kind::Secret | Kind::PersistentVolumeClaim | Kind::ConfigMap);
    needs && applied.refused.iter().any(|refused| prerequisite(refused.kind))
}

async fn apply_one(client: &Client, system: &System, child: &Child, applied: &mut Applied) -> Result<(), kube::Error> {
    let mut live = applied.live.get(child.kind, &child.name).cloned();
    if live.is_none() {
        // The caches hold what carries the operator's labels. What is not there may still exist: somebody else's, which must
        // not be taken, or the operator's own that lost its labels.
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &system.namespace, &child.kind.api_resource());
        live = api.get_opt(&child.name).await?.map(Arc::new);
    }
    let adjusted = if child.kind == Kind::Deployment {
        replicas::hand_over(client, system, child, live.as_deref()).await?
    } else {
        replicas::HandOver::default()
    };
    match child::apply(client, &system.namespace, child, live.as_deref()).await {
        Ok(child::Outcome::Unchanged) => {}
        Ok(child::Outcome::Written { object, change }) => {
            let object = match adjusted.after {
                Some(seed) => replicas::seed(client, system, child, seed).await?,
                None => *object,
            };
            applied.live.insert(child.kind, child.name.clone(), Arc::new(object));
            applied.changes.push(change);
        }
        Err(child::ApplyError::Refused(refused)) => applied.refused.push(refused),
        Err(child::ApplyError::Unavailable(error)) => return Err(error),
    }
    Ok(())
}
