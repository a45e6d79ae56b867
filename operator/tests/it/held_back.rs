//! A refused object holds back only what depends on it, and settings of two templates never mix.

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams},
    core::DynamicObject,
};
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, policy, start, system};

async fn level(cluster: &Cluster, deployment: &str) -> Value {
    let settings = cluster.find(Kind::ConfigMap, deployment).await;
    settings.map_or(Value::Null, |found| at(&found, "/data/LOG_LEVEL").clone())
}

async fn reaches(cluster: &Cluster, deployment: &str, expected: &str) {
    eventually(&format!("{deployment} gets {expected}"), || async {
        let now = level(cluster, deployment).await;
        if now == expected { Ok(()) } else { Err(now) }
    })
    .await;
}

async fn config_maps(cluster: &Cluster, of: &str) -> Vec<String> {
    let list = cluster.api(Kind::ConfigMap).list(&Default::default()).await.expect("a list");
    list.into_iter().map(|map| map.name_any()).filter(|name| name.starts_with(of)).collect()
}

#[tokio::test]
async fn larger_retained_claim_holds_nothing_back() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "shop-data", "labels": {"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "ticket-system-operator"}},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "5Gi"}}}});
    let claim: DynamicObject = serde_json::from_value(claim).expect("a claim");
    let api = cluster.api(Kind::PersistentVolumeClaim);
    api.create(&PostParams::default(), &claim).await.expect("it is made");
    let _operator = start(&cluster);
    for (size, log) in [("2Gi", "INFO"), ("5120Mi", "DEBUG"), ("1500M", "ERROR")] {
        let spec = json!({"storage": {"embedded": {"size": size}}, "logging": {"level": log}});
        cluster.apply(&system("shop", spec)).await;
        cluster.condition("shop", "Ready", "True").await;
        for deployment in ["shop-ticket", "shop-vacancy"] {
            reaches(&cluster, deployment, log).await;
        }
        let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
        assert_eq!(reason, "UpToDate");
        cluster.condition("shop", "Degraded", "False").await;
        let claim = cluster.get(Kind::PersistentVolumeClaim, "shop-data").await;
        assert_eq!(at(&claim, "/spec/resources/requests/storage"), "5Gi");
        assert_eq!(at(&claim, "/spec/accessModes"), &json!(["ReadWriteMany"]));
    }
}

#[tokio::test]
async fn class_that_cannot_grow_holds_back_only_the_claim() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let grown = json!({"storage": {"embedded": {"size": "7Gi"}}, "logging": {"level": "ERROR"}});
    cluster.apply(&system("shop", grown)).await;
    for deployment in ["shop-ticket", "shop-vacancy"] {
        reaches(&cluster, deployment, "ERROR").await;
    }
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "ApplyFailed");
    assert!(message.starts_with("PersistentVolumeClaim shop-data: "), "{message}");
    let (reason, message) = cluster.condition("shop", "HeldBack", "True").await;
    assert_eq!(reason, "ApplyFailed");
    assert!(message.starts_with("PersistentVolumeClaim shop-data: "), "{message}");
    let (reason, progress) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!((reason.as_str(), progress), ("HeldBack", message));
    cluster.condition("shop", "Ready", "True").await;
    cluster.apply(&system("shop", json!({"storage": {"embedded": {"size": "1Gi"}}}))).await;
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "UpToDate");
    let conditions = cluster.status("shop").await.conditions;
    assert!(conditions.iter().all(|condition| condition.type_ != "HeldBack"), "{conditions:?}");
}

#[tokio::test]
async fn refused_settings_hold_back_only_their_deployment() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let allowed = "!object.metadata.name.startsWith('shop-ticket')";
    let words = "no more settings today";
    let policy = policy::deny(&cluster, "configmaps", &["CREATE"], allowed, words).await;
    eventually("the policy is enforced", || async {
        let name = "shop-ticket-probe";
        let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let probe: DynamicObject = serde_json::from_value(probe).expect("a ConfigMap");
        let params = PostParams { dry_run: true, ..Default::default() };
        match cluster.api(Kind::ConfigMap).create(&params, &probe).await {
            Ok(_) => Err("not yet"),
            Err(_) => Ok(()),
        }
    })
    .await;
    cluster.apply(&system("shop", json!({"logging": {"level": "DEBUG"}}))).await;
    reaches(&cluster, "shop-vacancy", "DEBUG").await;
    let (_, message) = cluster.condition("shop", "HeldBack", "True").await;
    assert!(message.contains(words), "{message}");
    assert!(
        message.contains("; Deployment shop-ticket: waits for ConfigMap shop-ticket-"),
        "{message}"
    );
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "HeldBack");
    assert_eq!(level(&cluster, "shop-ticket").await, "INFO", "its pods can restart with these");
    cluster.condition("shop", "Ready", "True").await;
    policy.remove(&cluster).await;
    reaches(&cluster, "shop-ticket", "DEBUG").await;
    cluster.condition("shop", "Degraded", "False").await;
}

