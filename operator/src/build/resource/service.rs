//! Services.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    build::meta,
    kind::PORT_NAME,
    labels,
    validate::{System, Workload},
};

/// The Service of one component, for access from inside the cluster.
pub fn build(system: &System, workload: &Workload) -> Service {
    Service {
        metadata: meta::owned(system, &workload.name, Some(workload.component)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(&system.name, workload.component)),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: i32::from(workload.component.port()),
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                protocol: Some("TCP".to_owned()),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        ..Default::default()
    }
}
