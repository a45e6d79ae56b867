//! The stock the default event is created with. It is used once, so it is pinned when it is first
//! applied: a later change has no effect, and must not start a rollout.

use kube::ResourceExt;

use crate::{
    api::TicketSystem,
    dereference::Dereferenced,
    kind::{Kind, claim},
};

/// Annotation of the PersistentVolumeClaim with the initial stock of the event on the volume. It
/// outlives the resource.
pub const INITIAL_STOCK: &str = "ticket-system.io/initial-stock";

/// The stock in the spec, and the stock the event was created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialStock {
    pub requested: i64,
    pub effective: i64,
}

/// Resolves the initial stock: from the status, else from the volume, else from the spec.
pub(super) fn initial_stock(system: &TicketSystem, found: &Dereferenced) -> InitialStock {
    let requested = system.spec.stock.initial;
    let on_volume = found
        .metadata(Kind::PersistentVolumeClaim, &claim(&system.name_any()))
        .and_then(|claim| claim.annotations.as_ref()?.get(INITIAL_STOCK)?.parse().ok());
    let reported = system.status.as_ref().and_then(|status| status.initial_stock);
    InitialStock { requested, effective: reported.or(on_volume).unwrap_or(requested) }
}
