//! Services: one per component, and a headless one for the calls from ticket to several vacancy
//! pods.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    build::meta,
    kind::{self, Component, PORT_NAME},
    labels,
    validate::{System, Workload},
};

const NO_CLUSTER_IP: &str = "None";
const ENDPOINTS_PORT_NAME: &str = "http-endpoints";

/// The Services of one component.
pub fn build(system: &System, workload: &Workload) -> Vec<Service> {
    let service = of(system, workload.component);
    let endpoints = workload.is_balanced_by_ticket().then(|| headless(system, &service));
    [Some(service), endpoints].into_iter().flatten().collect()
}

/// The Service for access from inside the cluster.
fn of(system: &System, component: Component) -> Service {
    let name = component.object_name(&system.name);
    Service {
        metadata: meta::owned(system, &name, Some(component)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(&system.name, component)),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: i32::from(component.port()),
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                protocol: Some("TCP".to_owned()),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The Service of vacancy while the monolith has the stock: it selects the pods of the monolith.
pub fn bridge(system: &System) -> Service {
    let mut service = of(system, Component::Vacancy);
    if let Some(spec) = &mut service.spec {
        spec.selector = Some(labels::selector(&system.name, Component::Monolith));
    }
    service
}

/// The headless Service of the same pods: its name resolves to the addresses of those that are
/// ready. Ticket spreads its calls over them; behind a cluster IP, its connections would all stay
/// with the pods that were there first. The other Service stays, because a Service cannot become
/// headless.
fn headless(system: &System, service: &Service) -> Service {
    let mut headless = service.clone();
    headless.metadata.name = Some(kind::endpoints(&system.name));
    if let Some(spec) = &mut headless.spec {
        spec.cluster_ip = Some(NO_CLUSTER_IP.to_owned());
        // The ServiceMonitor selects by the name of the port, and must not scrape the pods twice.
        for port in spec.ports.iter_mut().flatten() {
            port.name = Some(ENDPOINTS_PORT_NAME.to_owned());
        }
    }
    headless
}
