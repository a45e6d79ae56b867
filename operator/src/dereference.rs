//! Step one of a reconciliation: read the live children of a resource and everything it refers to.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    core::{DynamicObject, ObjectMeta},
};

use crate::{
    api::{Mode, TicketSystem},
    kind::{ADMIN_TOKEN_KEY, Component, Kind, admin_token},
    ownership::may_manage,
};

/// A source of live children: the watch caches in `operator run`, the API server in
/// `operator diff`.
#[async_trait]
pub trait Children: Send + Sync {
    /// The child of this kind and name, or `None`.
    async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<DynamicObject>>, kube::Error>;

    /// Whether the cluster has the kind ServiceMonitor.
    async fn has_service_monitors(&self) -> Result<bool, kube::Error>;
}

/// Reads each child from the API server with one request.
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
            // Compares the code: the response for a kind that is no longer served is plain text
            // and has no reason.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn has_service_monitors(&self) -> Result<bool, kube::Error> {
        let monitor = Kind::ServiceMonitor.api_resource();
        match self.0.list_api_group_resources(&monitor.api_version).await {
            Ok(list) => Ok(list.resources.iter().any(|resource| resource.kind == monitor.kind)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Live children that the system owns or may adopt.
#[derive(Clone, Debug, Default)]
pub struct Live {
    children: BTreeMap<(Kind, String), Arc<DynamicObject>>,
    denied: BTreeMap<Kind, String>,
}

impl Live {
    /// The live child of this kind and name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<DynamicObject>> {
        self.children.get(&(kind, name.to_owned()))
    }

    /// Adds or replaces a child.
    pub fn insert(&mut self, kind: Kind, name: String, object: Arc<DynamicObject>) {
        self.children.insert((kind, name), object);
    }

    /// Removes a child, if it is there.
    pub fn remove(&mut self, kind: Kind, name: &str) {
        self.children.remove(&(kind, name.to_owned()));
    }

    /// All children, ordered by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &str, &Arc<DynamicObject>)> {
        self.children.iter().map(|((kind, name), object)| (*kind, name.as_str(), object))
    }

    /// The API server's answer, if it denies reading children of this kind. They are unknown, and
    /// must not be written.
    pub fn denied(&self, kind: Kind) -> Option<&str> {
        self.denied.get(&kind).map(String::as_str)
    }
}

/// The value of one key of a Secret, or the reason there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretValue {
    Found(Vec<u8>),
    NoSecret,
    NoKey,
}

/// The input of a reconciliation, as read from the cluster.
#[derive(Clone, Debug)]
pub struct Dereferenced {
    pub live: Live,
    /// The database URL, if the spec uses PostgreSQL.
    pub store_url: Option<SecretValue>,
    /// The CA certificates of the database, if the spec names a Secret with them.
    pub database_ca: Option<SecretValue>,
    /// Whether the cluster has the kind ServiceMonitor.
    pub service_monitors: bool,
}

/// Reads the live children of `system` and the Secrets it refers to.
///
/// # Errors
/// If a request to the API server fails.
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
            let found = match children.get(kind, &namespace, &child).await {
                Err(kube::Error::Api(status)) if status.code == 403 && is_separable(kind) => {
                    live.denied.insert(kind, status.message.clone());
                    break;
                }
                found => found?,
            };
            if let Some(object) =
                found.filter(|object| may_manage(kind, &object.metadata, &name, &uid))
            {
                live.insert(kind, child, object);
            }
        }
    }
    let outgoing = writer(match system.spec.mode {
        Mode::Microservices => Mode::Monolith,
        Mode::Monolith => Mode::Microservices,
    });
    let new_writer = writer(system.spec.mode).object_name(&name);
    let switches = live.get(Kind::Deployment, &new_writer).is_none()
        || live.get(Kind::Deployment, &outgoing.object_name(&name)).is_some()
        || system.status.as_ref().and_then(|status| status.mode) != Some(system.spec.mode);
    if switches {
        // Two writers must never share the volume, so neither a stale cache nor the status, which
        // anyone with the right can edit, is good enough here.
        let deployment = outgoing.object_name(&name);
        let found =
            FromServer(client.clone()).get(Kind::Deployment, &namespace, &deployment).await?;
        match found.filter(|object| may_manage(Kind::Deployment, &object.metadata, &name, &uid)) {
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

/// Whether the other children can be decided on without knowing those of this kind. Pods depend on
/// the Secret, and a writer of the volume on the claim and the other Deployments.
fn is_separable(kind: Kind) -> bool {
    !matches!(kind, Kind::Secret | Kind::PersistentVolumeClaim | Kind::Deployment)
}

/// The component that writes to the volume in `mode`.
fn writer(mode: Mode) -> Component {
    match mode {
        Mode::Microservices => Component::Vacancy,
        Mode::Monolith => Component::Monolith,
    }
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
    /// The live admin token, if there is one.
    pub fn admin_token(&self, name: &str) -> Option<Vec<u8>> {
        let object = self.live.get(Kind::Secret, &admin_token(name))?;
        let secret: Secret = object.as_ref().clone().try_parse().ok()?;
        secret.data?.remove(ADMIN_TOKEN_KEY).map(|value| value.0).filter(|value| !value.is_empty())
    }

    /// Metadata of a live child.
    pub fn metadata(&self, kind: Kind, name: &str) -> Option<&ObjectMeta> {
        self.live.get(kind, name).map(|object| &object.metadata)
    }
}
