//! Why pods are not ready: what Kubernetes says of them, and what the service itself answers under
//! /ready.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{Api, Client, ResourceExt, api::ListParams};

use crate::{build::labels, kind::Component};

/// Pods looked at per component.
const PODS_MAX: u32 = 20;
/// Longest reason a message repeats.
const DETAIL_MAX: usize = 200;

/// What a service answered under /ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Ready,
    /// 503, with what the service says is missing.
    NotReady(String),
    Unreachable,
}

/// Asks a service whether it is ready.
#[async_trait]
pub trait ReadinessProbe: Send + Sync {
    /// Asks `url`, which ends in `/ready`. Never waits long, never fails: an unreachable service is
    /// an answer too.
    async fn ask(&self, url: &str) -> Answer;
}

/// Why a component does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `PodsFailing` or `ServiceNotReady`.
    pub reason: &'static str,
    pub message: String,
}

/// Looks for a reason; finding none is no error, and neither is not being allowed to look. Without
/// a `probe` only what Kubernetes says of the pods counts.
pub async fn explain(
    client: &Client,
    probe: Option<&dyn ReadinessProbe>,
    namespace: &str,
    system: &str,
    component: Component,
) -> Option<Explanation> {
    let pods = pods(client, namespace, system, component).await;
    if let Some(message) = pods.iter().find_map(failing) {
        return Some(Explanation { reason: "PodsFailing", message });
    }
    // A pod that is not ready is no endpoint of its Service, so it is asked directly.
    let ip = pods.iter().find_map(|pod| pod.status.as_ref()?.pod_ip.as_ref())?;
    let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
    match probe?.ask(&format!("http://{host}:{}/ready", component.port())).await {
        Answer::NotReady(why) => Some(Explanation {
            reason: "ServiceNotReady",
            message: format!("/ready answers: {}", shortened(&why)),
        }),
        Answer::Ready | Answer::Unreachable => None,
    }
}

async fn pods(client: &Client, namespace: &str, system: &str, component: Component) -> Vec<Pod> {
    let selector = labels::text(&labels::selector(system, component));
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let mut pods = match api.list(&ListParams::default().labels(&selector).limit(PODS_MAX)).await {
        Ok(list) => list.items,
        Err(error) => {
            tracing::debug!(%error, "cannot list pods to explain why they are not ready");
            Vec::new()
        }
    };
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
    pods.sort_by_key(ResourceExt::name_any);
    pods
}

/// What keeps a pod from running. Only what stays the same while nothing changes: counters and
/// back-off times in a message would make every look a new status.
fn failing(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let unschedulable = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
        .map(|condition| {
            format!(
                "cannot be scheduled: {}",
                shortened(condition.message.as_deref().unwrap_or("no reason given"))
            )
        });
    unschedulable.or_else(|| status.container_statuses.iter().flatten().find_map(waiting))
}

fn waiting(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    match waiting.reason.as_deref()? {
        "ContainerCreating" | "PodInitializing" => None,
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            Some(format!("cannot pull image {}", container.image))
        }
        "CrashLoopBackOff" => {
            let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            let why = last.map_or_else(String::new, |last| {
                format!(
                    ", last with exit code {} ({})",
                    last.exit_code,
                    last.reason.as_deref().unwrap_or("no reason given")
                )
            });
            Some(format!("container {} keeps crashing{why}", container.name))
        }
        reason => Some(format!(
            "container {}: {reason}: {}",
            container.name,
            shortened(waiting.message.as_deref().unwrap_or("no message"))
        )),
    }
}

fn shortened(text: &str) -> String {
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
    fn what_a_pod_says_is_cut_off_and_has_no_control_characters() {
        let said = format!("no\n{}", "ü".repeat(300));
        let pending =
            json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": said}]});
        let message = failing(&pod(&pending)).expect("a reason");
        assert_eq!(message, format!("cannot be scheduled: no{}", "ü".repeat(DETAIL_MAX - 3)));
    }

    #[test]
    fn failing_pods_are_told_from_starting_ones() {
        let container = |state: &serde_json::Value| {
            json!({"containerStatuses": [{"name": "c", "image": "i:1", "imageID": "", "ready": false, "restartCount": 3, "state": state,
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]})
        };
        let reason = |name: &str| {
            failing(&pod(&container(
                &json!({"waiting": {"reason": name, "message": "back-off 40s"}}),
            )))
        };
        assert_eq!(reason("ContainerCreating"), None);
        assert_eq!(reason("ImagePullBackOff").as_deref(), Some("cannot pull image i:1"));
        assert_eq!(
            reason("CrashLoopBackOff").as_deref(),
            Some("container c keeps crashing, last with exit code 137 (OOMKilled)")
        );
        assert_eq!(
            reason("CreateContainerConfigError").as_deref(),
            Some("container c: CreateContainerConfigError: back-off 40s")
        );
        assert_eq!(failing(&pod(&container(&json!({"running": {}})))), None);
        let pending = json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "no nodes"}]});
        assert_eq!(failing(&pod(&pending)).as_deref(), Some("cannot be scheduled: no nodes"));
    }
}
