//! The tokens of the roles: files of the pods, which they read again when a Secret changes.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use operator::{
    kind::Kind,
    role::{Role, TOKEN_KEY},
};
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, start, system};

const OLD: &str = "first-token-of-this-test";
const NEW: &str = "second-token-of-this-test";

/// The steps of a rotation, as docs/operator.md has them, for both roles.
#[tokio::test]
async fn rotation_rolls_no_pods() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Progressing", "False").await;
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let before = templates(&cluster).await;
    for tokens in [OLD.to_owned(), format!("{OLD},{NEW}"), format!("{NEW},{OLD}"), NEW.to_owned()] {
        for role in Role::ALL {
            let data = json!({"data": {TOKEN_KEY: ByteString(tokens.clone().into_bytes())}});
            secrets
                .patch(&role.secret("shop"), &PatchParams::default(), &Patch::Merge(data))
                .await
                .expect("patched");
        }
        // A deleted child comes back with a pass that has seen the new tokens.
        cluster.delete(Kind::NetworkPolicy, "shop-ticket").await;
        eventually("a pass of the operator", || async {
            let found = cluster.find(Kind::NetworkPolicy, "shop-ticket").await;
            found.map(|_| ()).ok_or("not yet")
        })
        .await;
        cluster.condition("shop", "Progressing", "False").await;
        assert_eq!(templates(&cluster).await, before, "{tokens}");
        for role in Role::ALL {
            let kept = secrets.get(&role.secret("shop")).await.expect("the Secret").data;
            assert_eq!(
                kept.expect("data")[TOKEN_KEY].0,
                tokens.as_bytes(),
                "the operator keeps it"
            );
        }
    }
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

#[tokio::test]
async fn token_of_the_spec_takes_the_place_of_the_file() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let env = json!([{"name": "ADMIN_TOKEN", "value": "a-token-of-the-spec-itself"}]);
    cluster.apply(&system("shop", json!({"vacancy": {"env": env}}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let settings = cluster.get(Kind::ConfigMap, "shop-vacancy").await;
    assert!(settings.data["data"].get("ADMIN_TOKEN_FILE").is_none(), "{:?}", settings.data);
}

#[tokio::test]
async fn deleted_seller_token_comes_back_as_another_one() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let secret = Role::Seller.secret("shop");
    let token = at(&cluster.get(Kind::Secret, &secret).await, "/data/token").clone();
    cluster.delete(Kind::Secret, &secret).await;
    let next = eventually("another one", || async {
        let found = cluster.find(Kind::Secret, &secret).await;
        found.map(|found| at(&found, "/data/token").clone()).ok_or("not yet")
    })
    .await;
    assert_ne!(next, token);
}

#[tokio::test]
async fn invalid_seller_token_is_reported_without_its_value() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let short = json!({"stringData": {TOKEN_KEY: "sesame-and-more,short"}});
    cluster.edit(Kind::Secret, &Role::Seller.secret("shop"), short).await;
    let (reason, message) = cluster.condition("shop", "Stalled", "True").await;
    assert_eq!(reason, "SecretInvalid");
    assert!(message.contains("Secret shop-seller-token has no valid seller tokens"), "{message}");
    assert!(!message.contains("sesame"), "{message}");
}
