//! The pod template. If it renders differently for an unchanged spec, upgrading the operator rolls
//! every pod of every system. The snapshot tests make such a change visible.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMap, ConfigMapEnvSource, Container, ContainerPort, EnvFromSource,
        LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, SeccompProfile,
        SecurityContext, TopologySpreadConstraint,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::core::ObjectMeta;

use super::{checksum, environment, probes, volumes};
use crate::{
    kind::{Component, PORT_NAME},
    labels,
    validate::{System, Workload},
};

const CONFIG_CHECKSUM: &str = "ticket-system.io/config-checksum";
/// Unprivileged user and group of the images.
const USER: i64 = 65532;
/// Seconds between the pod's own shutdown deadline and the kubelet's SIGKILL.
const GRACE_MARGIN_S: i64 = 9;

/// The pod template of one component.
pub fn template(system: &System, workload: &Workload, config: &ConfigMap) -> PodTemplateSpec {
    // Ticket does not read the Secrets of the system. The admin token is a file that pods read
    // again.
    let secrets = if workload.component == Component::Ticket { "" } else { &system.secrets_digest };
    let mut annotations = workload.spec.pod_annotations.clone();
    annotations.insert(CONFIG_CHECKSUM.to_owned(), checksum::of_config(config, secrets));
    let metadata = ObjectMeta {
        labels: Some(labels::of_child(&system.name, Some(workload.component))),
        annotations: Some(annotations),
        ..Default::default()
    };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(pod(system, workload, config)) }
}

fn pod(system: &System, workload: &Workload, config: &ConfigMap) -> PodSpec {
    let spec = &workload.spec;
    let secrets = &system.spec.images.pull_secrets;
    let user = (!system.spec.security.platform_ids).then_some(USER);
    PodSpec {
        service_account_name: Some(system.name.clone()),
        automount_service_account_token: Some(false),
        // Service links would add variables such as SHOP_TICKET_PORT to the environment.
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: user,
            run_as_group: user,
            fs_group: user,
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        termination_grace_period_seconds: Some(
            probes::pre_stop_s(workload) + environment::SHUTDOWN_TIMEOUT_S + GRACE_MARGIN_S,
        ),
        image_pull_secrets: non_empty(
            secrets.iter().map(|name| LocalObjectReference { name: name.clone() }).collect(),
        ),
        node_selector: (!spec.node_selector.is_empty()).then(|| spec.node_selector.clone()),
        tolerations: non_empty(spec.tolerations.clone()),
        affinity: spec.affinity.clone(),
        topology_spread_constraints: non_empty(topology_spread(system, workload)),
        volumes: non_empty(volumes::volumes(system, workload)),
        containers: vec![container(system, workload, config)],
        ..Default::default()
    }
}

fn container(system: &System, workload: &Workload, config: &ConfigMap) -> Container {
    let config = ConfigMapEnvSource {
        name: config.metadata.name.clone().unwrap_or_default(),
        ..Default::default()
    };
    Container {
        name: workload.component.as_str().to_owned(),
        image: Some(workload.image.clone()),
        image_pull_policy: Some(system.spec.images.pull_policy.as_str().to_owned()),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: i32::from(workload.component.port()),
            protocol: Some("TCP".to_owned()),
            ..Default::default()
        }]),
        env_from: Some(vec![EnvFromSource { config_map_ref: Some(config), ..Default::default() }]),
        env: non_empty(environment::variables(system, workload)),
        resources: Some(workload.resources.clone()),
        volume_mounts: non_empty(volumes::mounts(system, workload)),
        startup_probe: Some(probes::startup()),
        liveness_probe: Some(probes::liveness()),
        readiness_probe: Some(probes::readiness(workload.component)),
        lifecycle: Some(probes::lifecycle(workload)),
        // The last line of a pod that fails explains a rollback.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            run_as_non_root: Some(true),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn topology_spread(system: &System, workload: &Workload) -> Vec<TopologySpreadConstraint> {
    let selector = || Some(selector(&system.name, workload.component));
    if let Some(given) = &workload.spec.topology_spread {
        let complete = |mut constraint: TopologySpreadConstraint| {
            constraint.label_selector = constraint.label_selector.or_else(selector);
            constraint
        };
        return given.iter().cloned().map(complete).collect();
    }
    ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
        .into_iter()
        .map(|key| TopologySpreadConstraint {
            max_skew: 1,
            topology_key: key.to_owned(),
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: selector(),
            ..Default::default()
        })
        .collect()
}

/// The label selector of a component.
pub fn selector(system: &str, component: Component) -> LabelSelector {
    let labels: BTreeMap<String, String> = labels::selector(system, component);
    LabelSelector { match_labels: Some(labels), ..Default::default() }
}

fn non_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
