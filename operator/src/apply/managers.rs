//! Finds the field managers of fields, in the managed fields that the API server records.

use kube::core::ObjectMeta;
use serde_json::Value;

use super::replicas::REPLICAS_FIELD_MANAGER;
use crate::ownership::FIELD_MANAGER;

/// Field managers other than the operator that own one of `paths`, sorted.
pub(super) fn others(metadata: &ObjectMeta, paths: &[String]) -> Vec<String> {
    let mut managers: Vec<String> = metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| {
            entry
                .fields_v1
                .as_ref()
                .is_some_and(|fields| paths.iter().any(|path| owns(&fields.0, path)))
        })
        .filter_map(|entry| entry.manager.clone())
        .filter(|manager| manager != FIELD_MANAGER && manager != REPLICAS_FIELD_MANAGER)
        .collect();
    managers.sort();
    managers.dedup();
    managers
}

/// Whether `fields` contain `path`, or a part of it. The segments of a path may contain dots, as
/// labels do, so they are matched against the recorded keys.
fn owns(fields: &Value, path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    let Some(fields) = fields.as_object() else { return false };
    if fields.is_empty() {
        // The manager owns the whole value, such as an atomic list.
        return true;
    }
    fields.iter().any(|(key, inner)| match key.split_once(':') {
        Some(("f", name)) => rest(path, name).is_some_and(|path| owns(inner, path)),
        Some(("k", key)) => {
            let Ok(Value::Object(key)) = serde_json::from_str(key) else { return false };
            key.values().any(|value| {
                let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                rest(path, &name).is_some_and(|path| owns(inner, path))
            })
        }
        _ => false,
    })
}

/// The part of `path` after its first segment, which must be `segment`.
fn rest<'a>(path: &'a str, segment: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(segment)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn managed(entries: &Value) -> ObjectMeta {
        serde_json::from_value(json!({"managedFields": entries})).expect("metadata")
    }

    #[test]
    fn managers_of_fields_in_maps_lists_and_labels_are_found() {
        let own = json!({"f:spec": {"f:replicas": {}}});
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers":
            {"k:{\"name\":\"ticket\"}": {".": {}, "f:image": {}}}}}}});
        let ports = json!({"f:spec": {"f:ports": {"k:{\"port\":8002,\"protocol\":\"TCP\"}":
            {"f:targetPort": {}}}, "f:rules": {}}});
        let label = json!({"f:metadata": {"f:labels": {"f:app.kubernetes.io/part-of": {}}}});
        let metadata = managed(&json!([
            {"manager": FIELD_MANAGER, "fieldsV1": own},
            {"manager": "keda", "fieldsV1": own},
            {"manager": "rewriter", "fieldsV1": image},
            {"manager": "ports", "fieldsV1": ports},
            {"manager": "labels", "fieldsV1": label},
        ]));
        let of = |path: &str| others(&metadata, &[path.to_owned()]);
        assert_eq!(of("spec.replicas"), ["keda"]);
        assert_eq!(of("spec.template.spec.containers.ticket.image"), ["rewriter"]);
        assert_eq!(of("spec.ports.8002.targetPort"), ["ports"]);
        assert_eq!(of("spec.rules.0.host"), ["ports"], "an atomic list has one manager");
        assert_eq!(of("metadata.labels.app.kubernetes.io/part-of"), ["labels"]);
        assert_eq!(of("metadata.labels.app"), Vec::<String>::new());
        assert_eq!(of("spec.template.spec.containers.other.image"), Vec::<String>::new());
    }
}
