//! The ServiceMonitor for the Prometheus operator.

use serde_json::{Value, json};

use crate::{
    build::meta,
    kind::{Kind, PORT_NAME},
    labels,
    validate::System,
};

/// Makes the Prometheus operator scrape every service of the system. The body is plain JSON because
/// the kind is not part of Kubernetes.
pub fn build(system: &System) -> Option<Value> {
    if !system.service_monitor {
        return None;
    }
    let monitoring = &system.spec.monitoring;
    let mut metadata = meta::owned(system, &system.name, None);
    // The operator identifies the child by its own labels, so they take precedence.
    let mut all = monitoring.labels.clone();
    all.extend(metadata.labels.take().unwrap_or_default());
    metadata.labels = Some(all);
    let resource = Kind::ServiceMonitor.api_resource();
    Some(json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": metadata,
        "spec": {
            "selector": { "matchLabels": labels::of_system(&system.name) },
            "endpoints": [{
                "port": PORT_NAME,
                "path": "/metrics",
                "interval": format!("{}s", monitoring.interval_seconds),
                // Keeps the metrics' own label `service`, which Prometheus would otherwise replace
                // with the name of the Service.
                "honorLabels": true,
                // Dashboards and alerts group by this label.
                "relabelings": [{
                    "sourceLabels": ["__meta_kubernetes_service_label_app_kubernetes_io_instance"],
                    "targetLabel": "system",
                }],
            }],
        },
    }))
}
