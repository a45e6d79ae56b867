//! The state that the reconciliations of one scope share.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use k8s_controller::events::EventRecorder;
use kube::{Client, Resource, core::DeserializeGuard, runtime::reflector::Store};

use super::{
    cache::Cache,
    claim::{Installation, Rivals},
    retries::Retries,
};
use crate::{
    api::{TicketSystem, TicketSystemStatus},
    apply::Memory,
    observe::{Metrics, Progress, SystemCounts},
    queues::{QueueMemory, SystemClient},
    settings::Settings,
    status::{READY, diagnosis::ReadinessProbe, is_true},
};

/// Stands for every namespace in logs and metrics.
pub(super) const ALL_NAMESPACES: &str = "*";

/// A TicketSystem, or the metadata of one that cannot be deserialized. One unreadable resource must
/// not stop the watch of all the others.
pub(super) type GuardedSystem = DeserializeGuard<TicketSystem>;

/// The context of all reconciliations in one scope: a watched namespace, or all namespaces.
pub(super) struct Context {
    /// The namespace, or [`ALL_NAMESPACES`].
    pub scope: String,
    pub client: Client,
    pub settings: Settings,
    pub metrics: Arc<Metrics>,
    pub progress: Arc<Progress>,
    pub events: Arc<EventRecorder>,
    pub probe: Arc<dyn ReadinessProbe>,
    pub system_client: Arc<dyn SystemClient>,
    pub systems: Store<GuardedSystem>,
    pub children: Cache,
    pub retries: Retries,
    pub memory: Memory,
    pub queues: QueueMemory,
    /// This operator, and what is known about others.
    pub installation: Installation,
    pub rivals: Rivals,
    /// Number of systems after the last reconciliation.
    pub systems_before: AtomicUsize,
}

impl Context {
    /// Records the end of a reconciliation, and counts the systems.
    pub fn record_progress(&self) {
        let systems = self.systems.state();
        let statuses =
            || systems.iter().filter_map(|system| system.0.as_ref().ok()?.status.as_ref());
        let is_own = |status: &&TicketSystemStatus| {
            status.operator.as_ref().is_none_or(|claim| claim.name == self.installation.name())
        };
        let others = statuses().filter(|status| !is_own(status)).count();
        let ready =
            statuses().filter(is_own).filter(|status| is_true(&status.conditions, READY)).count();
        let own = systems.len().saturating_sub(others);
        self.metrics.systems(
            &self.scope,
            SystemCounts {
                ready,
                not_ready: own.saturating_sub(ready),
                of_others: others,
                conflicts: self.memory.contests.count(),
            },
        );
        if self.systems_before.swap(systems.len(), Ordering::Relaxed) > systems.len() {
            let known: HashSet<&str> =
                systems.iter().filter_map(|system| system.meta().uid.as_deref()).collect();
            self.rivals.retain(|uid| known.contains(uid));
            self.memory.contests.retain(|uid| known.contains(uid));
            self.queues.retain(|uid| known.contains(uid));
        }
        self.progress.reconciled(&self.scope, systems.len(), Instant::now());
    }
}
