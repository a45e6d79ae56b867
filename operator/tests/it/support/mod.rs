//! A test API server, operators in the test process, and helpers to inspect the cluster.

pub mod apiserver;
pub mod cluster;
pub mod kubelet;
pub mod operators;
pub mod policy;
mod process;
pub mod system_api;
pub mod wait;

pub use cluster::{Cluster, install};
use kube::core::DynamicObject;
pub use operators::{Running, start};
use serde_json::{Value, json};
pub use wait::{eventually, until};

/// A resource with this spec.
#[allow(clippy::needless_pass_by_value)]
pub fn system(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "ticket-system.io/v1alpha1", "kind": "TicketSystem", "metadata": {"name": name}, "spec": spec})
}

/// A field of an object by JSON pointer.
pub fn at<'a>(object: &'a DynamicObject, pointer: &str) -> &'a Value {
    object.data.pointer(pointer).unwrap_or(&Value::Null)
}
