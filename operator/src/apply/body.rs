//! The object as it is sent to the API server.

use kube::core::DynamicObject;
use serde_json::Value;

use crate::build::{Child, checksum};

/// Annotation with a hash of the object that was last applied. A comparison of the desired with the
/// live object does not show fields that are no longer desired; a changed hash shows that there may
/// be some.
pub const APPLIED_HASH: &str = "ticket-system.io/applied-hash";

/// The object to apply, with its own hash as an annotation.
pub fn body_with_hash(child: &Child) -> Value {
    let mut body = child.body.clone();
    let hash = checksum::short(&body);
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations =
            metadata.entry("annotations").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(APPLIED_HASH.to_owned(), Value::String(hash));
        }
    }
    body
}

/// Adds the uid of `live` to `body`, so that the write fails unless it meets exactly that object.
pub(super) fn pin_uid(body: &mut Value, live: &DynamicObject) {
    if let (Some(metadata), Some(uid)) =
        (body.get_mut("metadata").and_then(Value::as_object_mut), &live.metadata.uid)
    {
        metadata.insert("uid".to_owned(), Value::String(uid.clone()));
    }
}
