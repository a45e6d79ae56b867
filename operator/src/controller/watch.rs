//! Watches the resources and children of one scope, and reconciles the systems that changed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt, stream};
use kube::{
    Api, Resource,
    core::{DynamicObject, ObjectMeta},
    runtime::{
        Predicate, PredicateConfig, WatchStreamExt, applier,
        controller::{Action, Config, ReconcileRequest},
        predicates,
        reflector::{ObjectRef, Store, store::Writer},
        watcher,
    },
};

use super::{
    backoff::with_backoff,
    cache,
    claim::{Installation, Rivals},
    context::{ALL_NAMESPACES, Context, GuardedSystem},
    operator::Operator,
    reconcile::reconcile,
    reconcile_error::ReconcileError,
    retries::Retries,
};
use crate::{
    api::TicketSystem,
    apply::{Contests, Memory},
    kind::Kind,
    queues::QueueMemory,
};

/// Events within this time lead to one reconciliation: creating a system causes about 12 events.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Reconciles the resources of `namespace`, or of all namespaces, while the stream is polled.
pub(super) fn run(
    operator: &Operator,
    namespace: Option<&str>,
) -> impl Stream<Item = ()> + Send + use<> {
    let api: Api<GuardedSystem> = match namespace {
        Some(namespace) => Api::namespaced(operator.client.clone(), namespace),
        None => Api::all(operator.client.clone()),
    };
    let writer = Writer::default();
    let systems: Store<GuardedSystem> = writer.as_reader();
    let metrics = Arc::clone(&operator.metrics);
    let config = watcher::Config::default().timeout(operator.settings.watch_timeout_s);
    let events = with_backoff(watcher(api, config), move |event| {
        if let Err(error) = event {
            metrics.watch_error("TicketSystem");
            tracing::warn!(%error, kind = "TicketSystem", "watch failed; restarting it");
        }
    });
    let own = events
        .modify(|system: &mut GuardedSystem| system.meta_mut().managed_fields = None)
        .reflect(writer)
        .touched_objects()
        // Ignores the operator's own writes to the status, except claims.
        .predicate_filter(
            predicates::generation
                .combine(predicates::annotations)
                .combine(deletion)
                .combine(claim),
            PredicateConfig::default(),
        )
        .filter_map(|change| {
            std::future::ready(change.ok().map(|system| ObjectRef::from_obj(&system)))
        });
    let (children, changed) = cache::watch(operator, namespace);
    let of_children = changed.map(|(name, namespace)| ObjectRef::new(&name).within(&namespace));
    let settings = operator.settings.clone();
    let context = Arc::new(Context {
        scope: namespace.unwrap_or(ALL_NAMESPACES).to_owned(),
        client: operator.client.clone(),
        metrics: Arc::clone(&operator.metrics),
        progress: Arc::clone(&operator.progress),
        events: Arc::clone(&operator.events),
        probe: Arc::clone(&operator.probe),
        system_client: Arc::clone(&operator.system_client),
        queues: QueueMemory::default(),
        systems: systems.clone(),
        children,
        memory: Memory::new(Contests::new(
            settings.conflict_corrections,
            Duration::from_secs(settings.conflict_pause_max_s),
        )),
        retries: Retries::new(Duration::from_secs(settings.retry_max_s)),
        installation: Installation::new(&settings),
        rivals: Rivals::default(),
        systems_before: AtomicUsize::default(),
        settings,
    });
    let after = Arc::clone(&context);
    let queue = stream::select(own, of_children)
        .map(|system| Ok::<_, watcher::Error>(ReconcileRequest::from(system)));
    let config =
        Config::default().debounce(DEBOUNCE).concurrency(context.settings.reconcile_concurrency);
    applier(
        |system, context| reconcile(system, context).boxed(),
        |system, error, context: Arc<Context>| retry(&system, error, &context),
        context,
        systems,
        queue,
        config,
    )
    .map(move |result| {
        if let Err(error) = result {
            // Failed reconciliations are reported where they happen. The remaining errors are
            // about systems deleted in the meantime. They are recorded as progress, because after
            // the last system is deleted nothing else is.
            tracing::debug!(%error, "reconciliation skipped");
            after.record_progress();
        }
    })
}

fn retry(system: &GuardedSystem, error: &ReconcileError, context: &Context) -> Action {
    let delay = context.retries.failed(system.meta().uid.as_deref().unwrap_or_default());
    tracing::warn!(
        system = system.meta().name,
        namespace = system.meta().namespace,
        %error,
        retry_in_ms = delay.as_millis(),
        "reconciliation failed"
    );
    Action::requeue(delay)
}

/// A predicate that changes with the claim of an operator: another operator may ask for an answer.
fn claim(system: &GuardedSystem) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    system.0.as_ref().ok()?.status.as_ref()?.operator.hash(&mut hasher);
    Some(hasher.finish())
}

/// A predicate that changes when the deletion of a resource starts.
fn deletion(system: &GuardedSystem) -> Option<u64> {
    let ObjectMeta { deletion_timestamp, .. } = system.meta();
    Some(u64::from(deletion_timestamp.is_some()))
}

/// URL paths of all collections that are watched in `namespace`.
pub(super) fn collections(namespace: Option<&str>) -> Vec<String> {
    let own = TicketSystem::url_path(&(), namespace);
    let children = Kind::ALL.into_iter().filter(|kind| kind.is_watched());
    children
        .map(|kind| DynamicObject::url_path(&kind.api_resource(), namespace))
        .chain([own])
        .collect()
}
