//! The Ingress.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};

use crate::{
    build::meta,
    kind::{Component, PORT_NAME},
    validate::System,
};

/// Routes of the public API; other paths are not routed. /api/v1/admin and /api/v1/reserve must
/// never be listed. The pages under /docs and /redoc load /openapi.json.
const ROUTES: [(&str, &str, Component); 9] = [
    ("/", "Exact", Component::Ticket),
    ("/docs", "Prefix", Component::Ticket),
    ("/redoc", "Prefix", Component::Ticket),
    ("/openapi.json", "Exact", Component::Ticket),
    ("/api/v1/health", "Exact", Component::Ticket),
    ("/api/v1/purchase", "Prefix", Component::Ticket),
    ("/api/v1/available", "Exact", Component::Vacancy),
    ("/api/v1/events", "Prefix", Component::Vacancy),
    ("/api/v1/holds", "Prefix", Component::Vacancy),
];

/// The Ingress to the public API, if the spec enables it.
pub fn build(system: &System) -> Option<Ingress> {
    let spec = &system.spec.ingress;
    if !spec.enabled {
        return None;
    }
    let paths = ROUTES
        .iter()
        .filter_map(|(path, path_type, component)| {
            let backend = backend(&system.serving(*component)?.name);
            Some(HTTPIngressPath {
                path: Some((*path).to_owned()),
                path_type: (*path_type).to_owned(),
                backend,
            })
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
