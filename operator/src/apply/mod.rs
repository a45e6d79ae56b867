//! Step four of a reconciliation: make the live children match the desired ones. Only differences
//! are written.

mod body;
mod change;
mod child;
mod drift;
mod mode_switch;
mod outcome;
mod patch;
mod pending;
mod prune;
pub mod quantity;
pub mod replicas;
mod volume;

use std::time::Instant;

pub use body::{APPLIED_HASH, body_with_hash};
pub use change::{Action, Change};
use kube::Client;
pub use mode_switch::IngressHandovers;
pub use outcome::{Applied, ChildFailure, FailureReason};
pub use pending::Pending;

use crate::{build::Child, dereference::Live, kind::Kind, validate::System};

/// Applies `children` over `live` and prunes the children that are no longer desired.
///
/// # Errors
/// If the API server is unreachable or overloaded. Children it rejects are reported in
/// [`Applied::failures`].
pub async fn apply(
    client: &Client,
    system: &System,
    children: Vec<Child>,
    live: Live,
    handovers: &IngressHandovers,
) -> Result<Applied, kube::Error> {
    let mut applied = Applied { live, ..Default::default() };
    let plan = mode_switch::plan(system, &children, &applied.live, handovers, Instant::now());
    for (kind, name) in &plan.prune {
        prune::delete(client, &system.namespace, *kind, name, &mut applied).await?;
    }
    for child in children {
        if plan.defers(&child) || lacks_prerequisite(&child, &applied) {
            continue;
        }
        child::apply(client, system, &child, &mut applied).await?;
    }
    applied.pending = plan.pending.or(applied.pending);
    Ok(applied)
}

/// Whether an object that the pods read or write could not be applied. Pods are then not created or
/// changed: they would use an object of another owner.
fn lacks_prerequisite(child: &Child, applied: &Applied) -> bool {
    let has_pods = matches!(child.kind, Kind::Deployment | Kind::HorizontalPodAutoscaler);
    let is_prerequisite = |kind| {
        matches!(
            kind,
            Kind::ServiceAccount | Kind::Secret | Kind::PersistentVolumeClaim | Kind::ConfigMap
        )
    };
    has_pods
        && applied.failures.iter().any(|failure| {
            failure.reason != FailureReason::PruneFailed && is_prerequisite(failure.kind)
        })
}
