//! What to take away, and what has to wait for it: the part of a mode switch that must happen in
//! order.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{Waiting, body_with_hash, compare};
use crate::{
    build::Child,
    dereference::Live,
    kind::{Component, Kind},
    ownership::made_for,
    status::rollout,
    validate::{Storage, System},
};

/// How long the mode that is being left goes on serving after the Ingress points elsewhere: several
/// times what Ingress controllers take to follow.
const FOLLOW: Duration = Duration::from_secs(10);

/// Since when the Ingress of a system that is switching points to the new mode, by uid. Kept in
/// memory: an operator that starts anew waits anew.
#[derive(Debug, Default)]
pub struct Handovers(Mutex<HashMap<String, Instant>>);

impl Handovers {
    /// Notes that the Ingress points to the new mode, and tells whether it has for long enough.
    fn followed(&self, uid: &str, now: Instant) -> bool {
        now.saturating_duration_since(
            *self
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .entry(uid.to_owned())
                .or_insert(now),
        ) >= FOLLOW
    }

    fn forget(&self, uid: &str) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(uid);
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Children to delete.
    pub retire: Vec<(Kind, String)>,
    /// What the switch waits for.
    pub waiting: Option<Waiting>,
    stage: Stage,
    /// Whether there is an Ingress that can go on pointing at the mode being left.
    has_ingress: bool,
}

/// How far the mode that is being left has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// No mode is being left.
    #[default]
    Settled,
    /// It holds the volume: it goes, and the new one waits for it.
    LettingGo,
    /// A database takes two generations of pods at once: it serves until the new one does.
    Overlap,
    /// The new one serves, and requests are still on their way to the old one.
    Following,
    /// Its pods go. What leads requests to them stays until they are gone.
    Leaving,
}

impl Plan {
    pub fn holds_back(&self, child: &Child) -> bool {
        (self.stage == Stage::LettingGo
            && matches!(child.kind, Kind::Deployment | Kind::HorizontalPodAutoscaler))
            || (self.stage == Stage::Overlap && self.has_ingress && child.kind == Kind::Ingress)
    }
}

pub(super) fn plan(
    system: &System,
    wanted: &[Child],
    live: &Live,
    handovers: &Handovers,
    now: Instant,
) -> Plan {
    let names: BTreeSet<(Kind, &str)> =
        wanted.iter().map(|child| (child.kind, child.name.as_str())).collect();
    let ours =
        |metadata: &kube::core::ObjectMeta| made_for(metadata, &system.name, &system.owner.uid);
    let leaving = |component: &&Component| {
        system.workloads.iter().all(|workload| workload.component != **component)
    };
    let runs = |component: &Component| {
        live.get(Kind::Deployment, &component.object_name(&system.name))
            .is_some_and(|object| ours(&object.metadata))
    };
    let outgoing: BTreeSet<String> = Component::ALL
        .iter()
        .filter(leaving)
        .map(|component| component.object_name(&system.name))
        .collect();
    let running: Vec<Component> = Component::ALL
        .iter()
        .filter(leaving)
        .filter(|component| runs(component))
        .copied()
        .collect();
    let embedded = matches!(system.storage, Storage::Embedded(_));
    let stage = if running.is_empty() {
        Stage::Settled
    } else if embedded {
        // Ticket does not touch the volume: what comes next need not wait for it.
        if running.iter().any(|component| *component != Component::Ticket) {
            Stage::LettingGo
        } else {
            Stage::Leaving
        }
    } else if !system.workloads.iter().all(|workload| rollout::serves(live, &workload.name)) {
        Stage::Overlap
    } else if !ingress_points_here(wanted, live) || !handovers.followed(&system.owner.uid, now) {
        Stage::Following
    } else {
        Stage::Leaving
    };
    if !matches!(stage, Stage::Following | Stage::Leaving) {
        handovers.forget(&system.owner.uid);
    }
    let retire = live
        .iter()
        // The claim outlives even a change of storage: only its owner reference ever takes it away.
        .filter(|(kind, name, object)| {
            *kind != Kind::PersistentVolumeClaim
                && !names.contains(&(*kind, *name))
                && ours(&object.metadata)
        })
        .filter(|(kind, name, _)| {
            may_go(stage, *kind) || !kind.is_per_component() || !outgoing.contains(*name)
        })
        .map(|(kind, name, _)| (kind, name.to_owned()))
        .collect();
    let waiting = match stage {
        Stage::Settled => None,
        Stage::LettingGo => Some(Waiting::for_previous_mode()),
        Stage::Overlap => Some(Waiting::for_new_pods()),
        Stage::Following | Stage::Leaving => Some(Waiting::for_ingress()),
    };
    Plan { retire, waiting, stage, has_ingress: live.get(Kind::Ingress, &system.name).is_some() }
}

/// Whether what belongs to the mode that is being left may be deleted at this stage.
fn may_go(stage: Stage, kind: Kind) -> bool {
    match stage {
        Stage::Settled => true,
        Stage::LettingGo | Stage::Leaving => {
            matches!(
                kind,
                Kind::Deployment | Kind::HorizontalPodAutoscaler | Kind::PodDisruptionBudget
            )
        }
        Stage::Overlap | Stage::Following => false,
    }
}

fn ingress_points_here(wanted: &[Child], live: &Live) -> bool {
    wanted.iter().filter(|child| child.kind == Kind::Ingress).all(|child| {
        let current = live
            .get(child.kind, &child.name)
            .and_then(|object| serde_json::to_value(object.as_ref()).ok());
        current.is_some_and(|current| {
            compare::differences(&body_with_hash(child), &current).is_empty()
        })
    })
}
