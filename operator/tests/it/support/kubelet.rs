//! A stub of the Deployment controller, the kubelet and the garbage collector of one namespace:
//! Deployments become ready, and objects that wait for their dependents are deleted.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject},
};
use operator::kind::Kind;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Cluster, at};

const PERIOD: Duration = Duration::from_millis(50);

pub struct Kubelet {
    /// Whether pods become ready.
    pub pods_ready: Arc<AtomicBool>,
    /// Whether ready pods stay ready while new ones do not become ready.
    pub pods_keep: Arc<AtomicBool>,
    /// Whether deleted pods end.
    pub pods_go: Arc<AtomicBool>,
    /// Whether the status of Deployments is reported at all.
    pub tends: Arc<AtomicBool>,
    /// The status of pods that check a template.
    pub checks: Arc<Mutex<Value>>,
    task: JoinHandle<()>,
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts the stub.
pub fn start(cluster: &Cluster) -> Kubelet {
    let pods_ready = Arc::new(AtomicBool::new(true));
    let pods_keep = Arc::new(AtomicBool::new(false));
    let pods_go = Arc::new(AtomicBool::new(true));
    let tends = Arc::new(AtomicBool::new(true));
    let is_tended = Arc::clone(&tends);
    let checks = Arc::new(Mutex::new(json!({"phase": "Succeeded"})));
    let result = Arc::clone(&checks);
    let pods: Api<DynamicObject> = Api::namespaced_with(
        cluster.client.clone(),
        &cluster.namespace,
        &ApiResource::erase::<Pod>(&()),
    );
    let api = cluster.api(Kind::Deployment);
    let (ready, keep, go) = (Arc::clone(&pods_ready), Arc::clone(&pods_keep), Arc::clone(&pods_go));
    let task = tokio::spawn(async move {
        loop {
            // The API server may be down.
            if is_tended.load(Ordering::Relaxed)
                && let Ok(list) = api.list(&ListParams::default()).await
            {
                for deployment in list {
                    let was_ready =
                        at(&deployment, "/status/readyReplicas").as_i64().unwrap_or(0) > 0;
                    let ready = ready.load(Ordering::Relaxed)
                        || (keep.load(Ordering::Relaxed) && was_ready);
                    tend(&api, &deployment, ready, go.load(Ordering::Relaxed)).await;
                }
            }
            let status = result.lock().expect("the result").clone();
            run_checks(&pods, &status).await;
            tokio::time::sleep(PERIOD).await;
        }
    });
    Kubelet { pods_ready, pods_keep, pods_go, tends, checks, task }
}

/// Ends the pods that check a template with this status.
async fn run_checks(pods: &Api<DynamicObject>, status: &Value) {
    let checks = "app.kubernetes.io/component in (ticket-check,vacancy-check,monolith-check)";
    let Ok(list) = pods.list(&ListParams::default().labels(checks)).await else { return };
    for pod in list {
        if pod.data["status"]["phase"] == "Pending" && *status != json!({}) {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            let body = Patch::Merge(json!({"status": status}));
            let _ = pods.patch_status(name, &PatchParams::default(), &body).await;
        }
    }
}

async fn tend(api: &Api<DynamicObject>, deployment: &DynamicObject, ready: bool, go: bool) {
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    if deployment.metadata.deletion_timestamp.is_some() {
        if go {
            let _ = api
                .patch(
                    name,
                    &PatchParams::default(),
                    &Patch::Merge(json!({"metadata": {"finalizers": null}})),
                )
                .await;
        }
        return;
    }
    let replicas = at(deployment, "/spec/replicas").as_i64().unwrap_or(1);
    let up = if ready { replicas } else { 0 };
    let status = json!({
        "observedGeneration": deployment.metadata.generation,
        "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": up, "availableReplicas": up, "unavailableReplicas": replicas - up,
    });
    let differs = status.as_object().into_iter().flatten().any(|(key, value)| {
        at(deployment, &format!("/status/{key}")).as_i64().unwrap_or(0)
            != value.as_i64().unwrap_or(0)
    });
    if differs {
        let _ = api
            .patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": status})))
            .await;
    }
}
