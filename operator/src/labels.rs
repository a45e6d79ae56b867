//! The recommended Kubernetes labels, and the subset of them that selects pods.

use std::collections::BTreeMap;

use kube::core::ObjectMeta;

use crate::kind::Component;

/// The TicketSystem an object belongs to.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// The tool that manages an object; [`OPERATOR`] for every child.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`] on every child, the name of the field manager, and the value of
/// [`NAME`] on the pods of the operator.
pub const OPERATOR: &str = "ticket-system-operator";
/// What runs in a pod; `ticket-system` for every child.
pub const NAME: &str = "app.kubernetes.io/name";
/// The [`Component`] a pod or object belongs to.
pub const COMPONENT: &str = "app.kubernetes.io/component";
const PART_OF: &str = "app.kubernetes.io/part-of";
const APP: &str = "ticket-system";

/// Selects the pods of one component. The selector of a Deployment is immutable, so these labels
/// must never change.
pub fn selector(system: &str, component: Component) -> BTreeMap<String, String> {
    let mut labels = of_system(system);
    labels.insert(COMPONENT.to_owned(), component.as_str().to_owned());
    labels
}

/// Selects every object of one system.
pub fn of_system(system: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(NAME.to_owned(), APP.to_owned()), (INSTANCE.to_owned(), system.to_owned())])
}

/// Labels of a child. `component` is `None` for a child that all components share.
pub fn of_child(system: &str, component: Option<Component>) -> BTreeMap<String, String> {
    let mut labels =
        component.map_or_else(|| of_system(system), |component| selector(system, component));
    labels.insert(PART_OF.to_owned(), APP.to_owned());
    labels.insert(MANAGED_BY.to_owned(), OPERATOR.to_owned());
    labels
}

/// Labels as a selector in the query syntax of the API.
pub fn query(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Selects any of `components`, in the query syntax of the API.
pub fn any_of(components: &[Component]) -> String {
    format!(
        "{COMPONENT} in ({})",
        components.iter().map(|component| component.as_str()).collect::<Vec<_>>().join(",")
    )
}

/// The system a child belongs to, if the operator created the child.
pub fn instance(metadata: &ObjectMeta) -> Option<&str> {
    let labels = metadata.labels.as_ref()?;
    (labels.get(MANAGED_BY)? == OPERATOR).then(|| labels.get(INSTANCE).map(String::as_str))?
}
