//! Caches of the live children, filled by one watch per kind.

use std::{
    collections::HashMap,
    sync::Arc,
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
    },
};
use parking_lot::Mutex;

use super::{backoff::watch_backoff, operator::Operator};
use crate::{
    dereference::{Children, FromServer},
    kind::Kind,
    labels,
};

/// How long the result of the discovery of the kind ServiceMonitor is cached.
const DISCOVERY_TTL: Duration = Duration::from_secs(60);

/// The children of all systems in one scope. Kinds that are not watched are read from the API
/// server.
pub(super) struct Cache {
    stores: HashMap<Kind, Store<DynamicObject>>,
    server: FromServer,
    service_monitors: Mutex<Option<(Instant, bool)>>,
}

impl Cache {
    /// Waits until every cache has its first list. Before that, every child would look deleted.
    pub async fn ready(&self) {
        for store in self.stores.values() {
            // The writer is dropped only together with the whole scope.
            let _ = store.wait_until_ready().await;
        }
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
        match self.stores.get(&kind) {
            Some(store) => {
                Ok(store.get(&ObjectRef::new_with(name, kind.api_resource()).within(namespace)))
            }
            None => self.server.get(kind, namespace, name).await,
        }
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
        stores.insert(kind, writer.as_reader());
        let config = watcher::Config::default()
            .labels(&format!("{}={}", labels::MANAGED_BY, labels::OPERATOR))
            .timeout(operator.settings.watch_timeout_s);
        let metrics = Arc::clone(&operator.metrics);
        let changes = watcher(api, config)
            .modify(move |object| normalize(kind, object))
            .backoff(watch_backoff())
            .reflect(writer)
            .touched_objects()
            .filter_map(move |change| {
                let system = match change {
                    Ok(object) => system_of(&object),
                    Err(error) => {
                        metrics.watch_error(kind.as_str());
                        tracing::warn!(%error, kind = kind.as_str(), "watch failed; restarting it");
                        None
                    }
                };
                std::future::ready(system)
            });
        streams.push(changes.boxed());
    }
    let cache = Cache {
        stores,
        server: FromServer(operator.client.clone()),
        service_monitors: Mutex::default(),
    };
    (cache, stream::select_all(streams))
}

/// Adds the kind, which list items lack and which would look like a difference. Drops the managed
/// fields, which are most of the size, except of Deployments: the handover of replicas reads them.
fn normalize(kind: Kind, object: &mut DynamicObject) {
    let resource = kind.api_resource();
    object.types = Some(TypeMeta { api_version: resource.api_version, kind: resource.kind });
    if kind != Kind::Deployment {
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
