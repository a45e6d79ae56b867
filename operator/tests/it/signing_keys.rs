//! The signing keys: created once, rotated by their owner, and read again by running pods.

use kube::{ResourceExt, core::DynamicObject};
use operator::{commands::rotate_signing_keys::rotate, kind::Kind, signing_keys::KEYS_KEY};
use serde_json::{Value, json};
use signing::SigningKeys;

use crate::support::{Cluster, at, eventually, kubelet, start, system};

const SECRET: &str = "shop-signing-keys";

async fn text(cluster: &Cluster) -> String {
    let secret: k8s_openapi::api::core::v1::Secret =
        cluster.get(Kind::Secret, SECRET).await.try_parse().expect("a Secret");
    String::from_utf8(secret.data.expect("data")[KEYS_KEY].0.clone()).expect("text")
}

async fn put(cluster: &Cluster, text: &str) {
    cluster.edit(Kind::Secret, SECRET, json!({"stringData": {KEYS_KEY: text}})).await;
}

/// A deleted child comes back with a pass that has seen the Secrets.
async fn pass(cluster: &Cluster) {
    cluster.delete(Kind::NetworkPolicy, "shop-ticket").await;
    eventually("a pass of the operator", || async {
        let found = cluster.find(Kind::NetworkPolicy, "shop-ticket").await;
        found.map(|_| ()).ok_or("not yet")
    })
    .await;
}

async fn templates(cluster: &Cluster) -> Vec<Value> {
    let mut templates = Vec::new();
    for name in ["shop-ticket", "shop-vacancy"] {
        let deployment = cluster.get(Kind::Deployment, name).await;
        templates.push(at(&deployment, "/spec/template").clone());
        templates.push(json!(deployment.metadata.generation));
    }
    templates
}

/// The steps of a rotation, as docs/operator.md has them.
#[tokio::test]
async fn rotation_keeps_the_old_key_and_rolls_no_pods() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Progressing", "False").await;
    let before = templates(&cluster).await;
    let first = text(&cluster).await;
    let old = SigningKeys::from_jwks(&first).expect("the operator makes valid keys");

    let second = rotate(first.as_bytes()).expect("rotated");
    let mut announced: Value = serde_json::from_str(&second).expect("JSON");
    announced["keys"].as_array_mut().expect("keys").swap(0, 1);
    for (keys, signs) in [(announced.to_string(), true), (second, false)] {
        put(&cluster, &keys).await;
        pass(&cluster).await;
        cluster.condition("shop", "Progressing", "False").await;
        let kept = text(&cluster).await;
        assert_eq!(kept, keys, "the operator keeps it");
        let kept = SigningKeys::from_jwks(&kept).expect("keys");
        assert_eq!(kept.signer_id() == old.signer_id(), signs);
        let seed = kept.derive(old.signer_id(), b"draw");
        assert!(seed.is_some() && seed == old.derive(old.signer_id(), b"draw"));
        assert_eq!(templates(&cluster).await, before, "running pods read the file again");
    }
}

#[tokio::test]
async fn keys_are_created_once_for_each_system() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let operator = start(&cluster);
    for name in ["shop", "fair"] {
        cluster.apply(&system(name, json!({}))).await;
        cluster.condition(name, "Ready", "True").await;
    }
    let keys = text(&cluster).await;
    let others = cluster.get(Kind::Secret, "fair-signing-keys").await;
    let mine = cluster.get(Kind::Secret, SECRET).await;
    assert_ne!(at(&others, "/data"), at(&mine, "/data"));
    operator.kill().await;
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    cluster.condition("shop", "Ready", "True").await;
    pass_monolith(&cluster).await;
    assert_eq!(text(&cluster).await, keys);
    assert_eq!(cluster.get(Kind::Secret, SECRET).await.uid(), mine.uid());
}

async fn pass_monolith(cluster: &Cluster) {
    cluster.condition("shop", "Progressing", "False").await;
    cluster.delete(Kind::NetworkPolicy, "shop").await;
    eventually("a pass of the operator", || async {
        let found = cluster.find(Kind::NetworkPolicy, "shop").await;
        found.map(|_| ()).ok_or("not yet")
    })
    .await;
}

#[tokio::test]
async fn keys_of_an_external_secrets_operator_are_used_and_never_written() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let owner = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "name": "keys", "uid": "11111111-1111-1111-1111-111111111111", "controller": true});
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": SECRET, "ownerReferences": [owner]},
        "stringData": {KEYS_KEY: SigningKeys::generate([7; 32])}});
    let secret: DynamicObject = serde_json::from_value(secret).expect("a Secret");
    cluster.api(Kind::Secret).create(&Default::default(), &secret).await.expect("made");
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "NameConflict");
    assert!(message.contains("ExternalSecret keys"), "{message}");
    let adopt = json!({"metadata": {"annotations": {"ticket-system.io/adopt": "shop"}}});
    let adopted = cluster.edit(Kind::Secret, SECRET, adopt).await;
    cluster.condition("shop", "Ready", "True").await;
    let now = cluster.get(Kind::Secret, SECRET).await;
    assert_eq!(now.resource_version(), adopted.resource_version(), "nobody else writes it");

    put(&cluster, "sesame").await;
    let (reason, message) = cluster.condition("shop", "Stalled", "True").await;
    assert_eq!(reason, "SecretInvalid");
    assert!(message.contains("Secret shop-signing-keys has no valid signing keys"), "{message}");
    assert!(!message.contains("sesame"), "{message}");
    cluster.condition("shop", "Ready", "True").await;
}
