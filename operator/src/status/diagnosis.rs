//! Finds out why pods are not ready: from their status, and from the response of `/ready`.

use async_trait::async_trait;
use futures::future::join_all;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{Api, Client, ResourceExt, api::ListParams};

use crate::{kind::Component, labels};

/// Most pods listed per component.
const PODS_MAX: u32 = 20;
/// Most ready pods probed per component.
const PROBED_MAX: usize = 3;
/// Most characters of a quoted message.
const DETAIL_MAX: usize = 200;

/// The response of a service to `/ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    Ready,
    /// 503, with the cause the service names.
    NotReady(String),
    Unreachable,
}

/// Probes the readiness of a service.
#[async_trait]
pub trait ReadinessProbe: Send + Sync {
    /// Requests `url`, which ends in `/ready`. The probe has a timeout and does not fail: an
    /// unreachable service is a result.
    async fn probe(&self, url: &str) -> ProbeResult;
}

/// Why pods of a component are not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// `PodsFailing` or `ServiceNotReady`.
    pub reason: &'static str,
    pub message: String,
}

/// Diagnoses one component. Returns `None` if there is no cause to report, or if pods cannot be
/// listed. Without a `probe`, only the status of the pods is used.
pub async fn diagnose(
    client: &Client,
    probe: Option<&dyn ReadinessProbe>,
    namespace: &str,
    system: &str,
    component: Component,
) -> Option<Diagnosis> {
    let pods = pods(client, namespace, system, component).await;
    if let Some(message) = pods.iter().find_map(pod_failure) {
        return Some(Diagnosis { reason: "PodsFailing", message });
    }
    // A Service does not route to pods that are not ready, so the probe uses the pod IP.
    let url = pods.iter().find_map(|pod| url(pod, component))?;
    match probe?.probe(&url).await {
        ProbeResult::NotReady(cause) => Some(not_ready(&cause)),
        ProbeResult::Ready | ProbeResult::Unreachable => None,
    }
}

/// Finds out whether the pods of a component that count as ready serve: the kubelet notices some
/// seconds later than `/ready` that they do not. Returns the cause if every pod that responds is
/// unready.
pub async fn diagnose_serving(
    client: &Client,
    probe: &dyn ReadinessProbe,
    namespace: &str,
    system: &str,
    component: Component,
) -> Option<Diagnosis> {
    let pods = pods(client, namespace, system, component).await;
    let ready = pods.iter().filter(|pod| is_ready(pod)).take(PROBED_MAX);
    let urls = ready.filter_map(|pod| url(pod, component));
    let results = join_all(urls.map(|url| async move { probe.probe(&url).await })).await;
    let mut cause = None;
    for result in results {
        match result {
            ProbeResult::NotReady(found) => cause = cause.or(Some(found)),
            ProbeResult::Ready => return None,
            ProbeResult::Unreachable => {}
        }
    }
    Some(not_ready(&cause?))
}

/// A Deployment that cannot create its pods, with the message of its controller.
pub fn not_created(message: &str) -> Diagnosis {
    let message = format!("pods cannot be created: {}", truncated(message));
    Diagnosis { reason: "PodsFailing", message }
}

fn not_ready(cause: &str) -> Diagnosis {
    Diagnosis {
        reason: "ServiceNotReady",
        message: format!("/ready returned: {}", truncated(cause)),
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn url(pod: &Pod, component: Component) -> Option<String> {
    let ip = pod.status.as_ref()?.pod_ip.as_ref()?;
    let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
    Some(format!("http://{host}:{}/ready", component.port()))
}

async fn pods(client: &Client, namespace: &str, system: &str, component: Component) -> Vec<Pod> {
    let selector = labels::query(&labels::selector(system, component));
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let mut pods = match api.list(&ListParams::default().labels(&selector).limit(PODS_MAX)).await {
        Ok(list) => list.items,
        Err(error) => {
            tracing::debug!(%error, "cannot list pods to diagnose them");
            Vec::new()
        }
    };
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
    pods.sort_by_key(ResourceExt::name_any);
    pods
}

/// Why a pod does not run. The message leaves out counters and back-off times, which would change
/// the status at every reconciliation.
fn pod_failure(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let unschedulable = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
        .map(|condition| {
            format!(
                "cannot be scheduled: {}",
                truncated(condition.message.as_deref().unwrap_or("no reason given"))
            )
        });
    unschedulable.or_else(|| status.container_statuses.iter().flatten().find_map(container_failure))
}

fn container_failure(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    match waiting.reason.as_deref()? {
        "ContainerCreating" | "PodInitializing" => None,
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            Some(format!("cannot pull image {}", container.image))
        }
        "CrashLoopBackOff" => {
            let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            let cause = last.map_or_else(String::new, |last| {
                format!(
                    ", last exit code {} ({})",
                    last.exit_code,
                    last.reason.as_deref().unwrap_or("no reason given")
                )
            });
            Some(format!("container {} keeps crashing{cause}", container.name))
        }
        reason => Some(format!(
            "container {}: {reason}: {}",
            container.name,
            truncated(waiting.message.as_deref().unwrap_or("no message"))
        )),
    }
}

/// The first characters of `text`, on one line.
pub(super) fn truncated(text: &str) -> String {
    let mut text: String = text.chars().take(DETAIL_MAX).collect();
    text.retain(|c| !c.is_control());
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "p"}, "status": status})).expect("a pod")
    }

    #[test]
    fn pod_message_is_truncated_without_control_characters() {
        let message = format!("no\n{}", "ü".repeat(300));
        let pending = json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": message}]});
        let message = pod_failure(&pod(&pending)).expect("a reason");
        assert_eq!(message, format!("cannot be scheduled: no{}", "ü".repeat(DETAIL_MAX - 3)));
    }

    #[test]
    fn failing_pods_differ_from_starting_pods() {
        let container = |state: &serde_json::Value| {
            json!({"containerStatuses": [{"name": "c", "image": "i:1", "imageID": "", "ready": false, "restartCount": 3, "state": state,
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]})
        };
        let reason = |name: &str| {
            pod_failure(&pod(&container(
                &json!({"waiting": {"reason": name, "message": "back-off 40s"}}),
            )))
        };
        assert_eq!(reason("ContainerCreating"), None);
        assert_eq!(reason("ImagePullBackOff").as_deref(), Some("cannot pull image i:1"));
        assert_eq!(
            reason("CrashLoopBackOff").as_deref(),
            Some("container c keeps crashing, last exit code 137 (OOMKilled)")
        );
        assert_eq!(
            reason("CreateContainerConfigError").as_deref(),
            Some("container c: CreateContainerConfigError: back-off 40s")
        );
        assert_eq!(pod_failure(&pod(&container(&json!({"running": {}})))), None);
        let pending = json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "no nodes"}]});
        assert_eq!(pod_failure(&pod(&pending)).as_deref(), Some("cannot be scheduled: no nodes"));
    }
}
