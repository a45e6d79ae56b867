//! Caches of the children, one watch per kind.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
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

use super::{Operator, backoff::WatchBackoff, scope::Main};
use crate::{
    build::labels,
    dereference::{Children, FromServer},
    kind::Kind,
};

/// How long it is believed that the cluster has, or has not, the kind ServiceMonitor.
const DISCOVERY_TTL: Duration = Duration::from_secs(60);

/// Children as the watches last showed them; unwatched kinds are read from the server.
pub(super) struct Cached {
    stores: HashMap<Kind, Store<DynamicObject>>,
    server: FromServer,
    service_monitors: Mutex<Option<(Instant, bool)>>,
}

impl Cached {
    /// Waits until every cache has been filled once: before that, every child would look deleted.
    pub async fn ready(&self) {
        for store in self.stores.values() {
            // The writer goes only together with the whole scope.
            let _ = store.wait_until_ready().await;
        }
    }
}

#[async_trait]
impl Children for Cached {
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
        let lock =
            || self.service_monitors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((asked, known)) = *lock()
            && asked.elapsed() < DISCOVERY_TTL
        {
            return Ok(known);
        }
        let known = self.server.has_service_monitors().await?;
        *lock() = Some((Instant::now(), known));
        Ok(known)
    }
}

/// Watches every watched kind. The stream says which system to look at again.
pub(super) fn watch(
    operator: &Operator,
    namespace: Option<&str>,
) -> (Cached, impl Stream<Item = ObjectRef<Main>> + Send + use<>) {
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
        let touched = watcher(api, config)
            .modify(move |object| complete(kind, object))
            .backoff(WatchBackoff::default())
            .reflect(writer)
            .touched_objects()
            .filter_map(move |touched| {
                let system = match touched {
                    Ok(object) => system_of(&object),
                    Err(error) => {
                        metrics.watch_error(kind.as_str());
                        tracing::warn!(%error, kind = kind.as_str(), "watch broke; it is begun anew");
                        None
                    }
                };
                std::future::ready(system)
            });
        streams.push(touched.boxed());
    }
    let cached = Cached {
        stores,
        server: FromServer(operator.client.clone()),
        service_monitors: Mutex::default(),
    };
    (cached, stream::select_all(streams))
}

/// The items of a list come without their kind, which would look like a difference. Who owns which
/// field matters for the replicas of Deployments only; it is most of the size of everything else.
fn complete(kind: Kind, object: &mut DynamicObject) {
    let resource = kind.api_resource();
    object.types = Some(TypeMeta { api_version: resource.api_version, kind: resource.kind });
    if kind != Kind::Deployment {
        object.metadata.managed_fields = None;
    }
}

/// By label rather than by owner, so that retained children, which have none, are found as well. An
/// object whose label was edited away shows up as deleted, with the label it had.
fn system_of(object: &DynamicObject) -> Option<ObjectRef<Main>> {
    let system = labels::instance(&object.metadata)?;
    Some(ObjectRef::new(system).within(&object.namespace()?))
}
