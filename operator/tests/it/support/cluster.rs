//! A namespace on the shared API server, with helpers to read and write its objects.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    core::{DynamicObject, Status},
};
use operator::{
    api::{TicketSystem, TicketSystemStatus},
    kind::Kind,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    apiserver::{ADMIN_TOKEN, ApiServer},
    system,
    wait::eventually,
};

/// Every test has its own namespace on this server. Only tests that break the API server start
/// another.
static SHARED: OnceCell<Arc<ApiServer>> = OnceCell::const_new();
static NAMESPACES: AtomicUsize = AtomicUsize::new(0);

pub struct Cluster {
    pub server: Arc<ApiServer>,
    pub client: Client,
    pub namespace: String,
}

impl Cluster {
    /// A new namespace on the shared API server.
    pub async fn new() -> Self {
        let server = SHARED
            .get_or_init(|| async {
                let server = ApiServer::start().await;
                install(&server).await;
                Arc::new(server)
            })
            .await;
        Self::on(Arc::clone(server)).await
    }

    /// A new namespace on `server`.
    pub async fn on(server: Arc<ApiServer>) -> Self {
        let client = Client::try_from(server.config(ADMIN_TOKEN)).expect("a client");
        let namespace = format!("test-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        // The pods of a system must satisfy the strictest standard.
        let body = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        apply_value(&client, &body).await;
        Self { server, client, namespace }
    }

    /// Two namespaces on a separate API server. An operator that watches the first has no rights in
    /// either yet.
    pub async fn pair_without_rights() -> (Self, Self) {
        let server = Arc::new(ApiServer::start().await);
        install(&server).await;
        let watched = Self::on(Arc::clone(&server)).await;
        let everywhere = Api::<ClusterRoleBinding>::all(watched.client.clone());
        everywhere
            .delete("ticket-system-operator", &DeleteParams::default())
            .await
            .expect("it is there");
        (watched, Self::on(server).await)
    }

    pub fn systems(&self) -> Api<TicketSystem> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind.api_resource())
    }

    /// Applies a resource as a user.
    pub async fn apply(&self, system: &Value) -> TicketSystem {
        self.try_apply(system).await.expect("the API server accepts it")
    }

    /// Creates the system `shop` on a database, waits until it is ready, and returns its `storage`.
    pub async fn shop_on_a_database(&self) -> Value {
        self.secret("db", "uri", "postgresql://a:b@db/c").await;
        let storage = json!({"postgres": {"secretRef": {"name": "db"}}});
        self.apply(&system("shop", json!({"storage": storage}))).await;
        self.condition("shop", "Ready", "True").await;
        storage
    }

    /// Applies a resource, or returns the status with which the API server rejects it.
    pub async fn try_apply(&self, system: &Value) -> Result<TicketSystem, Status> {
        let name = system["metadata"]["name"].as_str().expect("a name");
        match self
            .systems()
            .patch(name, &PatchParams::apply("person").force(), &Patch::Apply(system))
            .await
        {
            Ok(system) => Ok(system),
            Err(kube::Error::Api(status)) => Err(*status),
            Err(error) => panic!("{error}"),
        }
    }

    /// The name of an object. A ConfigMap is meant by the name of the Deployment that reads it.
    pub async fn name(&self, kind: Kind, name: &str) -> String {
        if kind != Kind::ConfigMap {
            return name.to_owned();
        }
        let deployment = self.find_exactly(Kind::Deployment, name).await;
        let reference = "/spec/template/spec/containers/0/envFrom/0/configMapRef/name";
        deployment
            .and_then(|found| Some(found.data.pointer(reference)?.as_str()?.to_owned()))
            .unwrap_or_else(|| name.to_owned())
    }

    pub async fn delete(&self, kind: Kind, name: &str) {
        let name = &self.name(kind, name).await;
        self.api(kind).delete(name, &DeleteParams::background()).await.expect("it is deleted");
    }

    /// The object, which must exist.
    pub async fn get(&self, kind: Kind, name: &str) -> DynamicObject {
        self.find(kind, name).await.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    pub async fn find(&self, kind: Kind, name: &str) -> Option<DynamicObject> {
        let name = self.name(kind, name).await;
        self.find_exactly(kind, &name).await
    }

    pub async fn find_exactly(&self, kind: Kind, name: &str) -> Option<DynamicObject> {
        self.api(kind).get_opt(name).await.expect("the API server answers")
    }

    /// Names of all children as `Kind/name`, sorted. ConfigMaps have the name without the hash.
    pub async fn children(&self) -> Vec<String> {
        let mut names = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::ServiceMonitor) {
            let selector =
                ListParams::default().labels("app.kubernetes.io/managed-by=ticket-system-operator");
            for object in self.api(kind).list(&selector).await.expect("a list") {
                let name = object.name_any();
                let plain = name.rsplit_once('-').filter(|_| kind == Kind::ConfigMap);
                names.push(format!("{kind}/{}", plain.map_or(name.as_str(), |(plain, _)| plain)));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    pub async fn status(&self, name: &str) -> TicketSystemStatus {
        self.systems().get(name).await.expect("the resource").status.unwrap_or_default()
    }

    /// Waits until a condition has this status, and returns its reason and message.
    pub async fn condition(&self, name: &str, type_: &str, status: &str) -> (String, String) {
        eventually(&format!("{name} {type_}={status}"), || async {
            let system = self.systems().get(name).await.expect("the resource");
            let found = system.status.unwrap_or_default();
            let condition = found.conditions.iter().find(|condition| condition.type_ == type_);
            match condition {
                Some(condition)
                    if condition.status == status
                        && condition.observed_generation == system.metadata.generation =>
                {
                    Ok((condition.reason.clone(), condition.message.clone()))
                }
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// Waits until a condition is true and returns its reason and message. The spec of the resource
    /// may be unreadable.
    pub async fn raw_condition(&self, name: &str, type_: &str) -> (String, String) {
        let resource = kube::core::ApiResource::erase::<TicketSystem>(&());
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        eventually(&format!("{name} {type_}"), || async {
            let system = api.get(name).await.expect("the resource");
            let conditions = system
                .data
                .pointer("/status/conditions")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let text = |condition: &Value, key: &str| {
                condition[key].as_str().unwrap_or_default().to_owned()
            };
            match conditions
                .iter()
                .find(|condition| condition["type"] == type_ && condition["status"] == "True")
            {
                Some(condition) => Ok((text(condition, "reason"), text(condition, "message"))),
                None => Err(system.data),
            }
        })
        .await
    }

    /// Reasons and notes of the events about a resource.
    pub async fn events(&self, name: &str) -> Vec<(String, String)> {
        let api: Api<k8s_openapi::api::events::v1::Event> =
            Api::namespaced(self.client.clone(), &self.namespace);
        let events = api.list(&ListParams::default()).await.expect("events");
        let about = |event: &k8s_openapi::api::events::v1::Event| {
            event.regarding.as_ref().and_then(|about| about.name.clone()).as_deref() == Some(name)
        };
        events
            .into_iter()
            .filter(about)
            .map(|event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default()))
            .collect()
    }

    /// Waits for an event about `name` whose note has `note`: events are written after the status.
    pub async fn has_event(&self, name: &str, reason: &str, note: &str) {
        eventually(&format!("event {reason} about {name}"), || async {
            let events = self.events(name).await;
            let is_found =
                events.iter().any(|(found, text)| found == reason && text.contains(note));
            if is_found { Ok(()) } else { Err(events) }
        })
        .await;
    }

    /// Creates a Secret.
    pub async fn secret(&self, name: &str, key: &str, value: &str) {
        let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: value}});
        let secret: DynamicObject = serde_json::from_value(body.clone()).expect("a Secret");
        match self.api(Kind::Secret).create(&PostParams::default(), &secret).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                self.api(Kind::Secret)
                    .patch(name, &PatchParams::default(), &Patch::Merge(&body))
                    .await
                    .expect("it is changed");
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Changes an object by merge patch, as another field manager.
    pub async fn edit(&self, kind: Kind, name: &str, patch: Value) -> DynamicObject {
        let params =
            PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..Default::default() };
        let name = &self.name(kind, name).await;
        self.api(kind).patch(name, &params, &Patch::Merge(patch)).await.expect("it is edited")
    }
}

/// Installs the CRD and everything in `k8s/operator` except the Deployment.
pub async fn install(server: &ApiServer) {
    let client = Client::try_from(server.config(ADMIN_TOKEN)).expect("a client");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in [
        "k8s/operator/namespace.yaml",
        "crds/ticketsystems.ticket-system.io.yaml",
        "k8s/operator/rbac.yaml",
        "k8s/operator/admission.yaml",
    ] {
        let text = std::fs::read_to_string(root.join(file)).expect(file);
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).expect(file);
        for document in documents {
            apply_value(&client, &document).await;
        }
    }
    let systems: Api<TicketSystem> = Api::namespaced(client.clone(), "default");
    eventually("the TicketSystem kind is served", || async {
        systems.list(&ListParams::default()).await.map_err(|error| error.to_string())
    })
    .await;
    until_storage_policy_holds(&systems).await;
}

/// Waits until the API server enforces the new admission policy.
async fn until_storage_policy_holds(systems: &Api<TicketSystem>) {
    let probe = super::system("probe", json!({}));
    systems
        .patch("probe", &PatchParams::apply("probe"), &Patch::Apply(&probe))
        .await
        .expect("the probe is made");
    let moved =
        super::system("probe", json!({"storage": {"postgres": {"secretRef": {"name": "x"}}}}));
    let dry_run = PatchParams { dry_run: true, ..PatchParams::apply("probe") };
    eventually("the storage policy is enforced", || async {
        match systems.patch("probe", &dry_run, &Patch::Apply(&moved)).await {
            Ok(_) => Err("not yet"),
            Err(_) => Ok(()),
        }
    })
    .await;
    systems.delete("probe", &DeleteParams::default()).await.expect("the probe goes");
}

pub async fn apply_value(client: &Client, body: &Value) {
    let object: DynamicObject = serde_json::from_value(body.clone()).expect("an object");
    let types = object.types.clone().expect("a kind");
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    let gvk = kube::core::GroupVersionKind::gvk(group, version, &types.kind);
    let resource = kube::core::ApiResource::from_gvk(&gvk);
    let api: Api<DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let name = object.name_any();
    api.patch(&name, &PatchParams::apply("install").force(), &Patch::Apply(body))
        .await
        .unwrap_or_else(|error| panic!("{} {name}: {error}", types.kind));
}
