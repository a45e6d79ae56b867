//! Orders the steps of a mode switch: which children to prune, and which to defer.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{body::body_with_hash, drift, pending::Pending};
use crate::{
    build::Child,
    dereference::Live,
    kind::{Component, Kind},
    ownership::is_owned,
    rollout::Rollout,
    validate::{Storage, System},
};

/// How long the previous mode keeps serving after the Ingress routes to the new one. Ingress
/// controllers need a fraction of it to update.
const REQUEST_DRAIN: Duration = Duration::from_secs(10);

/// Times at which Ingresses were switched to a new mode, by uid of the system. They are kept in
/// memory: a restarted operator waits for the full time again.
#[derive(Debug, Default)]
pub struct IngressHandovers(Mutex<HashMap<String, Instant>>);

impl IngressHandovers {
    /// Records that the Ingress routes to the new mode. Returns whether requests to the previous
    /// mode have drained.
    fn has_drained(&self, uid: &str, now: Instant) -> bool {
        let switched = *self.0.lock().entry(uid.to_owned()).or_insert(now);
        now.saturating_duration_since(switched) >= REQUEST_DRAIN
    }

    fn forget(&self, uid: &str) {
        self.0.lock().remove(uid);
    }
}

/// The steps of one reconciliation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Children to delete.
    pub prune: Vec<(Kind, String)>,
    /// The event that the switch waits for.
    pub pending: Option<Pending>,
    stage: Stage,
    /// Whether there is a live Ingress. It keeps routing to the previous mode while deferred.
    has_ingress: bool,
}

/// The stage of a mode switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// No pods of a previous mode are left.
    #[default]
    Settled,
    /// The previous mode holds the volume: it is deleted first, and the new mode waits.
    ReleasingVolume,
    /// On a database both modes can run at once: the previous mode serves until the new one is
    /// available.
    StartingNew,
    /// The new mode serves, and requests may still reach the previous one.
    Draining,
    /// The previous pods are deleted. Their Services stay until the pods are gone.
    DeletingPods,
}

impl Plan {
    /// Whether no pods of a previous mode are left.
    pub fn is_settled(&self) -> bool {
        self.stage == Stage::Settled
    }

    /// Whether applying `child` would end the pod that holds the volume, or take its requests away.
    pub fn endangers_volume(&self, system: &System, child: &Child) -> bool {
        match child.kind {
            Kind::Deployment | Kind::HorizontalPodAutoscaler => {
                self.stage != Stage::Settled
                    || system
                        .workloads
                        .iter()
                        .any(|workload| workload.holds_volume && workload.name == child.name)
            }
            Kind::Ingress => self.stage != Stage::Settled,
            _ => false,
        }
    }

    /// Whether `child` must not be applied yet.
    pub fn defers(&self, child: &Child) -> bool {
        (self.stage == Stage::ReleasingVolume
            && matches!(child.kind, Kind::Deployment | Kind::HorizontalPodAutoscaler))
            || (self.stage == Stage::StartingNew && self.has_ingress && child.kind == Kind::Ingress)
    }
}

/// Decides on the stage of a mode switch, and on the children to prune and to defer.
pub(super) fn plan(
    system: &System,
    desired: &[Child],
    live: &Live,
    handovers: &IngressHandovers,
    now: Instant,
) -> Plan {
    let names: BTreeSet<(Kind, &str)> =
        desired.iter().map(|child| (child.kind, child.name.as_str())).collect();
    let owned = |metadata: &kube::core::ObjectMeta| is_owned(metadata, &system.owner.uid);
    let is_previous = |component: &&Component| {
        system.workloads.iter().all(|workload| workload.component != **component)
    };
    let runs = |component: &Component| {
        live.get(Kind::Deployment, &component.object_name(&system.name))
            .is_some_and(|object| owned(&object.metadata))
    };
    let previous: BTreeSet<String> = Component::ALL
        .iter()
        .filter(is_previous)
        // The first of them is the name of the other objects, too.
        .flat_map(|component| component.service_names(&system.name))
        .collect();
    let running: Vec<Component> = Component::ALL
        .iter()
        .filter(is_previous)
        .filter(|component| runs(component))
        .copied()
        .collect();
    let embedded = matches!(system.storage, Storage::Embedded(_));
    let stage = if running.is_empty() {
        Stage::Settled
    } else if embedded {
        // Ticket does not mount the volume, so the new mode does not wait for it.
        if running.iter().any(|component| *component != Component::Ticket) {
            Stage::ReleasingVolume
        } else {
            Stage::DeletingPods
        }
    } else if !system.workloads.iter().all(|workload| is_available(live, &workload.name)) {
        Stage::StartingNew
    } else if !ingress_is_switched(desired, live) || !handovers.has_drained(&system.owner.uid, now)
    {
        Stage::Draining
    } else {
        Stage::DeletingPods
    };
    if !matches!(stage, Stage::Draining | Stage::DeletingPods) {
        handovers.forget(&system.owner.uid);
    }
    let prune = live
        .iter()
        // The claim outlives even a change of storage. Only garbage collection deletes it.
        .filter(|(kind, name, object)| {
            // Pods may refer to former ConfigMaps.
            !matches!(kind, Kind::PersistentVolumeClaim | Kind::ConfigMap)
                && !names.contains(&(*kind, *name))
                && owned(&object.metadata)
        })
        .filter(|(kind, name, _)| {
            may_prune(stage, *kind) || !kind.is_per_component() || !previous.contains(*name)
        })
        .map(|(kind, name, _)| (kind, name.to_owned()))
        .collect();
    let pending = match stage {
        Stage::Settled => None,
        Stage::ReleasingVolume => Some(Pending::volume_release()),
        Stage::StartingNew => Some(Pending::new_pods()),
        Stage::Draining | Stage::DeletingPods => Some(Pending::request_drain()),
    };
    Plan { prune, pending, stage, has_ingress: live.get(Kind::Ingress, &system.name).is_some() }
}

/// Whether a child of the previous mode may be deleted at this stage.
fn may_prune(stage: Stage, kind: Kind) -> bool {
    match stage {
        Stage::Settled => true,
        Stage::ReleasingVolume | Stage::DeletingPods => {
            matches!(
                kind,
                Kind::Deployment | Kind::HorizontalPodAutoscaler | Kind::PodDisruptionBudget
            )
        }
        Stage::StartingNew | Stage::Draining => false,
    }
}

fn is_available(live: &Live, name: &str) -> bool {
    Rollout::of(live, name).is_some_and(|rollout| rollout.is_available())
}

/// Whether the live Ingress routes to the new mode, or none is desired.
fn ingress_is_switched(desired: &[Child], live: &Live) -> bool {
    desired.iter().filter(|child| child.kind == Kind::Ingress).all(|child| {
        let current = live
            .get(child.kind, &child.name)
            .and_then(|object| serde_json::to_value(object.as_ref()).ok());
        current
            .is_some_and(|current| drift::differences(&body_with_hash(child), &current).is_empty())
    })
}
