//! The admin token: a file of the pods, which they read again when the Secret changes.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use operator::kind::{ADMIN_TOKEN_KEY, Kind, admin_token};
use serde_json::json;

use crate::support::{Cluster, at, eventually, kubelet, start, system};

const ROTATED: &str = "first-token-of-this-test,second-token-of-this-test";

#[tokio::test]
async fn new_token_rolls_no_pods() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let before = cluster.get(Kind::Deployment, "shop-vacancy").await;
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let data = json!({"data": {ADMIN_TOKEN_KEY: ByteString(ROTATED.into())}});
    secrets
        .patch(&admin_token("shop"), &PatchParams::default(), &Patch::Merge(data))
        .await
        .expect("patched");
    // A change of ticket shows that the operator has seen the new token.
    cluster.apply(&system("shop", json!({"ticket": {"vacancyTimeoutMs": 1_500}}))).await;
    eventually("the change is applied", || async {
        let settings = cluster.get(Kind::ConfigMap, "shop-ticket").await;
        if at(&settings, "/data/VACANCY_TIMEOUT") == "1.500" { Ok(()) } else { Err("not yet") }
    })
    .await;
    cluster.condition("shop", "Progressing", "False").await;
    let after = cluster.get(Kind::Deployment, "shop-vacancy").await;
    assert_eq!(at(&after, "/spec/template"), at(&before, "/spec/template"));
    let kept = secrets.get(&admin_token("shop")).await.expect("the Secret").data.expect("data");
    assert_eq!(kept[ADMIN_TOKEN_KEY].0, ROTATED.as_bytes(), "the operator keeps it");
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
