//! Plays the Deployment controller, the kubelet and the garbage collector of one namespace, as far as the operator can see
//! them: Deployments become ready, and what was deleted with its dependents goes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
    core::DynamicObject,
};
use operator::kind::Kind;
use serde_json::json;
use tokio::task::JoinHandle;

use super::{Cluster, at};

const PERIOD: Duration = Duration::from_millis(50);

pub struct Kubelet {
    /// Whether pods become ready.
    pub pods_ready: Arc<AtomicBool>,
    /// Whether pods that are deleted go.
    pub pods_go: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts it.
pub fn start(cluster: &Cluster) -> Kubelet {
    let pods_ready = Arc::new(AtomicBool::new(true));
    let pods_go = Arc::new(AtomicBool::new(true));
    let api = cluster.api(Kind::Deployment);
    let (ready, go) = (Arc::clone(&pods_ready), Arc::clone(&pods_go));
    let task = tokio::spawn(async move {
        loop {
            // An API server that is down is down for the kubelet as well.
            if let Ok(list) = api.list(&ListParams::default()).await {
                for deployment in list {
                    tend(&api, &deployment, ready.load(Ordering::Relaxed), go.load(Ordering::Relaxed)).await;
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    });
    Kubelet { pods_ready, pods_go, task }
}

async fn tend(api: &Api<DynamicObject>, deployment: &DynamicObject, ready: bool, go: bool) {
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    if deployment.metadata.deletion_timestamp.is_some() {
        if go {
            let _ = api.patch(name, &PatchParams::default(), &Patch::Merge(json!({"metadata": {"finalizers": null}}))).await;
        }
        return;
    }
    let replicas = at(deployment, "/spec/replicas").as_i64().unwrap_or(1);
    let up = if ready { replicas } else { 0 };
    let status = json!({
        "observedGeneration": deployment.metadata.generation,
        "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": up, "availableReplicas": up, "unavailableReplicas": replicas - up,
    });
    let differs = status
        .as_object()
        .into_iter()
        .flatten()
        .any(|(key, value)| at(deployment, &format!("/status/{key}")).as_i64().unwrap_or(0) != value.as_i64().unwrap_or(0));
    if differs {
        let _ = api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await;
    }
}
