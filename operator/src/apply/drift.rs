//! Compares a desired object with the live one. Applying without a comparison would give the same
//! object, but at the cost of one write per child and reconciliation, and it would hide conflicts
//! with other field managers.

use serde_json::{Map, Value};

use crate::quantity;

/// Paths at which `live` lacks or contradicts `desired`. Other fields of `live` belong to other
/// managers and are ignored.
pub fn differences(desired: &Value, live: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(desired, live, &mut String::new(), &mut found);
    found
}

fn compare(desired: &Value, live: &Value, path: &mut String, found: &mut Vec<String>) {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => compare_maps(desired, live, path, found),
        (Value::Array(desired), Value::Array(live)) => compare_lists(desired, live, path, found),
        _ if desired == live || (is_quantity(path) && quantity::equal(desired, live)) => {}
        _ => found.push(path.clone()),
    }
}

fn compare_maps(
    desired: &Map<String, Value>,
    live: &Map<String, Value>,
    path: &mut String,
    found: &mut Vec<String>,
) {
    if is_atomic_map(path) && live.keys().any(|key| !desired.contains_key(key)) {
        found.push(path.clone());
        return;
    }
    for (key, value) in desired {
        nested(path, key, |path| match live.get(key) {
            Some(live) => compare(value, live, path, found),
            // The API server drops empty values.
            None if is_empty(value) => {}
            None => found.push(path.clone()),
        });
    }
}

fn compare_lists(desired: &[Value], live: &[Value], path: &mut String, found: &mut Vec<String>) {
    let Some(key) = merge_key(path, desired) else {
        if desired.len() == live.len() {
            for (index, (desired, live)) in desired.iter().zip(live).enumerate() {
                nested(path, &index.to_string(), |path| compare(desired, live, path, found));
            }
        } else {
            found.push(path.clone());
        }
        return;
    };
    for element in desired {
        let label = element
            .get(key)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .unwrap_or_default();
        nested(path, &label, |path| {
            match live.iter().find(|candidate| candidate.get(key) == element.get(key)) {
                Some(live) => compare(element, live, path, found),
                None => found.push(path.clone()),
            }
        });
    }
}

fn nested(path: &mut String, segment: &str, inner: impl FnOnce(&mut String)) {
    let length = path.len();
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(segment);
    inner(path);
    path.truncate(length);
}

/// The key of a list that the API server merges by key. Other managers may add elements to such a
/// list; every other list has a single manager.
fn merge_key(path: &str, desired: &[Value]) -> Option<&'static str> {
    let key = match last(path) {
        "containers" | "env" | "volumes" | "imagePullSecrets" => "name",
        "volumeMounts" => "mountPath",
        "ownerReferences" => "uid",
        "ports" if path.contains(".containers.") => "containerPort",
        "ports" if path == "spec.ports" => "port",
        _ => return None,
    };
    desired.iter().all(|element| element.get(key).is_some()).then_some(key)
}

/// Whether the API server treats the map as a single value.
fn is_atomic_map(path: &str) -> bool {
    matches!(last(path), "nodeSelector" | "matchLabels") || path == "spec.selector"
}

/// Whether the value at `path` is a quantity, which has several spellings.
fn is_quantity(path: &str) -> bool {
    path.contains(".requests.") || path.contains(".limits.")
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        // `allowPrivilegeEscalation: false` differs from its absence.
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_other_managers_are_ignored() {
        let desired = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"template": {"spec": {"containers": [{"name": "x", "image": "i"}]}}}});
        let live = json!({
            "metadata": {"labels": {"a": "1", "b": "2"}, "uid": "u"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "sidecar"}, {"name": "x", "image": "i", "tty": true}]}}},
        });
        assert_eq!(differences(&desired, &live), Vec::<String>::new());
    }

    #[test]
    fn changed_and_missing_fields_are_listed() {
        let desired = json!({"spec": {"containers": [{"name": "x", "image": "i", "env": [{"name": "A", "value": "1"}]}], "paused": true}});
        let live = json!({"spec": {"containers": [{"name": "x", "image": "j"}]}});
        assert_eq!(
            differences(&desired, &live),
            ["spec.containers.x.env", "spec.containers.x.image", "spec.paused"]
        );
    }

    #[test]
    fn list_of_one_manager_must_match_completely() {
        let desired = json!({"spec": {"rules": [{"host": "a"}]}});
        assert_eq!(
            differences(&desired, &json!({"spec": {"rules": [{"host": "a"}, {"host": "b"}]}})),
            ["spec.rules"]
        );
        assert_eq!(
            differences(&desired, &json!({"spec": {"rules": [{"host": "b"}]}})),
            ["spec.rules.0.host"]
        );
        let policy = json!({"spec": {"ingress": [{"ports": [{"port": 1}]}]}});
        assert_eq!(
            differences(
                &policy,
                &json!({"spec": {"ingress": [{"ports": [{"port": 1}, {"port": 2}]}]}})
            ),
            ["spec.ingress.0.ports"]
        );
    }

    #[test]
    fn widened_selector_is_drift() {
        let desired = json!({"spec": {"selector": {"a": "1"}}});
        assert_eq!(
            differences(&desired, &json!({"spec": {"selector": {"a": "1", "b": "2"}}})),
            ["spec.selector"]
        );
    }

    #[test]
    fn spellings_are_equal_only_for_quantities() {
        let amount = |value: &str| json!({"resources": {"requests": {"cpu": value}}});
        assert!(differences(&amount("0.5"), &amount("500m")).is_empty());
        assert_eq!(differences(&amount("0.5"), &amount("501m")), ["resources.requests.cpu"]);
        assert_eq!(differences(&json!({"value": "1000m"}), &json!({"value": "1"})), ["value"]);
    }

    #[test]
    fn empty_values_may_be_absent() {
        let desired = json!({"a": "", "b": [], "c": {}, "d": null});
        assert!(differences(&desired, &json!({})).is_empty());
        let desired = json!({"e": false, "f": 0});
        assert!(differences(&desired, &desired).is_empty());
        assert_eq!(differences(&desired, &json!({"e": true, "f": 1})), ["e", "f"]);
        assert_eq!(
            differences(&desired, &json!({})),
            ["e", "f"],
            "a removed protection is a difference"
        );
    }
}