#[tokio::test]
async fn settings_stay_while_a_pod_or_a_replica_set_refers_to_them() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let first = cluster.get(Kind::ConfigMap, "shop-ticket").await;
    assert_eq!(at(&first, "/immutable"), true);
    let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
    let mut template = at(&deployment, "/spec/template").clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!("x");
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "old", "labels": template["metadata"]["labels"]},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"pod-template-hash": "x"}}, "template": template}});
    let sets: Api<k8s_openapi::api::apps::v1::ReplicaSet> =
        Api::namespaced(cluster.client.clone(), &cluster.namespace);
    sets.create(&PostParams::default(), &serde_json::from_value(set).expect("a set"))
        .await
        .expect("the set is made");
    for round in 0..6 {
        let spec = json!({"otlpEndpoint": format!("http://otel:{round}")});
        cluster.apply(&system("shop", spec)).await;
        eventually("it is applied", || async {
            let now = cluster.get(Kind::ConfigMap, "shop-ticket").await;
            let endpoint = at(&now, "/data/OTEL_EXPORTER_OTLP_ENDPOINT").clone();
            if endpoint == format!("http://otel:{round}") { Ok(()) } else { Err(endpoint) }
        })
        .await;
    }
    eventually("the latest three former ones and the one in use are left", || async {
        let names = config_maps(&cluster, "shop-ticket").await;
        let kept = names.len() == 5 && names.contains(&first.name_any());
        if kept { Ok(()) } else { Err(names) }
    })
    .await;
    sets.delete("old", &DeleteParams::background()).await.expect("the set goes");
    eventually("the first one goes", || async {
        let names = config_maps(&cluster, "shop-ticket").await;
        if names.len() == 4 && !names.contains(&first.name_any()) { Ok(()) } else { Err(names) }
    })
    .await;
}

#[tokio::test]
async fn settings_under_the_name_of_others_are_replaced() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let right = cluster.get(Kind::ConfigMap, "shop-vacancy").await;
    let mut wrong = right.clone();
    wrong.metadata = kube::core::ObjectMeta {
        name: right.metadata.name.clone(),
        labels: right.metadata.labels.clone(),
        owner_references: right.metadata.owner_references.clone(),
        ..Default::default()
    };
    wrong.data["data"]["LOG_LEVEL"] = json!("LOUD");
    let api = cluster.api(Kind::ConfigMap);
    api.delete(&right.name_any(), &DeleteParams::default()).await.expect("it is deleted");
    // The operator may be quicker.
    let _ = api.create(&PostParams::default(), &wrong).await;
    reaches(&cluster, "shop-vacancy", "INFO").await;
    cluster.condition("shop", "Degraded", "False").await;
}

#[tokio::test]
async fn upgrade_from_plain_names_keeps_the_settings_that_pods_use() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    operator.kill().await;
    // As the previous version made them.
    let config = cluster.get(Kind::ConfigMap, "shop-ticket").await;
    let mut plain = config.clone();
    plain.metadata.name = Some("shop-ticket".to_owned());
    plain.metadata.resource_version = None;
    plain.metadata.uid = None;
    plain.metadata.managed_fields = None;
    plain.data["immutable"] = Value::Null;
    let api = cluster.api(Kind::ConfigMap);
    api.create(&PostParams::default(), &plain).await.expect("it is made");
    let reference = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "ticket", "image": "ticket:1", "envFrom": [{"configMapRef": {"name": "shop-ticket"}}]}]}}}});
    let before = cluster.edit(Kind::Deployment, "shop-ticket", reference).await;
    let _operator = start(&cluster);
    eventually("the template refers to the new name", || async {
        let now = cluster.get(Kind::Deployment, "shop-ticket").await;
        let name = at(&now, "/spec/template/spec/containers/0/envFrom/0/configMapRef/name");
        if *name == config.name_any() { Ok(()) } else { Err(name.clone()) }
    })
    .await;
    cluster.condition("shop", "Progressing", "False").await;
    let after = cluster.get(Kind::Deployment, "shop-ticket").await;
    assert_eq!(after.metadata.generation, before.metadata.generation.map(|before| before + 1));
    assert!(cluster.find_exactly(Kind::ConfigMap, "shop-ticket").await.is_some());
}
