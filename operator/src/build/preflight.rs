//! The pod that checks a new template before the pods of the old one are replaced. It runs the new
//! image with the new settings and secrets, without the volume, and ends at once.

use serde_json::{Map, Value, json};

use crate::{
    kind::Component,
    labels,
    references::elements,
    validate::{System, Workload},
};

/// Subcommand of the images that validates the settings and opens nothing.
const CHECK: &str = "check";
/// Annotation with the message of the previous check of the same template.
pub const PREVIOUS_FAILURE: &str = "ticket-system.io/previous-failure";
/// Annotation with the number of checks of the same template.
pub const ATTEMPT: &str = "ticket-system.io/attempt";
/// Characters of the template's hash in the name of the pod.
const HASH_LENGTH: usize = 8;
/// Largest requests of the pod. It does no work, and must fit on a full node.
const REQUESTS: [(&str, &str); 2] = [("cpu", "10m"), ("memory", "32Mi")];

/// The label `app.kubernetes.io/component` of the pod, which no Service and no Deployment selects.
pub fn component(component: Component) -> String {
    format!("{}-check", component.as_str())
}

/// The name of the pod.
pub fn name(workload: &Workload, template_hash: &str, attempt: u32) -> String {
    let hash = &template_hash[..HASH_LENGTH.min(template_hash.len())];
    match attempt {
        0 | 1 => format!("{}-check-{hash}", workload.name),
        attempt => format!("{}-check-{hash}-{attempt}", workload.name),
    }
}

/// The pod that checks `template`. `previous` is the message of the check before it.
pub fn pod(
    system: &System,
    workload: &Workload,
    template: &Value,
    name: &str,
    attempt: u32,
    previous: Option<&str>,
) -> Value {
    let mut spec = template["spec"].clone();
    let data: Vec<Value> = elements(&spec["volumes"])
        .filter(|volume| !volume["persistentVolumeClaim"].is_null())
        .map(|volume| volume["name"].clone())
        .collect();
    if let Some(pod) = spec.as_object_mut() {
        pod.remove("topologySpreadConstraints");
        pod.insert("restartPolicy".to_owned(), json!("Never"));
        pod.insert("activeDeadlineSeconds".to_owned(), json!(system.preflight_timeout_s));
        pod.insert("terminationGracePeriodSeconds".to_owned(), json!(1));
        if let Some(volumes) = pod.get_mut("volumes").and_then(Value::as_array_mut) {
            volumes.retain(|volume| volume["persistentVolumeClaim"].is_null());
        }
        // Other pods of the system may fill the nodes that these rules allow.
        if let Some(affinity) = pod.get_mut("affinity").and_then(Value::as_object_mut) {
            affinity.remove("podAffinity");
            affinity.remove("podAntiAffinity");
        }
        let containers = pod.get_mut("containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            to_check(container, &data);
        }
    }
    let mut labels = labels::of_child(&system.name, Some(workload.component));
    labels.insert(labels::COMPONENT.to_owned(), component(workload.component));
    let mut annotations = template["metadata"]["annotations"].clone();
    if !annotations.is_object() {
        annotations = json!({});
    }
    annotations[ATTEMPT] = json!(attempt.to_string());
    if let Some(previous) = previous {
        annotations[PREVIOUS_FAILURE] = json!(previous);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": system.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [system.owner],
        },
        "spec": spec,
    })
}

fn to_check(container: &mut Map<String, Value>, data: &[Value]) {
    for field in ["startupProbe", "livenessProbe", "readinessProbe", "lifecycle", "ports"] {
        container.remove(field);
    }
    container.insert("args".to_owned(), json!([CHECK]));
    // The line that the check prints is the message of the container.
    container.insert("terminationMessagePolicy".to_owned(), json!("FallbackToLogsOnError"));
    if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
        mounts.retain(|mount| !data.contains(&mount["name"]));
    }
    let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else {
        return;
    };
    let limits = resources.get("limits").cloned().unwrap_or_default();
    let requests = resources.entry("requests").or_insert_with(|| json!({}));
    for (name, most) in REQUESTS {
        let limit = &limits[name];
        let is_small = crate::quantity::is_larger(&json!(most), limit) == Some(true);
        requests[name] = if is_small { limit.clone() } else { json!(most) };
    }
}
