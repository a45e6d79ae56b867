//! The objects that a pod template refers to by name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kind::Kind;

/// Objects that the pods of `template` need before they can start.
pub fn of_template(template: &Value) -> BTreeSet<(Kind, String)> {
    let mut found = BTreeSet::new();
    let spec = &template["spec"];
    add(&mut found, Kind::ServiceAccount, &spec["serviceAccountName"]);
    for volume in elements(&spec["volumes"]) {
        add(&mut found, Kind::PersistentVolumeClaim, &volume["persistentVolumeClaim"]["claimName"]);
        add(&mut found, Kind::Secret, &volume["secret"]["secretName"]);
        add(&mut found, Kind::ConfigMap, &volume["configMap"]["name"]);
        for source in elements(&volume["projected"]["sources"]) {
            add(&mut found, Kind::Secret, &source["secret"]["name"]);
            add(&mut found, Kind::ConfigMap, &source["configMap"]["name"]);
        }
    }
    for container in elements(&spec["initContainers"]).chain(elements(&spec["containers"])) {
        for source in elements(&container["envFrom"]) {
            add(&mut found, Kind::ConfigMap, &source["configMapRef"]["name"]);
            add(&mut found, Kind::Secret, &source["secretRef"]["name"]);
        }
        for variable in elements(&container["env"]) {
            let source = &variable["valueFrom"];
            add(&mut found, Kind::ConfigMap, &source["configMapKeyRef"]["name"]);
            add(&mut found, Kind::Secret, &source["secretKeyRef"]["name"]);
        }
    }
    found
}

/// The elements of an array; none of anything else.
pub fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn add(found: &mut BTreeSet<(Kind, String)>, kind: Kind, name: &Value) {
    found.extend(name.as_str().map(|name| (kind, name.to_owned())));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_name_an_object_is_found() {
        let template = json!({"spec": {
            "serviceAccountName": "account",
            "volumes": [
                {"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "b", "secret": {"secretName": "token"}},
                {"name": "c", "projected": {"sources": [{"secret": {"name": "ca"}}, {"configMap": {"name": "roots"}}]}},
            ],
            "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "early"}}]}],
            "containers": [{"name": "x", "envFrom": [{"configMapRef": {"name": "settings"}}],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "url", "key": "k"}}}]}],
        }});
        let found: Vec<String> =
            of_template(&template).iter().map(|(kind, name)| format!("{kind}/{name}")).collect();
        assert_eq!(
            found,
            [
                "ServiceAccount/account",
                "Secret/ca",
                "Secret/early",
                "Secret/token",
                "Secret/url",
                "PersistentVolumeClaim/data",
                "ConfigMap/roots",
                "ConfigMap/settings",
            ]
        );
    }
}
