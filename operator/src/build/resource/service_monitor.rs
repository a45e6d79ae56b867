use serde_json::{Value, json};

use crate::{
    build::{labels, meta, pod::PORT_NAME},
    kind::Kind,
    validate::System,
};

/// Tells the Prometheus operator to scrape every service of the system. The kind is not part of
/// Kubernetes, hence JSON.
pub fn build(system: &System) -> Option<Value> {
    if !system.service_monitor {
        return None;
    }
    let monitoring = &system.spec.monitoring;
    let mut metadata = meta::owned(system, &system.name, None);
    // Own labels win: without them the child would no longer be recognised.
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
                // The services' own label `service` is which of them it is; it would be set aside for the Service's name.
                "honorLabels": true,
                // What dashboards and alerts tell systems apart by.
                "relabelings": [{
                    "sourceLabels": ["__meta_kubernetes_service_label_app_kubernetes_io_instance"],
                    "targetLabel": "system",
                }],
            }],
        },
    }))
}
