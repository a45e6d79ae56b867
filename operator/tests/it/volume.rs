//! Two writers never share the volume, in whatever way the first one ends.

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use operator::{
    apply::{self, IngressHandovers},
    build,
    dereference::{Dereferenced, Live},
    kind::Kind,
    new_secrets::NewSecrets,
    validate::validate,
};
use serde_json::{Value, json};

use crate::support::{
    Cluster, apiserver::OPERATOR_TOKEN, at, eventually, kubelet, operators::settings, start,
    system, until,
};

type Pods = Api<k8s_openapi::api::core::v1::Pod>;

fn pods(cluster: &Cluster) -> Pods {
    Api::namespaced(cluster.client.clone(), &cluster.namespace)
}

/// Creates a pod of the Deployment `of` on a node, so that its deletion waits for a kubelet.
async fn run_pod(cluster: &Cluster, of: &DynamicObject, name: &str, owner: Option<Value>) {
    let mut pod = at(of, "/spec/template").clone();
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["ownerReferences"] = owner.map_or_else(|| json!([]), |owner| json!([owner]));
    pod["spec"]["nodeName"] = json!("node");
    pods(cluster)
        .create(&PostParams::default(), &serde_json::from_value(pod).expect("a pod"))
        .await
        .expect("the pod is made");
}

async fn stop_pod(cluster: &Cluster, name: &str) {
    pods(cluster)
        .delete(name, &DeleteParams::default().grace_period(0))
        .await
        .expect("the pod goes");
}

/// Creates a ReplicaSet of the Deployment `of`, as the Deployment controller does.
async fn run_set(cluster: &Cluster, of: &DynamicObject, owned: bool) -> String {
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": of.name_any(), "uid": of.uid(), "controller": true});
    let mut template = at(of, "/spec/template").clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!("x");
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "set", "labels": template["metadata"]["labels"], "ownerReferences": if owned { json!([owner]) } else { json!([]) }},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"pod-template-hash": "x"}}, "template": template}});
    let sets: Api<k8s_openapi::api::apps::v1::ReplicaSet> =
        Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let made = sets
        .create(&PostParams::default(), &serde_json::from_value(set).expect("a set"))
        .await
        .expect("the set is made");
    made.uid().expect("a uid")
}

async fn waits_for(cluster: &Cluster, what: &str) {
    eventually(&format!("it waits for {what}"), || async {
        let (reason, message) = cluster.condition("shop", "Progressing", "True").await;
        if reason == "WaitingForVolume"
            && message == format!("waiting for {what} to release the volume")
        {
            Ok(())
        } else {
            Err((reason, message))
        }
    })
    .await;
    // Longer than a resync.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(
        cluster.find(Kind::Deployment, "shop-vacancy").await.is_none(),
        "two writers on one volume"
    );
    let (reason, _) = cluster.condition("shop", "Ready", "False").await;
    assert_eq!(reason, "WaitingForVolume");
}

async fn comes_back(cluster: &Cluster) {
    until("the writer comes back", || async {
        cluster.find(Kind::Deployment, "shop-vacancy").await.is_some()
    })
    .await;
    cluster.condition("shop", "Ready", "True").await;
}

#[tokio::test]
async fn deleted_writer_is_replaced_after_its_pods_end() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let writer = cluster.get(Kind::Deployment, "shop-vacancy").await;

    run_pod(&cluster, &writer, "running", None).await;
    run_pod(&cluster, &writer, "ending", None).await;
    run_pod(&cluster, &writer, "done", None).await;
    let failed = Patch::Merge(json!({"status": {"phase": "Failed"}}));
    pods(&cluster).patch_status("done", &PatchParams::default(), &failed).await.expect("it is set");
    cluster.delete(Kind::Deployment, "shop-vacancy").await;
    pods(&cluster).delete("ending", &DeleteParams::default()).await.expect("it begins to end");
    waits_for(&cluster, "pod ending, pod running").await;
    stop_pod(&cluster, "running").await;
    waits_for(&cluster, "pod ending").await;
    stop_pod(&cluster, "ending").await;
    comes_back(&cluster).await;
}

#[tokio::test]
async fn recreated_system_waits_for_pods_of_the_deleted_one() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let writer = cluster.get(Kind::Deployment, "shop").await;
    run_pod(&cluster, &writer, "ending", None).await;
    pods(&cluster).delete("ending", &DeleteParams::default()).await.expect("it begins to end");

    cluster.systems().delete("shop", &DeleteParams::default()).await.expect("it is deleted");
    until("it is gone", || async {
        cluster.systems().get_opt("shop").await.expect("an answer").is_none()
    })
    .await;
    // The garbage collector deletes the Deployment first and its pods later.
    cluster.delete(Kind::Deployment, "shop").await;
    // The new system has the other mode, so that no names are the same.
    cluster.apply(&system("shop", json!({}))).await;
    waits_for(&cluster, "pod ending").await;
    stop_pod(&cluster, "ending").await;
    comes_back(&cluster).await;
}

