//! The record of the claim whose volume holds a system's sales. It is an annotation on objects that
//! outlive the claim, so that a lost claim is never mistaken for a first start, which would sell
//! every ticket again.

use std::collections::BTreeSet;

use kube::{
    ResourceExt,
    core::{DynamicObject, ObjectMeta},
};
use serde_json::Value;

use crate::{api::TicketSystem, kind::Kind, live::Live, role::Role};

/// Annotation of the ServiceAccount and the admin token with the uid of the claim. On the
/// TicketSystem, the uid of the resource precedes it, because users copy resources.
pub const CLAIM_UID: &str = "ticket-system.io/claim-uid";
/// Annotation beside [`CLAIM_UID`] while an allowance of `"true"` has already been used.
pub const ALLOWANCE_USED: &str = "ticket-system.io/allow-new-volume-used";

/// What is recorded about the claims of a system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimRecord {
    /// The uids of the recorded claim. There are several if the last record was interrupted.
    pub uids: BTreeSet<String>,
    /// Whether the allowance in the annotation has been used.
    pub allowance_used: bool,
}

impl ClaimRecord {
    /// Reads the record from the children in `live`, or else from the annotation of `system`.
    pub fn read(system: &TicketSystem, live: &Live) -> Self {
        let (name, uid) = (system.name_any(), system.uid().unwrap_or_default());
        let mut record = Self::default();
        for (kind, name) in
            [(Kind::ServiceAccount, name.clone()), (Kind::Secret, Role::Admin.secret(&name))]
        {
            let Some(object) = live.get(kind, &name) else { continue };
            // The objects of a former resource that is being deleted take their claim with them.
            if !is_retained_or_owned(&object.metadata, &uid) {
                continue;
            }
            record.uids.extend(object.annotations().get(CLAIM_UID).cloned());
            record.allowance_used |= object.annotations().contains_key(ALLOWANCE_USED);
        }
        if record.uids.is_empty() {
            let own = system.annotations().get(CLAIM_UID).and_then(|value| value.split_once('/'));
            record
                .uids
                .extend(own.filter(|(owner, _)| *owner == uid).map(|(_, uid)| uid.to_owned()));
        }
        record
    }

    /// Whether `claim` is the recorded claim.
    pub fn is_of(&self, claim: Option<&DynamicObject>) -> bool {
        claim.and_then(ResourceExt::uid).is_some_and(|uid| self.uids.contains(&uid))
    }
}

/// The value of [`CLAIM_UID`] on the TicketSystem with the uid `system`.
pub fn on_system(system: &str, claim: &str) -> String {
    format!("{system}/{claim}")
}

/// Adds the record to an object to apply.
pub fn annotate(body: &mut Value, uid: &str, allowance_used: bool) {
    let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let annotations =
        metadata.entry("annotations").or_insert_with(|| Value::Object(Default::default()));
    let Some(annotations) = annotations.as_object_mut() else { return };
    annotations.insert(CLAIM_UID.to_owned(), Value::String(uid.to_owned()));
    if allowance_used {
        annotations.insert(ALLOWANCE_USED.to_owned(), Value::String("true".to_owned()));
    }
}

fn is_retained_or_owned(metadata: &ObjectMeta, uid: &str) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    !owners.any(|owner| owner.kind == "TicketSystem" && owner.uid != uid)
}
