//! Whose an object is.

use kube::core::ObjectMeta;

use crate::build::labels;

/// Told wherever somebody else's object has a name that is needed.
pub const NAME_CONFLICT: &str = "exists already and belongs to somebody else: remove it, or give this TicketSystem another name";

/// Whether the system `name` with that uid may manage an object: it is this resource's, or carries
/// its labels and has lost its owner.
pub fn may_take(metadata: &ObjectMeta, name: &str, uid: &str) -> bool {
    match metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true)) {
        Some(owner) if owner.uid == uid => true,
        // Left over from a deleted resource of the same name, or about to be retained: the labels
        // decide.
        Some(owner) => owner.kind == "TicketSystem" && owner.name == name,
        None => labels::instance(metadata) == Some(name),
    }
}

/// Whether an object was made for this very resource, so that it goes when it is no longer wanted.
pub fn made_for(metadata: &ObjectMeta, name: &str, uid: &str) -> bool {
    labels::instance(metadata) == Some(name)
        && metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}
