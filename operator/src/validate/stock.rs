//! The stock the default event is created with. It counts once, so it is pinned the first time it
//! is applied: a later change must neither roll the pods nor pretend to have had an effect.

use kube::ResourceExt;

use crate::{
    api::TicketSystem,
    dereference::Dereferenced,
    kind::{Kind, claim},
};

/// Annotation of the claim that remembers the stock of the event on the volume, beyond the life of
/// the resource.
pub const INITIAL_STOCK: &str = "ticket-system.io/initial-stock";

/// What was asked for and what is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialStock {
    pub requested: i64,
    pub in_force: i64,
}

pub(super) fn initial_stock(system: &TicketSystem, found: &Dereferenced) -> InitialStock {
    let requested = system.spec.stock.initial;
    let on_volume = found
        .metadata(Kind::PersistentVolumeClaim, &claim(&system.name_any()))
        .and_then(|claim| claim.annotations.as_ref()?.get(INITIAL_STOCK)?.parse().ok());
    let reported = system.status.as_ref().and_then(|status| status.initial_stock);
    InitialStock { requested, in_force: reported.or(on_volume).unwrap_or(requested) }
}
