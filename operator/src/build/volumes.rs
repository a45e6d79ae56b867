//! Volumes of the pods: the data of embedded storage, the CA certificate of the database, and the
//! tokens of the roles and the signing keys, which are files so that new ones reach running pods.

use k8s_openapi::api::core::v1::{
    KeyToPath, PersistentVolumeClaimVolumeSource, SecretVolumeSource, Volume, VolumeMount,
};

use crate::{
    kind::claim,
    signing_keys,
    validate::{System, Workload},
};

pub const DATA_DIR: &str = "/data";
pub const DATABASE_CA_FILE: &str = "/etc/ticket-system/database-ca/ca.crt";
/// Readable for the group, which is the `fsGroup` of the pod.
const GROUP_READS: i32 = 0o440;
const DATA_VOLUME: &str = "data";
const DATABASE_CA_DIR: &str = "/etc/ticket-system/database-ca";
const DATABASE_CA_VOLUME: &str = "database-ca";

/// Volumes of the pod.
pub fn volumes(system: &System, workload: &Workload) -> Vec<Volume> {
    let data = workload.holds_volume.then(|| Volume {
        name: DATA_VOLUME.to_owned(),
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
            // Mounts this key only: the Secret of a CA also holds its private key.
            items: Some(vec![KeyToPath {
                key: ca.key.clone(),
                path: "ca.crt".to_owned(),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        ..Default::default()
    });
    // The key of the Secret is the name of the file.
    let files = |name: String, secret: String| Volume {
        name,
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret),
            default_mode: Some(GROUP_READS),
            ..Default::default()
        }),
        ..Default::default()
    };
    let tokens = workload.component.roles().iter();
    let tokens = tokens.map(|role| files(role.volume(), role.secret(&system.name)));
    let keys = files(signing_keys::VOLUME.to_owned(), signing_keys::secret(&system.name));
    data.into_iter().chain(ca).chain(tokens).chain([keys]).collect()
}

/// Mounts of [`volumes`] in the container.
pub fn mounts(system: &System, workload: &Workload) -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str, read_only: Option<bool>| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only,
        ..Default::default()
    };
    let data = workload.holds_volume.then(|| mount(DATA_VOLUME, DATA_DIR, None));
    let ca = system
        .database_ca(workload)
        .map(|_| mount(DATABASE_CA_VOLUME, DATABASE_CA_DIR, Some(true)));
    // The whole directory: the kubelet does not update the mount of a single file.
    let tokens = workload.component.roles().iter();
    let tokens = tokens.map(|role| mount(&role.volume(), &role.folder(), Some(true)));
    let keys = mount(signing_keys::VOLUME, signing_keys::FOLDER, Some(true));
    data.into_iter().chain(ca).chain(tokens).chain([keys]).collect()
}
