//! Step four of a reconciliation: make the cluster agree with what was built, writing only what
//! differs.

mod change;
mod child;
mod compare;
mod one;
mod prune;
pub mod quantity;
pub mod replicas;
mod switch;
mod volume;
mod waiting;

use std::time::Instant;

pub use change::{Change, Did};
pub use child::{APPLIED_HASH, body_with_hash};
use kube::Client;
pub use switch::Handovers;
pub use waiting::Waiting;

use crate::{build::Child, dereference::Live, kind::Kind, validate::System};

/// Field manager of everything the operator applies.
pub const FIELD_MANAGER: &str = crate::build::labels::OPERATOR;

/// What one application did.
#[derive(Debug, Default)]
pub struct Applied {
    /// Children as they are now.
    pub live: Live,
    pub changes: Vec<Change>,
    /// Children the API server would not take or let go of, with its words.
    pub refused: Vec<Refused>,
    /// What has to happen before the rest can be done.
    pub waiting: Option<Waiting>,
}

/// A child that could not be applied or deleted, though others could.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name}: {message}")]
pub struct Refused {
    pub kind: Kind,
    pub name: String,
    /// `NameConflict`, `ApplyFailed` or `PruneFailed`.
    pub reason: &'static str,
    pub message: String,
}

/// Applies `children` over `live` and prunes what is no longer wanted.
///
/// # Errors
/// When the API server cannot be reached or is overloaded; what it refuses for good is reported in
/// [`Applied::refused`].
pub async fn apply(
    client: &Client,
    system: &System,
    children: Vec<Child>,
    live: Live,
    handovers: &Handovers,
) -> Result<Applied, kube::Error> {
    let mut applied = Applied { live, ..Default::default() };
    let plan = switch::plan(system, &children, &applied.live, handovers, Instant::now());
    for (kind, name) in &plan.retire {
        prune::delete(client, &system.namespace, *kind, name, &mut applied).await?;
    }
    for child in children {
        if plan.holds_back(&child) || lacks_prerequisite(&child, &applied) {
            continue;
        }
        one::apply(client, system, &child, &mut applied).await?;
    }
    applied.waiting = plan.waiting.or(applied.waiting);
    Ok(applied)
}

/// Pods are not started or changed while something they read or write was refused: they would run
/// on what is somebody else's.
fn lacks_prerequisite(child: &Child, applied: &Applied) -> bool {
    let needs = matches!(child.kind, Kind::Deployment | Kind::HorizontalPodAutoscaler);
    let prerequisite = |kind| {
        matches!(
            kind,
            Kind::ServiceAccount | Kind::Secret | Kind::PersistentVolumeClaim | Kind::ConfigMap
        )
    };
    needs
        && applied
            .refused
            .iter()
            .any(|refused| refused.reason != "PruneFailed" && prerequisite(refused.kind))
}
