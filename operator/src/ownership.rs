//! Decides which objects a system may manage, and names the operator as a field manager.

use kube::core::ObjectMeta;

use crate::labels;

/// Field manager of everything the operator applies.
pub const FIELD_MANAGER: &str = labels::OPERATOR;

/// Message for a name that an object of another owner already has.
pub const NAME_CONFLICT: &str =
    "already exists and has another owner: delete it, or rename this TicketSystem";

/// Whether the system `name` with this uid may manage an object: the object is controlled by that
/// resource, or carries its labels and has lost its owner.
pub fn may_manage(metadata: &ObjectMeta, name: &str, uid: &str) -> bool {
    match metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true)) {
        Some(owner) if owner.uid == uid => true,
        // The object is left over from a deleted resource of the same name, or about to be
        // retained.
        Some(owner) => owner.kind == "TicketSystem" && owner.name == name,
        None => labels::instance(metadata) == Some(name),
    }
}

/// Whether an object carries the labels and the owner reference of exactly this resource. Only
/// such an object is pruned.
pub fn is_owned(metadata: &ObjectMeta, name: &str, uid: &str) -> bool {
    labels::instance(metadata) == Some(name)
        && metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}
