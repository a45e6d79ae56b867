//! Whether a live object already is what would be applied. Applying regardless would be harmless to
//! the object, but a write per child and pass adds up, and a reconciliation that never rests cannot
//! be told from one that fights somebody.

use serde_json::{Map, Value};

use super::quantity;

/// Paths at which `live` lacks or contradicts `desired`. What `live` has beyond that belongs to
/// others and is left alone.
pub fn differences(desired: &Value, live: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(desired, live, &mut String::new(), &mut found);
    found
}

fn compare(desired: &Value, live: &Value, path: &mut String, found: &mut Vec<String>) {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => compare_maps(desired, live, path, found),
        (Value::Array(desired), Value::Array(live)) => compare_lists(desired, live, path, found),
        _ if desired == live || (is_amount(path) && quantity::equal(desired, live)) => {}
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
            // The API server drops what says nothing.
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

/// Lists the API server merges by key, where others may add elements of their own. All other lists
/// belong to one manager.
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

/// Maps the API server treats as one value.
fn is_atomic_map(path: &str) -> bool {
    matches!(last(path), "nodeSelector" | "matchLabels") || path == "spec.selector"
}

/// Whether a path leads to an amount of something, which has several spellings.
fn is_amount(path: &str) -> bool {
    path.contains(".requests.") || path.contains(".limits.")
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        // `allowPrivilegeEscalation: false` says something that its absence does not.
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
    fn what_others_added_is_no_difference() {
        let desired = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"template": {"spec": {"containers": [{"name": "x", "image": "i"}]}}}});
        let live = json!({
            "metadata": {"labels": {"a": "1", "b": "2"}, "uid": "u"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "sidecar"}, {"name": "x", "image": "i", "tty": true}]}}},
        });
        assert_eq!(differences(&desired, &live), Vec::<String>::new());
    }

    #[test]
    fn changed_and_missing_fields_are_named() {
        let desired = json!({"spec": {"containers": [{"name": "x", "image": "i", "env": [{"name": "A", "value": "1"}]}], "paused": true}});
        let live = json!({"spec": {"containers": [{"name": "x", "image": "j"}]}});
        assert_eq!(
            differences(&desired, &live),
            ["spec.containers.x.env", "spec.containers.x.image", "spec.paused"]
        );
    }

    #[test]
    fn a_list_of_one_manager_must_match_as_a_whole() {
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
    fn a_widened_selector_is_drift() {
        let desired = json!({"spec": {"selector": {"a": "1"}}});
        assert_eq!(
            differences(&desired, &json!({"spec": {"selector": {"a": "1", "b": "2"}}})),
            ["spec.selector"]
        );
    }

    #[test]
    fn spellings_of_an_amount_are_equal_only_as_amounts() {
        let amount = |value: &str| json!({"resources": {"requests": {"cpu": value}}});
        assert!(differences(&amount("0.5"), &amount("500m")).is_empty());
        assert_eq!(differences(&amount("0.5"), &amount("501m")), ["resources.requests.cpu"]);
        assert_eq!(differences(&json!({"value": "1000m"}), &json!({"value": "1"})), ["value"]);
    }

    #[test]
    fn what_says_nothing_may_be_absent() {
        let desired = json!({"a": "", "b": [], "c": {}, "d": null});
        assert!(differences(&desired, &json!({})).is_empty());
        let desired = json!({"e": false, "f": 0});
        assert!(differences(&desired, &desired).is_empty());
        assert_eq!(differences(&desired, &json!({"e": true, "f": 1})), ["e", "f"]);
        assert_eq!(
            differences(&desired, &json!({})),
            ["e", "f"],
            "a protection that was removed is a difference"
        );
    }
}