#[tokio::test]
async fn writer_waits_for_a_replica_set_unless_it_is_adopted() {
    for owned in [true, false] {
        let cluster = Cluster::new().await;
        let _kubelet = kubelet::start(&cluster);
        let _operator = start(&cluster);
        cluster.apply(&system("shop", json!({}))).await;
        cluster.condition("shop", "Ready", "True").await;
        let writer = cluster.get(Kind::Deployment, "shop-vacancy").await;
        let uid = run_set(&cluster, &writer, owned).await;
        cluster.delete(Kind::Deployment, "shop-vacancy").await;
        if owned {
            waits_for(&cluster, "ReplicaSet set").await;
            let sets: Api<k8s_openapi::api::apps::v1::ReplicaSet> =
                Api::namespaced(cluster.client.clone(), &cluster.namespace);
            sets.delete("set", &DeleteParams::background()).await.expect("the set goes");
        } else {
            // `kubectl delete --cascade=orphan`: these pods never end.
            let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": uid, "controller": true});
            run_pod(&cluster, &writer, "orphan", Some(owner)).await;
        }
        comes_back(&cluster).await;
    }
}

/// An object in a stale cache may be deleted, or replaced by another of the same name.
#[tokio::test]
async fn stale_cache_does_not_recreate_a_deleted_writer() {
    let cluster = Cluster::new().await;
    let made = cluster.apply(&system("shop", json!({}))).await;
    let found = Dereferenced {
        live: Live::default(),
        store_url: None,
        database_ca: None,
        service_monitors: false,
    };
    let new = NewSecrets::new(
        |role| format!("token-of-the-{}-of-this-test", role.as_str()),
        signing::SigningKeys::generate([1; 32]),
    );
    let valid =
        validate(&made, &found, &settings(&cluster, &[]).defaults, &new).expect("it is valid");
    let client = kube::Client::try_from(cluster.server.config(OPERATOR_TOKEN)).expect("a client");
    let pass = |live: Live| {
        let children = build::build(&valid).into_children().expect("it renders");
        let (client, valid) = (&client, &valid);
        async move {
            apply::apply(client, valid, children, live, &IngressHandovers::default())
                .await
                .expect("it is applied")
        }
    };
    let mut stale = pass(Live::default()).await.live;
    let shown = stale.get(Kind::Deployment, "shop-vacancy").expect("it was made").clone();
    run_pod(&cluster, &shown, "ending", None).await;
    cluster.delete(Kind::Deployment, "shop-vacancy").await;
    let service = stale.get(Kind::Service, "shop-vacancy").expect("it was made").clone();
    cluster.delete(Kind::Service, "shop-vacancy").await;
    for object in [&shown, &service] {
        let kind = if object.types.as_ref().is_some_and(|types| types.kind == "Service") {
            Kind::Service
        } else {
            Kind::Deployment
        };
        let mut changed = object.as_ref().clone();
        changed.metadata.labels.get_or_insert_default().remove("app.kubernetes.io/part-of");
        stale.insert(kind, changed.name_any(), std::sync::Arc::new(changed));
    }

    let applied = pass(stale.clone()).await;
    assert!(
        cluster.find(Kind::Deployment, "shop-vacancy").await.is_none(),
        "two writers on one volume"
    );
    assert_eq!(applied.pending.expect("it waits").reason, "WaitingForVolume");
    assert_ne!(
        cluster.get(Kind::Service, "shop-vacancy").await.uid(),
        service.uid(),
        "recreated, because it does not need the volume"
    );
    stop_pod(&cluster, "ending").await;
    let applied = pass(stale.clone()).await;
    assert!(
        applied.pending.is_none() && applied.failures.is_empty(),
        "{:?} {:?}",
        applied.pending,
        applied.failures
    );
    // Another object has the name now. It is updated without an error.
    let applied = pass(stale).await;
    assert!(
        applied.pending.is_none() && applied.failures.is_empty(),
        "{:?} {:?}",
        applied.pending,
        applied.failures
    );
    assert_ne!(cluster.get(Kind::Deployment, "shop-vacancy").await.uid(), shown.uid());
}
