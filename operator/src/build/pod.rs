//! The pod template. Any change of what this renders for an unchanged spec rolls every pod of every
//! system when the operator is upgraded; the snapshot tests are there to make that a decision.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, KeyToPath,
        LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
        PodTemplateSpec, SeccompProfile, SecretVolumeSource, SecurityContext,
        TopologySpreadConstraint, Volume, VolumeMount,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::core::ObjectMeta;

use super::{checksum, environment, labels, probes};
use crate::{
    kind::{Component, claim},
    validate::{System, Workload},
};

pub const PORT_NAME: &str = "http";
pub const DATA_DIR: &str = "/data";
const CONFIG_CHECKSUM: &str = "ticket-system.io/config-checksum";
const VOLUME: &str = "data";
pub const DATABASE_CA_FILE: &str = "/etc/ticket-system/database-ca/ca.crt";
const DATABASE_CA_DIR: &str = "/etc/ticket-system/database-ca";
const DATABASE_CA_VOLUME: &str = "database-ca";
/// Unprivileged user and group of the images.
const USER: i64 = 65532;
/// Spare seconds between a pod's own shutdown deadline and the kubelet's SIGKILL.
const GRACE_SPARE_S: i64 = 9;

pub fn template(
    system: &System,
    workload: &Workload,
    config: &k8s_openapi::api::core::v1::ConfigMap,
) -> PodTemplateSpec {
    // Ticket reads no Secret of the system, so a new token is no reason to roll it.
    let secrets = if workload.component == Component::Ticket { "" } else { &system.secrets_digest };
    let mut annotations = workload.spec.pod_annotations.clone();
    annotations.insert(CONFIG_CHECKSUM.to_owned(), checksum::of_configuration(config, secrets));
    let metadata = ObjectMeta {
        labels: Some(labels::of_child(&system.name, Some(workload.component))),
        annotations: Some(annotations),
        ..Default::default()
    };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(pod(system, workload)) }
}

fn pod(system: &System, workload: &Workload) -> PodSpec {
    let spec = &workload.spec;
    let secrets = &system.spec.images.pull_secrets;
    PodSpec {
        service_account_name: Some(system.name.clone()),
        automount_service_account_token: Some(false),
        // Service links put variables such as SHOP_TICKET_PORT next to the ones the services read.
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        termination_grace_period_seconds: Some(
            probes::pre_stop_s(workload) + environment::SHUTDOWN_TIMEOUT_S + GRACE_SPARE_S,
        ),
        image_pull_secrets: non_empty(
            secrets.iter().map(|name| LocalObjectReference { name: name.clone() }).collect(),
        ),
        node_selector: (!spec.node_selector.is_empty()).then(|| spec.node_selector.clone()),
        tolerations: non_empty(spec.tolerations.clone()),
        affinity: spec.affinity.clone(),
        topology_spread_constraints: non_empty(topology_spread(system, workload)),
        volumes: non_empty(volumes(system, workload)),
        containers: vec![container(system, workload)],
        ..Default::default()
    }
}

fn container(system: &System, workload: &Workload) -> Container {
    let config = ConfigMapEnvSource { name: workload.name.clone(), ..Default::default() };
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
        volume_mounts: non_empty(mounts(system, workload)),
        startup_probe: Some(probes::startup()),
        liveness_probe: Some(probes::liveness()),
        readiness_probe: Some(probes::readiness(workload.component)),
        lifecycle: Some(probes::lifecycle(workload)),
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

fn volumes(system: &System, workload: &Workload) -> Vec<Volume> {
    let data = workload.holds_volume.then(|| Volume {
        name: VOLUME.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim(&system.name),
            ..Default::default()
        }),
        ..Default::default()
    });
    let ca = system.database_ca(workload).map(|ca| Volume {
        name: DATABASE_CA_VOLUME.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(ca.name.clone()),
            // That key alone: the Secret of an authority has its private key as well.
            items: Some(vec![KeyToPath {
                key: ca.key.clone(),
                path: "ca.crt".to_owned(),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        ..Default::default()
    });
    data.into_iter().chain(ca).collect()
}

fn mounts(system: &System, workload: &Workload) -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str, read_only: Option<bool>| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only,
        ..Default::default()
    };
    let data = workload.holds_volume.then(|| mount(VOLUME, DATA_DIR, None));
    let ca = system
        .database_ca(workload)
        .map(|_| mount(DATABASE_CA_VOLUME, DATABASE_CA_DIR, Some(true)));
    data.into_iter().chain(ca).collect()
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
