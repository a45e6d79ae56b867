//! The values of Secrets appear in no other object. Pods refer to them.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::ListParams};
use operator::{
    kind::Kind,
    role::{Role, TOKEN_KEY},
    signing_keys::KEYS_KEY,
};
use serde_json::{Value, json};

use crate::support::{Cluster, kubelet, start, system};

#[tokio::test]
async fn password_and_token_stay_in_their_secrets() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    let spec = json!({"storage": {"postgres": {"secretRef": {"name": "db", "key": "url"}}}});
    cluster.secret("db", "url", "mysql://user:sesame-password@host/db").await;
    cluster.apply(&system("shop", spec.clone())).await;
    cluster.condition("shop", "Degraded", "True").await;
    let invalid = shown(&cluster, "shop").await + &metrics(&running.operator.metrics);
    cluster.secret("db", "url", "postgres://user:sesame-password@host/db").await;
    cluster.condition("shop", "Ready", "True").await;
    let ready = shown(&cluster, "shop").await + &metrics(&running.operator.metrics);
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let mut tokens = Vec::new();
    for role in Role::ALL {
        let secret = secrets.get(&role.secret("shop")).await.expect("it is made");
        let value = secret.data.expect("data")[TOKEN_KEY].clone();
        tokens.push(serde_json::to_value(&value).expect("JSON").as_str().expect("text").to_owned());
        tokens.push(String::from_utf8(value.0).expect("text"));
    }
    let keys = secrets.get("shop-signing-keys").await.expect("it is made").data.expect("data");
    let keys: Value = serde_json::from_slice(&keys[KEYS_KEY].0).expect("JSON");
    let private = keys["keys"][0]["d"].as_str().expect("a private key").to_owned();
    let random: BTreeSet<_> = tokens.iter().skip(1).step_by(2).collect();
    assert_eq!(random.len(), Role::ALL.len(), "each role has its own");
    assert!(random.iter().all(|token| token.len() >= 64), "they are long");
    for text in [invalid, ready] {
        assert!(text.len() > 2_000 && !text.contains("sesame"), "{text}");
        // In base64 as well.
        assert!(!text.contains("c2VzYW1l"), "{text}");
        assert!(!tokens.iter().any(|token| text.contains(token)), "{text}");
        assert!(!text.contains(&private), "{text}");
    }
}

fn metrics(metrics: &operator::observe::Metrics) -> String {
    String::from_utf8(metrics.render().expect("metrics")).expect("text")
}

/// The resource, its events, and every child except Secrets.
async fn shown(cluster: &Cluster, name: &str) -> String {
    let mut text = serde_json::to_string(&cluster.systems().get(name).await.expect("the resource"))
        .expect("JSON");
    for (reason, note) in cluster.events(name).await {
        text += &format!("{reason} {note}\n");
    }
    for kind in
        Kind::ALL.into_iter().filter(|kind| ![Kind::Secret, Kind::ServiceMonitor].contains(kind))
    {
        for object in cluster.api(kind).list(&ListParams::default()).await.expect("a list") {
            text += &serde_json::to_string(&object).expect("JSON");
        }
    }
    text
}
