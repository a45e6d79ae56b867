//! Metadata of children: labels, and an owner reference unless the child is retained.

use kube::core::ObjectMeta;

use crate::{kind::Component, labels, validate::System};

/// Metadata of a child that is deleted with the resource.
pub fn owned(system: &System, name: &str, component: Option<Component>) -> ObjectMeta {
    ObjectMeta {
        owner_references: Some(vec![system.owner.clone()]),
        ..retained(system, name, component)
    }
}

/// Metadata of a child that outlives the resource.
pub fn retained(system: &System, name: &str, component: Option<Component>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(system.namespace.clone()),
        labels: Some(labels::of_child(&system.name, component)),
        ..Default::default()
    }
}

/// Annotations that keep GitOps tools from deleting a retained child. It has no owner, and its
/// labels make it look like an object that they once applied.
const KEEP: [(&str, &str); 3] = [
    ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
    ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
];

/// Metadata of a child that `storage.embedded.retain` keeps or deletes.
pub fn owned_or_retained(system: &System, name: &str) -> ObjectMeta {
    if !system.retains() {
        return owned(system, name, None);
    }
    let mut metadata = retained(system, name, None);
    let keep = KEEP.map(|(key, value)| (key.to_owned(), value.to_owned()));
    metadata.annotations = Some(keep.into());
    metadata
}
