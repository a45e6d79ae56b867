//! One watched namespace, or all of them at once.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, Stream, StreamExt, stream};
use kube::{
    Api, Resource,
    core::{DeserializeGuard, ObjectMeta},
    runtime::{
        Predicate, WatchStreamExt, applier,
        controller::{Action, Config, ReconcileRequest},
        predicates,
        reflector::{ObjectRef, Store, store::Writer},
        watcher,
    },
};

use super::{Operator, backoff::WatchBackoff, children, reconcile, retries::Retries};
use crate::{
    api::TicketSystem,
    apply::Handovers,
    kind::Kind,
    observe::{Metrics, Progress},
    status::{READY, condition},
};

/// Events this close together are answered by one reconciliation: creating a system makes a dozen.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Stands for every namespace in logs and metrics.
pub(super) const ALL: &str = "*";

/// A resource, or what is left of one that cannot be read. One that cannot must not stop the watch
/// of all the others.
pub(super) type Main = DeserializeGuard<TicketSystem>;

/// What the reconciliations of one scope share.
pub(super) struct Scope {
    /// The namespace, or [`ALL`].
    pub name: String,
    pub client: kube::Client,
    pub settings: crate::settings::Settings,
    pub metrics: Arc<Metrics>,
    pub progress: Arc<Progress>,
    pub events: Arc<k8s_controller::events::EventRecorder>,
    pub probe: Arc<dyn crate::status::explain::ReadinessProbe>,
    pub systems: Store<Main>,
    pub children: children::Cached,
    pub retries: Retries,
    pub handovers: Handovers,
}

impl Scope {
    /// Notes that a reconciliation ended.
    pub fn moved(&self) {
        let systems = self.systems.state();
        let ready = systems
            .iter()
            .filter_map(|system| system.0.as_ref().ok()?.status.as_ref())
            .filter(|status| {
                condition(&status.conditions, READY).is_some_and(|ready| ready.status == "True")
            })
            .count();
        self.metrics.systems(&self.name, ready, systems.len().saturating_sub(ready));
        self.progress.reconciled(&self.name, systems.len(), std::time::Instant::now());
    }
}

/// Reconciles the resources of `namespace` for as long as the stream is polled.
pub(super) fn run(
    operator: &Operator,
    namespace: Option<&str>,
) -> impl Stream<Item = ()> + Send + use<> {
    let api: Api<Main> = match namespace {
        Some(namespace) => Api::namespaced(operator.client.clone(), namespace),
        None => Api::all(operator.client.clone()),
    };
    let writer = Writer::default();
    let systems: Store<Main> = writer.as_reader();
    let metrics = Arc::clone(&operator.metrics);
    let own = watcher(api, watcher::Config::default().timeout(operator.settings.watch_timeout_s))
        .modify(|system| system.meta_mut().managed_fields = None)
        .backoff(WatchBackoff::default())
        .reflect(writer)
        .touched_objects()
        // The operator's own writes to the status are no news.
        .predicate_filter(
            predicates::generation.combine(predicates::annotations).combine(deletion),
            kube::runtime::PredicateConfig::default(),
        )
        .filter_map(move |touched| {
            let system = match touched {
                Ok(object) => Some(ObjectRef::from_obj(&object)),
                Err(error) => {
                    metrics.watch_error("TicketSystem");
                    tracing::warn!(%error, kind = "TicketSystem", "watch broke; it is begun anew");
                    None
                }
            };
            std::future::ready(system)
        });
    let (children, of_children) = children::watch(operator, namespace);
    let settings = operator.settings.clone();
    let scope = Arc::new(Scope {
        name: namespace.unwrap_or(ALL).to_owned(),
        client: operator.client.clone(),
        metrics: Arc::clone(&operator.metrics),
        progress: Arc::clone(&operator.progress),
        events: Arc::clone(&operator.events),
        probe: Arc::clone(&operator.probe),
        systems: systems.clone(),
        children,
        handovers: Handovers::default(),
        retries: Retries::new(Duration::from_secs(settings.retry_max_s)),
        settings,
    });
    let after = Arc::clone(&scope);
    let queue = stream::select(own, of_children)
        .map(|system| Ok::<_, watcher::Error>(ReconcileRequest::from(system)));
    let config =
        Config::default().debounce(DEBOUNCE).concurrency(scope.settings.reconcile_concurrency);
    applier(
        |system, scope| reconcile::reconcile(system, scope).boxed(),
        |system, error, scope: Arc<Scope>| retry(&system, error, &scope),
        scope,
        systems,
        queue,
        config,
    )
    .map(move |result| {
        if let Err(error) = result {
            // Failures of reconciliations were reported where they happened; what is left are
            // systems deleted meanwhile. The last one has to be noted too: nothing else
            // would tell that there is nothing left to make progress on.
            tracing::debug!(%error, "reconciliation skipped");
            after.moved();
        }
    })
}

fn retry(system: &Main, error: &reconcile::ReconcileError, scope: &Scope) -> Action {
    let delay = scope.retries.failed(system.meta().uid.as_deref().unwrap_or_default());
    tracing::warn!(system = system.meta().name, namespace = system.meta().namespace, %error, retry_in_ms = delay.as_millis(), "reconciliation failed");
    Action::requeue(delay)
}

/// Changes when the resource starts to be deleted.
fn deletion(system: &Main) -> Option<u64> {
    let ObjectMeta { deletion_timestamp, .. } = system.meta();
    Some(u64::from(deletion_timestamp.is_some()))
}

/// URL paths of everything that is watched in `namespace`.
pub(super) fn collections(namespace: Option<&str>) -> Vec<String> {
    let own = TicketSystem::url_path(&(), namespace);
    let children = Kind::ALL.into_iter().filter(|kind| kind.is_watched());
    children
        .map(|kind| kube::core::DynamicObject::url_path(&kind.api_resource(), namespace))
        .chain([own])
        .collect()
}
