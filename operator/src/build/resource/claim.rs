//! The PersistentVolumeClaim of embedded storage.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};

use crate::{
    build::meta,
    kind,
    validate::{ClaimProblem, INITIAL_STOCK, Storage, System},
};

/// The claim for the volume of embedded storage, unless the one with the sales is lost.
pub fn build(system: &System) -> Option<PersistentVolumeClaim> {
    let Storage::Embedded(embedded) = &system.storage else { return None };
    if system.claim.problem.as_ref().is_some_and(ClaimProblem::forbids_writer) {
        return None;
    }
    let mut metadata = meta::owned_or_retained(system, &kind::claim(&system.name));
    metadata
        .annotations
        .get_or_insert_default()
        .insert(INITIAL_STOCK.to_owned(), system.stock.effective.to_string());
    Some(PersistentVolumeClaim {
        metadata,
        spec: Some(PersistentVolumeClaimSpec {
            // A restored claim may have others.
            access_modes: system
                .claim
                .access_modes
                .clone()
                .or_else(|| Some(vec!["ReadWriteOnce".to_owned()])),
            storage_class_name: embedded.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), embedded.size.clone())])),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    })
}
