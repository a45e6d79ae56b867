//! Decides whether the volume of embedded storage may be used. A system that has sold tickets
//! starts over with another volume only after the user has allowed it.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{ResourceExt, core::DynamicObject};

use super::storage::Storage;
use crate::{
    api::{ALLOW_NEW_VOLUME, TicketSystem},
    claim_record::ClaimRecord,
    dereference::Dereferenced,
    kind::{Component, Kind, claim},
    ownership::{is_adopted, is_owned},
    references,
};

/// The claim of a system, and whether its volume can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimState {
    /// The uid to record, if one is known before the claim is applied.
    pub uid: Option<String>,
    /// Whether the annotation that allows a new volume counts as used.
    pub allowance_used: bool,
    pub problem: Option<ClaimProblem>,
    /// The access modes of the live claim, which cannot change.
    pub access_modes: Option<Vec<String>>,
}

/// Why the volume cannot be used, or not for long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimProblem {
    #[error(
        "PersistentVolumeClaim {claim} is being deleted, and the sales on its volume with it: it \
         stays only while the running pod uses it. Back up now, and do not restart the pod"
    )]
    BeingDeleted { claim: String },
    #[error(
        "PersistentVolumeClaim {claim}, whose volume held the sales, is gone: create it from a \
         backup or snapshot with the annotation ticket-system.io/adopt: {system}. To start over \
         with every ticket unsold instead, set the annotation ticket-system.io/allow-new-volume of \
         this TicketSystem to {allow}"
    )]
    Gone { claim: String, system: String, allow: String },
    #[error(
        "PersistentVolumeClaim {claim} is not the one whose volume held the sales: if it was \
         restored from a backup or snapshot, set its annotation ticket-system.io/adopt to \
         {system}. To start over with whatever is on it instead, set the annotation \
         ticket-system.io/allow-new-volume of this TicketSystem to {allow}"
    )]
    Replaced { claim: String, system: String, allow: String },
    #[error(
        "PersistentVolumeClaim {claim} has lost its PersistentVolume, and no new pod can use it: \
         back up from the pod if it still runs, and bring the PersistentVolume back"
    )]
    Unbound { claim: String },
}

impl ClaimProblem {
    /// The reason of conditions and events.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BeingDeleted { .. } => "VolumeBeingDeleted",
            Self::Gone { .. } | Self::Replaced { .. } | Self::Unbound { .. } => "VolumeLost",
        }
    }

    /// Whether no pod may use whatever claim has the name.
    pub fn forbids_writer(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::Replaced { .. })
    }

    /// Whether the running pod must not be replaced, because no other could use the volume.
    pub fn freezes_writer(&self) -> bool {
        matches!(self, Self::BeingDeleted { .. } | Self::Unbound { .. })
    }

    /// Whether a user has to act before the system can sell again.
    pub fn stalls(&self) -> bool {
        !matches!(self, Self::BeingDeleted { .. })
    }
}

/// Compares the live claim with the record of it.
pub(super) fn claim_state(
    system: &TicketSystem,
    found: &Dereferenced,
    storage: &Storage,
) -> ClaimState {
    let name = system.name_any();
    let record = ClaimRecord::read(system, &found.live);
    let live = found.live.get(Kind::PersistentVolumeClaim, &claim(&name)).map(AsRef::as_ref);
    let allowance = system.annotations().get(ALLOW_NEW_VOLUME).map(String::as_str);
    let recorded = record.uids.first().cloned();
    if !matches!(storage, Storage::Embedded(_)) {
        return ClaimState {
            uid: recorded.or_else(|| live.and_then(ResourceExt::uid)),
            allowance_used: allowance == Some("true"),
            ..Default::default()
        };
    }
    let is_allowed = match allowance {
        // Set ahead of the loss or used for an earlier one, it does not count.
        Some("true") => !record.allowance_used,
        Some(uid) => record.uids.contains(uid),
        None => false,
    };
    let is_adopted = live.is_some_and(|live| is_adopted(&live.metadata, &name));
    // An operator that keeps no record made the Deployment after the claim.
    let had_claim = recorded.is_some() || mounted(system, found);
    let is_expected = record.is_of(live) || !had_claim || (recorded.is_none() && live.is_some());
    let is_lost = !(is_expected || is_allowed || is_adopted);
    let (claim, system_name) = (claim(&name), name);
    let problem = if is_lost {
        let allow = recorded.clone().unwrap_or_else(|| "true".to_owned());
        Some(match live {
            None => ClaimProblem::Gone { claim, system: system_name, allow },
            Some(_) => ClaimProblem::Replaced { claim, system: system_name, allow },
        })
    } else if live.is_some_and(|live| live.metadata.deletion_timestamp.is_some()) {
        Some(ClaimProblem::BeingDeleted { claim })
    } else if live.is_some_and(has_lost_its_volume) {
        Some(ClaimProblem::Unbound { claim })
    } else {
        None
    };
    ClaimState {
        uid: live.filter(|_| !is_lost).and_then(ResourceExt::uid).or(recorded),
        allowance_used: allowance == Some("true") && (!is_lost || record.allowance_used),
        problem,
        access_modes: live.and_then(|live| {
            serde_json::from_value(live.data.pointer("/spec/accessModes")?.clone()).ok()
        }),
    }
}

/// Whether a Deployment of this system mounts the claim.
fn mounted(system: &TicketSystem, found: &Dereferenced) -> bool {
    let (name, uid) = (system.name_any(), system.uid().unwrap_or_default());
    Component::ALL.iter().any(|component| {
        found.live.get(Kind::Deployment, &component.object_name(&name)).is_some_and(|deployment| {
            is_owned(&deployment.metadata, &uid)
                && references::of_template(&deployment.data["spec"]["template"])
                    .contains(&(Kind::PersistentVolumeClaim, claim(&name)))
        })
    })
}

fn has_lost_its_volume(live: &DynamicObject) -> bool {
    let claim: Option<PersistentVolumeClaim> = live.clone().try_parse().ok();
    claim.and_then(|claim| claim.status?.phase).as_deref() == Some("Lost")
}
