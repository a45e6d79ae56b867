//! The Ingress. It leads to ticket, or to the monolith, and never to vacancy.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};

use crate::{
    build::meta,
    kind::{Component, PORT_NAME},
    validate::System,
};

/// Paths of the public API, all of which ticket serves; other paths are not routed.
/// /api/v1/admin and /api/v1/reserve must never be listed. A prefix matches whole path elements:
/// `/api/v1/events` leads to `/api/v1/events/fair`, and not to `/api/v1/eventsX`. The pages under
/// /docs and /redoc load /openapi.json.
const PATHS: [(&str, &str); 14] = [
    ("/", "Exact"),
    ("/e", "Prefix"),
    ("/r", "Prefix"),
    ("/assets", "Prefix"),
    ("/docs", "Prefix"),
    ("/redoc", "Prefix"),
    ("/openapi.json", "Exact"),
    ("/api/v1/health", "Exact"),
    ("/api/v1/purchase", "Exact"),
    ("/api/v1/available", "Exact"),
    ("/api/v1/events", "Prefix"),
    ("/api/v1/holds", "Prefix"),
    ("/api/v1/reservations", "Prefix"),
    ("/.well-known/ticket-keys.json", "Exact"),
];

/// The Ingress to the public API, if the spec enables it.
pub fn build(system: &System) -> Option<Ingress> {
    let spec = &system.spec.ingress;
    if !spec.enabled {
        return None;
    }
    let door = &system.serving(Component::Ticket)?.name;
    let paths = PATHS
        .iter()
        .map(|(path, path_type)| HTTPIngressPath {
            path: Some((*path).to_owned()),
            path_type: (*path_type).to_owned(),
            backend: backend(door),
        })
        .collect();
    let tls = spec.tls.as_ref().map(|tls| {
        vec![IngressTLS {
            hosts: Some(vec![spec.host.clone()]),
            secret_name: Some(tls.secret_name.clone()),
        }]
    });
    let mut metadata = meta::owned(system, &system.name, None);
    metadata.annotations = (!spec.annotations.is_empty()).then(|| spec.annotations.clone());
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: spec.class_name.clone(),
            rules: Some(vec![IngressRule {
                host: Some(spec.host.clone()),
                http: Some(HTTPIngressRuleValue { paths }),
            }]),
            tls,
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn backend(service: &str) -> IngressBackend {
    let port = ServiceBackendPort { name: Some(PORT_NAME.to_owned()), ..Default::default() };
    IngressBackend {
        service: Some(IngressServiceBackend { name: service.to_owned(), port: Some(port) }),
        ..Default::default()
    }
}
