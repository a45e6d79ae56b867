//! Step one of a reconciliation: read everything the resource refers to, and what there is of its
//! children.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    core::{DynamicObject, ObjectMeta},
};

use crate::{
    api::TicketSystem,
    kind::{Component, Kind, admin_token},
    ownership::may_take,
};

/// Key of the admin token in its Secret.
pub const TOKEN_KEY: &str = "token";

/// Where children are read from: the watch caches while running, the API server for a diff.
#[async_trait]
pub trait Children: Send + Sync {
    /// The child of that kind and name, or `None`.
    async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<DynamicObject>>, kube::Error>;

    /// Whether the cluster has the kind ServiceMonitor.
    async fn has_service_monitors(&self) -> Result<bool, kube::Error>;
}

/// Reads children from the API server, one request each.
pub struct FromServer(pub Client);

#[async_trait]
impl Children for FromServer {
    async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<DynamicObject>>, kube::Error> {
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.0.clone(), namespace, &kind.api_resource());
        match api.get(name).await {
            Ok(object) => Ok(Some(Arc::new(object))),
            // By code: a kind that is not served any more answers in plain text, which has no
            // reason.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn has_service_monitors(&self) -> Result<bool, kube::Error> {
        let wanted = Kind::ServiceMonitor.api_resource();
        match self.0.list_api_group_resources(&wanted.api_version).await {
            Ok(list) => Ok(list.resources.iter().any(|resource| resource.kind == wanted.kind)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Children that exist and are this system's, or could be adopted by it.
#[derive(Clone, Debug, Default)]
pub struct Live(BTreeMap<(Kind, String), Arc<DynamicObject>>);

impl Live {
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<DynamicObject>> {
        self.0.get(&(kind, name.to_owned()))
    }

    pub fn insert(&mut self, kind: Kind, name: String, object: Arc<DynamicObject>) {
        self.0.insert((kind, name), object);
    }

    pub fn remove(&mut self, kind: Kind, name: &str) {
        self.0.remove(&(kind, name.to_owned()));
    }

    pub fn iter(&self) -> impl Iterator<Item = (Kind, &str, &Arc<DynamicObject>)> {
        self.0.iter().map(|((kind, name), object)| (*kind, name.as_str(), object))
    }
}

/// What a Secret key held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretValue {
    Found(Vec<u8>),
    NoSecret,
    NoKey,
}

/// Everything a reconciliation starts from.
#[derive(Clone, Debug)]
pub struct Dereferenced {
    pub live: Live,
    /// The database URL, on PostgreSQL.
    pub store_url: Option<SecretValue>,
    /// The certificates its server is verified with, where the spec names some.
    pub database_ca: Option<SecretValue>,
    /// Whether the cluster has the kind ServiceMonitor.
    pub service_monitors: bool,
}

/// Reads what `system` refers to.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn dereference(
    system: &TicketSystem,
    client: &Client,
    children: &dyn Children,
) -> Result<Dereferenced, kube::Error> {
    let namespace = system.namespace().unwrap_or_default();
    let name = system.name_any();
    let uid = system.uid().unwrap_or_default();
    let service_monitors = children.has_service_monitors().await?;
    let mut live = Live::default();
    for kind in Kind::ALL {
        if kind == Kind::ServiceMonitor && !service_monitors {
            continue;
        }
        for child in kind.names(&name) {
            let found = children.get(kind, &namespace, &child).await?;
            if let Some(object) = found.filter(|object| may_take(&object.metadata, &name, &uid)) {
                live.insert(kind, child, object);
            }
        }
    }
    if let Some(outgoing) = outgoing_store_holder(system) {
        // Two writers must never share the volume, so here a cache that lags will not do.
        let deployment = outgoing.object_name(&name);
        let found =
            FromServer(client.clone()).get(Kind::Deployment, &namespace, &deployment).await?;
        match found.filter(|object| may_take(&object.metadata, &name, &uid)) {
            Some(object) => live.insert(Kind::Deployment, deployment, object),
            None => live.remove(Kind::Deployment, &deployment),
        }
    }
    let (mut store_url, mut database_ca) = (None, None);
    if let Some(postgres) =
        system.spec.storage.as_ref().and_then(|storage| storage.postgres.as_ref())
    {
        let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace);
        store_url = Some(
            secret_value(&secrets, &postgres.secret_ref.name, &postgres.secret_ref.key).await?,
        );
        if let Some(ca) = &postgres.ca_secret_ref {
            database_ca = Some(secret_value(&secrets, &ca.name, &ca.key).await?);
        }
    }
    Ok(Dereferenced { live, store_url, database_ca, service_monitors })
}

/// The component that wrote to the volume in the mode that is being left.
fn outgoing_store_holder(system: &TicketSystem) -> Option<Component> {
    let from = system.status.as_ref()?.mode?;
    (from != system.spec.mode).then_some(match from {
        crate::api::Mode::Microservices => Component::Vacancy,
        crate::api::Mode::Monolith => Component::Monolith,
    })
}

async fn secret_value(
    secrets: &Api<Secret>,
    name: &str,
    key: &str,
) -> Result<SecretValue, kube::Error> {
    let Some(secret) = secrets.get_opt(name).await? else { return Ok(SecretValue::NoSecret) };
    let value = secret.data.and_then(|mut data| data.remove(key)).map(|value| value.0);
    Ok(value.filter(|value| !value.is_empty()).map_or(SecretValue::NoKey, SecretValue::Found))
}

impl Dereferenced {
    /// The admin token there is, if any.
    pub fn admin_token(&self, name: &str) -> Option<Vec<u8>> {
        let object = self.live.get(Kind::Secret, &admin_token(name))?;
        let secret: Secret = object.as_ref().clone().try_parse().ok()?;
        secret.data?.remove(TOKEN_KEY).map(|value| value.0).filter(|value| !value.is_empty())
    }

    /// Metadata of a child.
    pub fn metadata(&self, kind: Kind, name: &str) -> Option<&ObjectMeta> {
        self.live.get(kind, name).map(|object| &object.metadata)
    }
}
