//! Caches of the live children, filled by one watch per kind.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{Stream, StreamExt, stream};
use kube::{
    Api, ResourceExt,
    core::{DynamicObject, TypeMeta},
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store::Writer},
        watcher,
        watcher::Event,
    },
};
use parking_lot::Mutex;

use super::{
    backoff::{is_denied, with_backoff},
    operator::Operator,
};
use crate::{
    dereference::{Children, FromServer},
    kind::Kind,
    labels,
};

/// How long the result of the discovery of the kind ServiceMonitor is cached.
const DISCOVERY_TTL: Duration = Duration::from_secs(60);

/// How long reconciliations wait for the first lists after the start.
const FIRST_LISTS_MAX: Duration = Duration::from_secs(10);

/// The children of all systems in one scope. Kinds that are not watched, or whose watch the API
/// server denies, are read from the API server.
pub(super) struct Cache {
    stores: HashMap<Kind, Watched>,
    started: Instant,
    server: FromServer,
    service_monitors: Mutex<Option<(Instant, bool)>>,
}

/// The cache of one kind.
struct Watched {
    store: Store<DynamicObject>,
    /// Whether the cache has a list, and the API server has not denied the watch since.
    synced: Arc<AtomicBool>,
}

impl Cache {
    /// Waits until every cache has its first list, or is denied one. A cache that cannot be filled
    /// delays only the start: its kind is then read from the API server.
    pub async fn ready(&self) {
        let first_lists = async {
            for watched in self.stores.values() {
                // The writer is dropped only together with the whole scope.
                let _ = watched.store.wait_until_ready().await;
            }
        };
        let left = FIRST_LISTS_MAX.saturating_sub(self.started.elapsed());
        // With no time left, this still returns at once with all caches filled.
        let _ = tokio::time::timeout(left, first_lists).await;
    }
}

#[async_trait]
impl Children for Cache {
    async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<DynamicObject>>, kube::Error> {
        // An unfilled cache would make every child look deleted.
        match self.stores.get(&kind).filter(|watched| watched.synced.load(Ordering::Acquire)) {
            Some(watched) => Ok(watched
                .store
                .get(&ObjectRef::new_with(name, kind.api_resource()).within(namespace))),
            None => self.server.get(kind, namespace, name).await,
        }
    }

    async fn config_maps(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Vec<Arc<DynamicObject>>, kube::Error> {
        let watched = self.stores.get(&Kind::ConfigMap);
        let Some(Watched { store, .. }) =
            watched.filter(|watched| watched.synced.load(Ordering::Acquire))
        else {
            return self.server.config_maps(namespace, name).await;
        };
        let is_of_system = |object: &Arc<DynamicObject>| {
            object.metadata.namespace.as_deref() == Some(namespace)
                && labels::instance(&object.metadata) == Some(name)
        };
        Ok(store.state().into_iter().filter(is_of_system).collect())
    }

    async fn has_service_monitors(&self) -> Result<bool, kube::Error> {
        if let Some((discovered, known)) = *self.service_monitors.lock()
            && discovered.elapsed() < DISCOVERY_TTL
        {
            return Ok(known);
        }
        let known = self.server.has_service_monitors().await?;
        *self.service_monitors.lock() = Some((Instant::now(), known));
        Ok(known)
    }
}

/// Watches every watched kind. The stream yields the name and namespace of each system whose
/// children changed.
pub(super) fn watch(
    operator: &Operator,
    namespace: Option<&str>,
) -> (Cache, impl Stream<Item = (String, String)> + Send + use<>) {
    let mut stores = HashMap::new();
    let mut streams = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_watched()) {
        let resource = kind.api_resource();
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(operator.client.clone(), namespace, &resource),
            None => Api::all_with(operator.client.clone(), &resource),
        };
        let writer = Writer::new(resource);
        let synced = Arc::new(AtomicBool::new(false));
        let store = writer.as_reader();
        stores.insert(kind, Watched { store, synced: Arc::clone(&synced) });
        let config = watcher::Config::default()
            .labels(&format!("{}={}", labels::MANAGED_BY, labels::OPERATOR))
            .timeout(operator.settings.watch_timeout_s);
        let metrics = Arc::clone(&operator.metrics);
        let synced_before = Arc::clone(&synced);
        let events = with_backoff(watcher(api, config), move |event| {
            let Err(error) = event else { return };
            metrics.watch_error(kind.as_str());
            tracing::warn!(%error, kind = kind.as_str(), "watch failed; restarting it");
            if is_denied(error) {
                synced_before.store(false, Ordering::Release);
            }
        });
        let changes = events
            .modify(move |object| normalize(kind, object))
            .reflect(writer)
            .inspect(move |event| {
                // The store has applied the event.
                if matches!(event, Ok(Event::InitDone)) {
                    synced.store(true, Ordering::Release);
                }
            })
            .touched_objects()
            .filter_map(move |change| {
                std::future::ready(change.ok().and_then(|object| system_of(&object)))
            });
        streams.push(changes.boxed());
    }
    let cache = Cache {
        stores,
        started: Instant::now(),
        server: FromServer(operator.client.clone()),
        service_monitors: Mutex::default(),
    };
    (cache, stream::select_all(streams))
}

/// Adds the kind, which list items lack and which would look like a difference. Drops the managed
/// fields, which are most of the size, except of Deployments, whose handover of replicas reads
/// them, and of claims, which they identify.
fn normalize(kind: Kind, object: &mut DynamicObject) {
    let resource = kind.api_resource();
    object.types = Some(TypeMeta { api_version: resource.api_version, kind: resource.kind });
    if !matches!(kind, Kind::Deployment | Kind::PersistentVolumeClaim) {
        object.metadata.managed_fields = None;
    }
}

/// The name and namespace of the system a child belongs to. It is found by label, since retained
/// children have no owner. An object whose label was removed shows up as deleted, with its old
/// label.
fn system_of(object: &DynamicObject) -> Option<(String, String)> {
    let system = labels::instance(&object.metadata)?;
    Some((system.to_owned(), object.namespace()?))
}
