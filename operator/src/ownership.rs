//! Decides which objects a system may manage, and names the operator as a field manager.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::ObjectMeta;

use crate::{api::ADOPT, kind::Kind, labels};

/// Field manager of everything the operator applies.
pub const FIELD_MANAGER: &str = labels::OPERATOR;

/// Field manager of the claim in the status. Operators that know no claims own the rest of the
/// status under [`FIELD_MANAGER`], and so they do not remove the claim.
pub const CLAIM_FIELD_MANAGER: &str = "ticket-system-operator-claim";

/// Field manager of the operator's annotation on the TicketSystem.
pub const RECORD_FIELD_MANAGER: &str = "ticket-system-operator-record";

/// Message for a name that an object of another owner already has. It never asks to delete the
/// object: it may hold the sales, or the token.
pub fn name_conflict(kind: Kind, metadata: &ObjectMeta, system: &str) -> String {
    match controller(metadata) {
        Some(owner) if kind == Kind::Secret => format!(
            "already exists and has another owner, {} {}: to use it without writing it, have its \
             owner set the annotation {ADOPT} to {system}; otherwise rename this TicketSystem",
            owner.kind, owner.name
        ),
        Some(owner) => format!(
            "already exists and has another owner, {} {}: rename this TicketSystem, or the other \
             object",
            owner.kind, owner.name
        ),
        None => format!(
            "already exists and has another owner: to hand it over to this TicketSystem, set its \
             annotation {ADOPT} to {system}; otherwise rename this TicketSystem"
        ),
    }
}

/// Whether the system `name` with this uid may manage an object: the object is controlled by that
/// resource, or carries its labels and has lost its owner, or the API server has recorded that the
/// operator applied it, or a user has handed it over.
pub fn may_manage(kind: Kind, metadata: &ObjectMeta, name: &str, uid: &str) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    match controller(metadata) {
        Some(owner) if owner.uid == uid => true,
        // The object is left over from a deleted resource of the same name, or about to be
        // retained.
        Some(owner) => owner.kind == "TicketSystem" && owner.name == name,
        None => {
            owners.any(|owner| owner.uid == uid)
                || labels::instance(metadata) == Some(name)
                || is_recorded(kind, metadata, name)
                || is_adopted(metadata, name)
        }
    }
}

/// Whether the managed fields record that the operator applied an object, and no label contradicts
/// it. Without an owner, only names that belong to one system identify it.
fn is_recorded(kind: Kind, metadata: &ObjectMeta, name: &str) -> bool {
    let applied = metadata.managed_fields.iter().flatten().any(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
    });
    let label = |key: &str| metadata.labels.as_ref().and_then(|labels| labels.get(key));
    // The name of a per-component child of one system may be the name of another system.
    let is_unambiguous = !kind.is_per_component() || label(labels::INSTANCE).is_some();
    applied
        && is_unambiguous
        && label(labels::INSTANCE).is_none_or(|instance| instance == name)
        && label(labels::MANAGED_BY).is_none_or(|manager| manager == labels::OPERATOR)
}

/// Whether the system may read an object as its own. It may read a Secret that another controller
/// writes, such as an external secrets operator, if the Secret is handed over.
pub fn may_use(kind: Kind, metadata: &ObjectMeta, name: &str, uid: &str) -> bool {
    may_manage(kind, metadata, name, uid) || (kind == Kind::Secret && is_adopted(metadata, name))
}

/// Whether a user has handed an object over to the system `name`.
pub fn is_adopted(metadata: &ObjectMeta, name: &str) -> bool {
    metadata.annotations.as_ref().and_then(|all| all.get(ADOPT)).is_some_and(|value| value == name)
}

fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Whether exactly this resource controls an object. Only such an object is pruned.
pub fn is_owned(metadata: &ObjectMeta, uid: &str) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.uid == uid && owner.controller == Some(true))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn manages(kind: Kind, metadata: Value) -> bool {
        let metadata: ObjectMeta = serde_json::from_value(metadata).expect("metadata");
        may_manage(kind, &metadata, "shop", "u1")
    }

    fn owner(uid: &str, kind: &str, name: &str, controller: bool) -> Value {
        json!([{"apiVersion": "x/v1", "kind": kind, "name": name, "uid": uid, "controller": controller}])
    }

    #[test]
    fn owner_decides_before_labels() {
        let other = json!({"app.kubernetes.io/instance": "other"});
        let own = owner("u1", "TicketSystem", "shop", true);
        assert!(manages(Kind::Deployment, json!({"ownerReferences": own, "labels": other})));
        assert!(manages(Kind::Deployment, json!({"ownerReferences": own})));
        let plain = owner("u1", "TicketSystem", "shop", false);
        assert!(manages(Kind::Service, json!({"ownerReferences": plain})));
        let before = owner("u0", "TicketSystem", "shop", true);
        assert!(manages(Kind::Service, json!({"ownerReferences": before})), "left over");
        let labels = json!({"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "ticket-system-operator"});
        assert!(manages(Kind::Secret, json!({"labels": labels})));
        let foreign = owner("u9", "Helm", "shop", true);
        assert!(!manages(Kind::Secret, json!({"labels": labels, "ownerReferences": foreign})));
        let metadata = serde_json::from_value(json!({"ownerReferences": own})).expect("metadata");
        assert!(is_owned(&metadata, "u1") && !is_owned(&metadata, "u2"));
    }

    #[test]
    fn record_identifies_an_object_without_owner_and_labels() {
        let applied = json!([{"manager": "ticket-system-operator", "operation": "Apply"}, {"manager": "kubectl-edit"}]);
        assert!(manages(Kind::Secret, json!({"managedFields": applied})));
        assert!(manages(Kind::PersistentVolumeClaim, json!({"managedFields": applied})));
        let contradicting = json!({"app.kubernetes.io/instance": "other"});
        assert!(!manages(Kind::Secret, json!({"managedFields": applied, "labels": contradicting})));
        let taken = json!({"app.kubernetes.io/managed-by": "Helm"});
        assert!(!manages(Kind::Secret, json!({"managedFields": applied, "labels": taken})));
        assert!(
            !manages(Kind::Deployment, json!({"managedFields": applied})),
            "shop may be a monolith, or the ticket service of another system"
        );
        let edited = json!([{"manager": "ticket-system-operator", "operation": "Update"}, {"manager": "kubectl"}]);
        assert!(!manages(Kind::Secret, json!({"managedFields": edited})));
        assert!(!manages(Kind::Secret, json!({})));
    }
}
