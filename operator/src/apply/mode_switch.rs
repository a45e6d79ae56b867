//! Orders the steps of a mode switch: which children to prune, and which to defer.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{body::body_with_hash, door::Door, drift, pending::Pending, prune};
use crate::{
    api::Mode,
    build::Child,
    dereference::Live,
    kind::{Component, Kind},
    ownership::is_owned,
    rollout::Rollout,
    validate::{Storage, System, Workload},
};

/// How long the previous mode keeps serving after the Ingress routes to the new one. Ingress
/// controllers need a fraction of it to update.
const REQUEST_DRAIN: Duration = Duration::from_secs(10);

/// Times at which Ingresses were switched to a new mode, by uid of the system. They are kept in
/// memory: a restarted operator waits for the full time again.
#[derive(Debug, Default)]
pub struct IngressHandovers(Mutex<HashMap<String, (Mode, Instant)>>);

impl IngressHandovers {
    /// Records that the Ingress routes to the new mode. Returns whether requests to the previous
    /// mode have drained.
    fn has_drained(&self, uid: &str, mode: Mode, now: Instant) -> bool {
        let mut switches = self.0.lock();
        let (to, switched) = switches.entry(uid.to_owned()).or_insert((mode, now));
        // The spec may ask for the previous mode again.
        if *to != mode {
            (*to, *switched) = (mode, now);
        }
        now.saturating_duration_since(*switched) >= REQUEST_DRAIN
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
    /// Whether the Service of vacancy leads to the monolith.
    bridge: bool,
    /// Whether there is a live Ingress. It keeps routing to the previous mode while deferred.
    has_ingress: bool,
    /// Where requests arrive while no mode is switched.
    door: Door,
}

/// The stage of a mode switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// No pods of a previous mode are left.
    #[default]
    Settled,
    /// The monolith holds the volume, and ticket starts in front of it. Both serve the same stock.
    OpeningDoor,
    /// Ticket serves with the stock of the monolith, and the Ingress moves to it.
    MovingDoor,
    /// The previous writer of the volume is deleted, and the new one waits. Ticket, of whichever
    /// mode, holds requests meanwhile.
    ReleasingVolume,
    /// The previous mode serves, as far as its pods do without the volume, until the new one is
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

    /// Whether the previous writer of the volume is about to be deleted.
    pub fn releases_volume(&self) -> bool {
        self.stage == Stage::ReleasingVolume
            && self.prune.iter().any(|(kind, _)| *kind == Kind::Deployment)
    }

    /// Whether pods that call vacancy are to reach the monolith, which has the stock.
    pub fn bridges_to_monolith(&self) -> bool {
        self.bridge
    }

    /// Keeps the previous mode for now, because the new writer could not start.
    pub fn keep_previous(&mut self) {
        self.prune.clear();
        self.pending = Some(Pending::new_writer());
    }

    /// Whether `child` must not be applied yet.
    pub fn defers(&self, system: &System, child: &Child) -> bool {
        let is_writer = || {
            let mut writers = system.workloads.iter().filter(|workload| workload.holds_volume);
            writers.any(|writer| writer.name == child.name)
        };
        match (self.stage, child.kind) {
            (
                Stage::OpeningDoor | Stage::MovingDoor | Stage::ReleasingVolume,
                Kind::Deployment | Kind::HorizontalPodAutoscaler,
            ) => is_writer(),
            (Stage::OpeningDoor | Stage::ReleasingVolume | Stage::StartingNew, Kind::Ingress) => {
                self.has_ingress
            }
            (Stage::Settled, _) => self.door.defers(system, child),
            _ => false,
        }
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
    // The monolith would count the calls of ticket against the limit of one client.
    let may_bridge = embedded && system.spec.rate_limit.is_none();
    let writers = || running.iter().filter(|component| **component != Component::Ticket);
    let is_ending = |component: &Component| {
        live.get(Kind::Deployment, &component.object_name(&system.name))
            .is_some_and(|object| object.metadata.deletion_timestamp.is_some())
    };
    let are_available = |wanted: &dyn Fn(&Workload) -> bool| {
        let mut wanted = system.workloads.iter().filter(|workload| wanted(workload));
        wanted.all(|workload| is_available(live, &workload.name))
    };
    let has_moved = || {
        ingress_is_switched(desired, live)
            && handovers.has_drained(&system.owner.uid, system.spec.mode, now)
    };
    let stage = if running.is_empty() {
        Stage::Settled
    } else if embedded && writers().next().is_some() {
        if !may_bridge || running.contains(&Component::Ticket) || writers().any(is_ending) {
            Stage::ReleasingVolume
        } else if !are_available(&|workload| !workload.holds_volume) {
            Stage::OpeningDoor
        } else if !has_moved() {
            Stage::MovingDoor
        } else {
            Stage::ReleasingVolume
        }
    } else if !are_available(&|_| true) {
        Stage::StartingNew
    } else if !has_moved() {
        Stage::Draining
    } else {
        Stage::DeletingPods
    };
    if matches!(stage, Stage::Settled | Stage::OpeningDoor | Stage::StartingNew) {
        handovers.forget(&system.owner.uid);
    }
    let ticket = Component::Ticket.object_name(&system.name);
    let prune = live
        .iter()
        .filter(|(kind, name, object)| {
            prune::is_prunable(*kind) && !names.contains(&(*kind, *name)) && owned(&object.metadata)
        })
        .filter(|(kind, name, _)| {
            may_prune(stage, *kind, *name == ticket)
                || !kind.is_per_component()
                || !previous.contains(*name)
        })
        .map(|(kind, name, _)| (kind, name.to_owned()))
        .collect();
    let pending = match stage {
        Stage::Settled => None,
        Stage::ReleasingVolume => Some(Pending::volume_release()),
        Stage::OpeningDoor | Stage::StartingNew => Some(Pending::new_pods()),
        Stage::MovingDoor => Some(Pending::request_move()),
        Stage::Draining | Stage::DeletingPods => Some(Pending::request_drain()),
    };
    let bridge = may_bridge
        && match stage {
            Stage::OpeningDoor | Stage::MovingDoor => true,
            Stage::ReleasingVolume => running == [Component::Monolith],
            Stage::StartingNew | Stage::Draining | Stage::DeletingPods => {
                running == [Component::Ticket]
            }
            Stage::Settled => false,
        };
    let has_ingress = live.get(Kind::Ingress, &system.name).is_some();
    let door = Door::of(system, desired, live);
    Plan { prune, pending, stage, bridge, has_ingress, door }
}

/// Whether a child of the previous mode may be deleted at this stage.
fn may_prune(stage: Stage, kind: Kind, is_of_ticket: bool) -> bool {
    let has_pods = matches!(
        kind,
        Kind::Deployment | Kind::HorizontalPodAutoscaler | Kind::PodDisruptionBudget
    );
    match stage {
        Stage::Settled => true,
        // Ticket holds requests until the new writer serves.
        Stage::ReleasingVolume => has_pods && !is_of_ticket,
        Stage::DeletingPods => has_pods,
        Stage::OpeningDoor | Stage::MovingDoor | Stage::StartingNew | Stage::Draining => false,
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
