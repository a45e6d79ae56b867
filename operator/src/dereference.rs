//! Step one of a reconciliation: read the live children of a resource and everything it refers to.

use std::sync::Arc;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    api::ListParams,
    core::{ApiResource, DynamicObject, ObjectMeta, TypeMeta},
};

pub use crate::live::Live;
use crate::{
    api::{Mode, TicketSystem},
    claim_record::ClaimRecord,
    kind::{Component, Kind, claim},
    labels,
    ownership::{may_manage, may_use},
    role::{Role, TOKEN_KEY},
    signing_keys::{self, KEYS_KEY},
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

    /// The ConfigMaps with the labels of the system `name`.
    async fn config_maps(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Vec<Arc<DynamicObject>>, kube::Error>;

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

    async fn config_maps(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Vec<Arc<DynamicObject>>, kube::Error> {
        let kind = Kind::ConfigMap;
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.0.clone(), namespace, &kind.api_resource());
        let labels = labels::query(&labels::of_child(name, None));
        let list = api.list(&ListParams::default().labels(&labels)).await?;
        // The items of a list have no kind.
        let ApiResource { api_version, kind, .. } = kind.api_resource();
        let types = Some(TypeMeta { api_version, kind });
        let typed = |object| Arc::new(DynamicObject { types: types.clone(), ..object });
        Ok(list.items.into_iter().map(typed).collect())
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
        if kind == Kind::ConfigMap {
            let found = match children.config_maps(&namespace, &name).await {
                Err(kube::Error::Api(status)) if status.code == 403 => {
                    live.deny(kind, status.message.clone());
                    continue;
                }
                found => found?,
            };
            for object in found {
                if may_manage(kind, &object.metadata, &name, &uid) {
                    live.insert(kind, object.name_any(), object);
                }
            }
            continue;
        }
        for child in kind.names(&name) {
            let found = match children.get(kind, &namespace, &child).await {
                Err(kube::Error::Api(status)) if status.code == 403 && is_separable(kind) => {
                    live.deny(kind, status.message.clone());
                    break;
                }
                found => found?,
            };
            let usable = |object: &Arc<DynamicObject>| may_use(kind, &object.metadata, &name, &uid);
            if let Some(object) = found.filter(usable) {
                live.insert(kind, child, object);
            }
        }
    }
    if !uses_database(system) {
        confirm_claim(system, client, &mut live).await?;
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
/// the Secrets, and a writer of the volume on the claim and the other Deployments.
fn is_separable(kind: Kind) -> bool {
    !matches!(kind, Kind::Secret | Kind::PersistentVolumeClaim | Kind::Deployment)
}

fn uses_database(system: &TicketSystem) -> bool {
    system.spec.storage.as_ref().is_some_and(|storage| storage.postgres.is_some())
}

/// Reads the claim and its record again if they do not match. A stale cache, or a claim without its
/// labels, must not pass for a lost volume.
async fn confirm_claim(
    system: &TicketSystem,
    client: &Client,
    live: &mut Live,
) -> Result<(), kube::Error> {
    let (name, namespace) = (system.name_any(), system.namespace().unwrap_or_default());
    let uid = system.uid().unwrap_or_default();
    let (kind, claim) = (Kind::PersistentVolumeClaim, claim(&name));
    let cached = live.get(kind, &claim).cloned();
    if ClaimRecord::read(system, live).is_of(cached.as_deref()) {
        return Ok(());
    }
    let server = FromServer(client.clone());
    if let Some(account) = server.get(Kind::ServiceAccount, &namespace, &name).await?
        && may_manage(Kind::ServiceAccount, &account.metadata, &name, &uid)
    {
        live.insert(Kind::ServiceAccount, name.clone(), account);
    }
    let record = ClaimRecord::read(system, live);
    let found = server.get(kind, &namespace, &claim).await?;
    let usable = |object: &Arc<DynamicObject>| {
        may_manage(kind, &object.metadata, &name, &uid) || record.is_of(Some(object))
    };
    match found.filter(usable) {
        Some(found) => live.insert(kind, claim, found),
        None => live.remove(kind, &claim),
    }
    Ok(())
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
    /// The live tokens of `role`, if there are any.
    pub fn tokens(&self, role: Role, name: &str) -> Option<Vec<u8>> {
        self.value_of(&role.secret(name), TOKEN_KEY)
    }

    /// The live signing keys, if there are any.
    pub fn signing_keys(&self, name: &str) -> Option<Vec<u8>> {
        self.value_of(&signing_keys::secret(name), KEYS_KEY)
    }

    fn value_of(&self, secret: &str, key: &str) -> Option<Vec<u8>> {
        let object = self.live.get(Kind::Secret, secret)?;
        let secret: Secret = object.as_ref().clone().try_parse().ok()?;
        secret.data?.remove(key).map(|value| value.0).filter(|value| !value.is_empty())
    }

    /// Metadata of a live child.
    pub fn metadata(&self, kind: Kind, name: &str) -> Option<&ObjectMeta> {
        self.live.get(kind, name).map(|object| &object.metadata)
    }
}
