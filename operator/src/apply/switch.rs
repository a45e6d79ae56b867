//! What to take away, and what has to wait for it: the part of a mode switch that must happen in order.

use std::collections::BTreeSet;

use crate::{
    build::{Child, labels},
    dereference::Live,
    kind::{Component, Kind},
    status::rollout,
    validate::{Storage, System},
};

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Children to delete.
    pub retire: Vec<(Kind, String)>,
    /// A Deployment of the mode being left still holds the volume.
    pub waiting_for_volume: bool,
    /// The Ingress goes on pointing at the mode being left until the new one serves.
    pub keep_ingress: bool,
}

impl Plan {
    pub fn holds_back(&self, child: &Child) -> bool {
        (self.waiting_for_volume && matches!(child.kind, Kind::Deployment | Kind::HorizontalPodAutoscaler))
            || (self.keep_ingress && child.kind == Kind::Ingress)
    }
}

pub(super) fn plan(system: &System, wanted: &[Child], live: &Live) -> Plan {
    let names: BTreeSet<(Kind, &str)> = wanted.iter().map(|child| (child.kind, child.name.as_str())).collect();
    let unwanted = |kind: Kind, name: &str| !names.contains(&(kind, name));
    let ours = |metadata: &kube::core::ObjectMeta| {
        let mut owners = metadata.owner_references.iter().flatten();
        labels::instance(metadata) == Some(&system.name) && owners.any(|owner| owner.uid == system.owner.uid)
    };
    let outgoing: BTreeSet<String> = Component::ALL
        .iter()
        .map(|component| component.object_name(&system.name))
        .filter(|name| system.workloads.iter().all(|workload| workload.name != *name))
        .collect();
    let switching = outgoing.iter().any(|name| live.get(Kind::Deployment, name).is_some_and(|object| ours(&object.metadata)));
    let embedded = matches!(system.storage, Storage::Embedded(_));
    // A database takes two generations of pods at once, so there the old one serves until the new one does.
    let overlap = switching && !embedded && !system.workloads.iter().all(|workload| rollout::serves(live, &workload.name));
    let retire = live
        .iter()
        // The claim outlives even a change of storage: only its owner reference ever takes it away.
        .filter(|(kind, name, object)| *kind != Kind::PersistentVolumeClaim && unwanted(*kind, name) && ours(&object.metadata))
        .filter(|(_, name, _)| !(overlap && outgoing.contains(*name)))
        .map(|(kind, name, _)| (kind, name.to_owned()))
        .collect();
    Plan { retire, waiting_for_volume: switching && embedded, keep_ingress: overlap && live.get(Kind::Ingress, &system.name).is_some() }
}
