//! The Secret with the signing keys, and the pods that read it.

use std::sync::Arc;

use k8s_openapi::ByteString;
use kube::core::DynamicObject;
use operator::{build::Child, dereference::Dereferenced, kind::Kind, signing_keys::rotated};
use serde_json::{Value, json};
use signing::SigningKeys;

use crate::render::{found, new_keys, render, render_with, resource, settings};

const SECRET: &str = "shop-signing-keys";

/// A cluster with `keys` in the Secret, with these annotations.
fn with_keys(keys: &str, annotations: &Value) -> Dereferenced {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"keys.json": ByteString(keys.into())},
        "metadata": {"name": SECRET, "annotations": annotations}});
    let secret: DynamicObject = serde_json::from_value(secret).expect("an object");
    let mut found = found();
    found.live.insert(Kind::Secret, SECRET.to_owned(), Arc::new(secret));
    found
}

fn keys(children: &[Child]) -> Option<&Value> {
    let found =
        children.iter().find(|child| (child.kind, child.name.as_str()) == (Kind::Secret, SECRET));
    found.map(|child| &child.body["data"]["keys.json"])
}

#[test]
fn existing_keys_are_kept_and_roll_no_pods() {
    let first = SigningKeys::generate([1; 32]);
    let second = rotated(&first, [2; 32], 0).expect("rotated");
    let templates = |children: &[Child]| -> Vec<Value> {
        let deployments = children.iter().filter(|child| child.kind == Kind::Deployment);
        deployments.map(|child| child.body["spec"]["template"].clone()).collect()
    };
    let system = resource(json!({}));
    let new = render_with(&system, &found()).expect("it is valid");
    assert_eq!(keys(&new), Some(&json!(ByteString(new_keys("token").into()))));
    for text in [first, second] {
        let children = render_with(&system, &with_keys(&text, &json!({}))).expect("it is valid");
        assert_eq!(keys(&children), Some(&json!(ByteString(text.into()))));
        assert_eq!(templates(&children), templates(&new));
    }
}

#[test]
fn invalid_keys_are_rejected_without_showing_them() {
    let broken = SigningKeys::generate([1; 32]).replace("\"d\":\"", "\"d\":\"sesame");
    for text in ["sesame", "{\"keys\":[]}", &broken] {
        let error = render_with(&resource(json!({})), &with_keys(text, &json!({})));
        let error = error.expect_err("an error");
        assert_eq!(error.reason(), "SecretInvalid");
        let message = error.to_string();
        assert!(message.starts_with("key keys.json of Secret shop-signing-keys"), "{message}");
        assert!(!message.contains("sesame"), "{message}");
    }
}

#[test]
fn keys_of_another_owner_are_read_and_not_written() {
    let text = SigningKeys::generate([1; 32]);
    let adopted = with_keys(&text, &json!({"ticket-system.io/adopt": "shop"}));
    let children = render_with(&resource(json!({})), &adopted).expect("it is valid");
    assert_eq!(keys(&children), None);
}

#[test]
fn every_pod_reads_the_keys_from_a_file() {
    for (mode, names) in
        [("microservices", &["shop-ticket", "shop-vacancy"][..]), ("monolith", &["shop"])]
    {
        let children = render(json!({"mode": mode}));
        for name in names {
            let pod = &children[&format!("Deployment/{name}")]["spec"]["template"]["spec"];
            let find = |list: &Value| {
                let found = list.as_array().expect("a list").iter();
                found.clone().find(|it| it["name"] == "signing-keys").cloned().expect("it is there")
            };
            assert_eq!(
                find(&pod["volumes"])["secret"],
                json!({"secretName": SECRET, "defaultMode": 0o440})
            );
            let mount = find(&pod["containers"][0]["volumeMounts"]);
            assert_eq!(
                (&mount["mountPath"], &mount["readOnly"], &mount["subPath"]),
                (&json!("/etc/ticket-system/signing-keys"), &json!(true), &Value::Null),
                "the mount of a single file is not updated"
            );
            let file = &settings(&children, name)["data"]["SIGNING_KEYS_FILE"];
            assert_eq!(file, "/etc/ticket-system/signing-keys/keys.json", "{name}");
        }
    }
}

#[test]
fn keys_are_retained_with_the_volume_alone() {
    let owners = |spec: Value| {
        let children = render(spec);
        let metadata = &children["Secret/shop-signing-keys"]["metadata"];
        (metadata["ownerReferences"].clone(), metadata["annotations"].clone())
    };
    let (owner, protection) = owners(json!({}));
    assert_eq!(owner, Value::Null);
    assert_eq!(protection["kustomize.toolkit.fluxcd.io/prune"], "disabled");
    for storage in
        [json!({"embedded": {"retain": false}}), json!({"postgres": {"secretRef": {"name": "db"}}})]
    {
        let (owner, protection) = owners(json!({"storage": storage}));
        assert_eq!(owner[0]["kind"], "TicketSystem");
        assert_eq!(protection, Value::Null);
    }
}
