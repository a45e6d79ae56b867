//! The state that the reconciliations of one scope share.

use std::{sync::Arc, time::Instant};

use k8s_controller::events::EventRecorder;
use kube::{Client, core::DeserializeGuard, runtime::reflector::Store};

use super::{cache::Cache, retries::Retries};
use crate::{
    api::TicketSystem,
    apply::IngressHandovers,
    observe::{Metrics, Progress},
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
    pub systems: Store<GuardedSystem>,
    pub children: Cache,
    pub retries: Retries,
    pub handovers: IngressHandovers,
}

impl Context {
    /// Records the end of a reconciliation, and counts the systems.
    pub fn record_progress(&self) {
        let systems = self.systems.state();
        let ready = systems
            .iter()
            .filter_map(|system| system.0.as_ref().ok()?.status.as_ref())
            .filter(|status| is_true(&status.conditions, READY))
            .count();
        self.metrics.systems(&self.scope, ready, systems.len().saturating_sub(ready));
        self.progress.reconciled(&self.scope, systems.len(), Instant::now());
    }
}
