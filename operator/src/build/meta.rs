use kube::core::ObjectMeta;

use super::labels;
use crate::{kind::Component, validate::System};

/// Metadata of a child that goes when the resource goes.
pub fn owned(system: &System, name: &str, component: Option<Component>) -> ObjectMeta {
    ObjectMeta {
        owner_references: Some(vec![system.owner.clone()]),
        ..retained(system, name, component)
    }
}

/// Metadata of a child that stays when the resource goes.
pub fn retained(system: &System, name: &str, component: Option<Component>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(system.namespace.clone()),
        labels: Some(labels::of_child(&system.name, component)),
        ..Default::default()
    }
}

/// Metadata of a child that stays or goes as the spec says.
pub fn retained_if_wanted(system: &System, name: &str) -> ObjectMeta {
    if system.retains() { retained(system, name, None) } else { owned(system, name, None) }
}
