//! What pods that are not ready say about the cause.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use kube::{Api, Client, api::ListParams};

use crate::{
    labels,
    validate::{System, Workload},
};

/// Most pods listed.
const PODS_MAX: u32 = 20;
/// Most characters of a quoted message.
const DETAIL_MAX: usize = 300;

/// The cause that a pod of `workload` gives for not being ready, if there is one.
pub(super) async fn of_pods(
    client: &Client,
    system: &System,
    workload: &Workload,
) -> Result<Option<String>, kube::Error> {
    let selector = labels::query(&labels::selector(&system.name, workload.component));
    let api: Api<Pod> = Api::namespaced(client.clone(), &system.namespace);
    let pods = api.list(&ListParams::default().labels(&selector).limit(PODS_MAX)).await?.items;
    let live = || pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    Ok(live().find_map(of_pod))
}

fn of_pod(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let containers = status.container_statuses.iter().flatten().find_map(of_container);
    containers
        .or_else(|| unscheduled(status))
        .or_else(|| Some(format!("it is not ready: {}", refusal(status, "Ready")?)))
        .map(|text| one_line(&text))
}

/// Why the pod has no node.
pub(super) fn unscheduled(status: &PodStatus) -> Option<String> {
    Some(format!("it cannot be scheduled: {}", refusal(status, "PodScheduled")?))
}

/// The message of a condition that is false.
fn refusal<'a>(status: &'a PodStatus, type_: &str) -> Option<&'a str> {
    let mut all = status.conditions.iter().flatten();
    let found = all.find(|condition| condition.type_ == type_ && condition.status == "False")?;
    found.message.as_deref()
}

fn of_container(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref();
    let last = container.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()).or(last) {
        let reason = ended.reason.as_deref().unwrap_or("Error");
        let lines = ended.message.as_deref().unwrap_or_default().lines();
        let said = lines.map(str::trim).rfind(|line| !line.is_empty()).unwrap_or(reason);
        return Some(format!("exit code {}: {said}", ended.exit_code));
    }
    let waiting = state?.waiting.as_ref()?;
    match waiting.reason.as_deref()? {
        "ContainerCreating" | "PodInitializing" => None,
        reason => Some(format!("{reason}: {}", waiting.message.as_deref().unwrap_or_default())),
    }
}

/// The first characters of `text`, on one line.
pub(super) fn one_line(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DETAIL_MAX).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(status: &Value) -> Option<String> {
        let pod = json!({"metadata": {"name": "p"}, "status": status});
        of_pod(&serde_json::from_value(pod).expect("a pod"))
    }

    fn container(state: &Value, last: &Value) -> Value {
        json!({"containerStatuses": [{"name": "vacancy", "image": "v:2", "imageID": "",
            "ready": false, "restartCount": 3, "state": state, "lastState": last}]})
    }

    #[test]
    fn last_line_of_a_crashed_container_is_quoted() {
        let ended = |message: &str| json!({"terminated": {"exitCode": 2, "reason": "Error", "message": message}});
        let crashes = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}});
        let said = "starting\nDATA_DIR: the store is of a newer version\n\n";
        let expected = Some("exit code 2: DATA_DIR: the store is of a newer version".to_owned());
        assert_eq!(of(&container(&crashes, &ended(said))), expected);
        assert_eq!(of(&container(&ended(said), &json!({}))), expected);
        assert_eq!(
            of(&container(&ended(""), &json!({}))).as_deref(),
            Some("exit code 2: Error"),
            "nothing was said"
        );
        let long = of(&container(&ended(&"x".repeat(9000)), &json!({}))).expect("words");
        assert_eq!(long.len(), DETAIL_MAX);
    }

    #[test]
    fn pods_that_never_ran_are_explained() {
        let waiting =
            |reason: &str| json!({"waiting": {"reason": reason, "message": "no such tag"}});
        assert_eq!(
            of(&container(&waiting("ErrImagePull"), &json!({}))).as_deref(),
            Some("ErrImagePull: no such tag")
        );
        assert_eq!(of(&container(&waiting("ContainerCreating"), &json!({}))), None);
        let condition = |type_: &str, message: &str| json!({"conditions": [{"type": type_, "status": "False", "message": message}]});
        assert_eq!(
            of(&condition("PodScheduled", "0/3 nodes")).as_deref(),
            Some("it cannot be scheduled: 0/3 nodes")
        );
        assert_eq!(
            of(&condition("Ready", "containers with unready status: [vacancy]")).as_deref(),
            Some("it is not ready: containers with unready status: [vacancy]")
        );
        assert_eq!(of(&json!({"phase": "Running"})), None);
    }
}
