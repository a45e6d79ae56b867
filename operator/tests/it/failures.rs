//! Every failure shows in the status within seconds, and one failure does not stop the rest.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use operator::{kind::Kind, status::diagnosis::ProbeResult};
use serde_json::{Value, json};

use crate::support::{
    Cluster, Running,
    apiserver::ApiServer,
    at,
    cluster::{apply_value, install},
    eventually, kubelet, start, system, until,
};

/// Denies writes of `resource` in the namespace of `cluster`.
async fn deny(cluster: &Cluster, group: &str, resource: &str) {
    let name = policy(cluster);
    let rule = json!({"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]});
    let namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": cluster.namespace}});
    for (kind, spec) in [
        (
            "ValidatingAdmissionPolicy",
            json!({"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule], "namespaceSelector": namespace},
                "validations": [{"expression": "request.userInfo.username == 'admin'", "message": "closed for the night"}]}),
        ),
        (
            "ValidatingAdmissionPolicyBinding",
            json!({"policyName": name, "validationActions": ["Deny"]}),
        ),
    ] {
        let body = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        apply_value(&cluster.client, &body).await;
    }
    // Policies take effect some time after they were written.
    let operator =
        Client::try_from(cluster.server.config(crate::support::apiserver::OPERATOR_TOKEN))
            .expect("a client");
    let probe = match resource {
        "services" => Kind::Service,
        _ => return,
    };
    let api: Api<DynamicObject> =
        Api::namespaced_with(operator, &cluster.namespace, &probe.api_resource());
    let body = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "probe"}, "spec": {"ports": [{"port": 1}]}});
    let dry_run = PatchParams { dry_run: true, ..PatchParams::apply("probe") };
    eventually("the policy is enforced", || async {
        match api.patch("probe", &dry_run, &Patch::Apply(&body)).await {
            Ok(_) => Err("not yet"),
            Err(_) => Ok(()),
        }
    })
    .await;
}

fn policy(cluster: &Cluster) -> String {
    format!("deny.{}.example.com", cluster.namespace)
}

async fn remove(client: &Client, kind: &str, name: &str) {
    let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&gvk));
    let _ = api.delete(name, &DeleteParams::default()).await;
}

async fn allow(cluster: &Cluster) {
    remove(&cluster.client, "ValidatingAdmissionPolicyBinding", &policy(cluster)).await;
    let gvk =
        GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy");
    let resource = ApiResource::from_gvk_with_plural(&gvk, "validatingadmissionpolicies");
    let api: Api<DynamicObject> = Api::all_with(cluster.client.clone(), &resource);
    let _ = api.delete(&policy(cluster), &DeleteParams::default()).await;
}

fn shown(running: &Running) -> String {
    String::from_utf8(running.operator.metrics.render().expect("text")).expect("UTF-8")
}

#[tokio::test]
async fn refused_service_is_not_ready_with_the_reason() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    deny(&cluster, "", "services").await;
    let _running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, message) = cluster.condition("shop", "Ready", "False").await;
    eventually("the pods are up, and the Service is the reason", || async {
        let (reason, message) = cluster.condition("shop", "Ready", "False").await;
        if reason == "ApplyFailed" && message.contains("closed for the night") {
            Ok(())
        } else {
            Err((reason, message))
        }
    })
    .await;
    drop((reason, message));
    let (reason, _) = cluster.condition("shop", "Stalled", "True").await;
    assert_eq!(reason, "ApplyFailed");
    cluster.has_event("shop", "ApplyFailed", "").await;
    allow(&cluster).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Degraded", "False").await;
}

#[tokio::test]
async fn failing_webhook_shows_within_seconds() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let name = policy(&cluster);
    let webhook = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name},
        "webhooks": [{"name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail", "timeoutSeconds": 1,
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": cluster.namespace}},
            "rules": [{"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["configmaps"]}]}]});
    apply_value(&cluster.client, &webhook).await;
    eventually("the webhook fails", || async {
        let edit = json!({"metadata": {"annotations": {"a": "b"}}});
        let params = PatchParams { dry_run: true, ..Default::default() };
        match cluster.api(Kind::ConfigMap).patch("shop-ticket", &params, &Patch::Merge(edit)).await
        {
            Ok(_) => Err("not yet"),
            Err(_) => Ok(()),
        }
    })
    .await;
    let changed = Instant::now();
    cluster.apply(&system("shop", json!({"logging": {"level": "DEBUG"}}))).await;
    let (reason, message) = cluster.condition("shop", "Stalled", "True").await;
    assert!(changed.elapsed() < Duration::from_secs(10), "{:?}", changed.elapsed());
    assert!(reason == "ApplyFailed" && message.contains("webhook"), "{reason}: {message}");
    let generation = cluster.systems().get("shop").await.expect("the resource").metadata.generation;
    assert_eq!(cluster.status("shop").await.observed_generation, generation);
    remove(&cluster.client, "ValidatingWebhookConfiguration", &name).await;
    cluster.condition("shop", "Degraded", "False").await;
    cluster.condition("shop", "Ready", "True").await;
}

#[tokio::test]
async fn refused_status_is_counted_and_does_not_stop_the_children() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    deny(&cluster, "ticket-system.io", "ticketsystems/status").await;
    cluster.apply(&system("shop", json!({}))).await;
    // Wait until the policy is enforced.
    let operator =
        Client::try_from(cluster.server.config(crate::support::apiserver::OPERATOR_TOKEN))
            .expect("a client");
    let api: Api<operator::api::TicketSystem> = Api::namespaced(operator, &cluster.namespace);
    eventually("the status is closed", || async {
        let status = json!({"status": {"url": "http://x"}});
        let params = PatchParams { dry_run: true, ..Default::default() };
        match api.patch_status("shop", &params, &Patch::Merge(status)).await {
            Ok(_) => Err("not yet"),
            Err(_) => Ok(()),
        }
    })
    .await;
    let running = start(&cluster);
    until("failed writes are counted", || async {
        let text = shown(&running);
        text.contains("ticket_operator_status_write_errors_total")
            && !text.contains("ticket_operator_status_write_errors_total 0")
    })
    .await;
    until("the children are there", || async {
        cluster.find(Kind::Deployment, "shop-ticket").await.is_some()
    })
    .await;
    allow(&cluster).await;
    cluster.condition("shop", "Ready", "True").await;
}

#[tokio::test]
async fn pods_that_cannot_be_created_are_explained_at_once() {
    let cluster = Cluster::new().await;
    let _running = start(&cluster);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    until("the Deployment is made", || async {
        cluster.find(Kind::Deployment, "shop").await.is_some()
    })
    .await;
    let generation = cluster.get(Kind::Deployment, "shop").await.metadata.generation;
    let status = json!({"status": {"observedGeneration": generation, "conditions": [
        {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "pods \"shop-x\" is forbidden: exceeded quota: small"}]}});
    cluster
        .api(Kind::Deployment)
        .patch_status("shop", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("its status is set");
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert!(reason == "PodsFailing" && message.contains("exceeded quota: small"), "{message}");
    let (reason, message) = cluster.condition("shop", "Ready", "False").await;
    assert!(reason == "PodsFailing" && message.contains("exceeded quota: small"), "{message}");
}

#[tokio::test]
async fn database_outage_is_no_rollout() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.shop_on_a_database().await;
    cluster.condition("shop", "Progressing", "False").await;
    // The pods count as ready, and /ready fails: the kubelet has not noticed yet.
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let mut pod =
        at(&cluster.get(Kind::Deployment, "shop-vacancy").await, "/spec/template").clone();
    pod["metadata"]["name"] = json!("shop-vacancy-x");
    pods.create(&PostParams::default(), &serde_json::from_value(pod).expect("a pod"))
        .await
        .expect("the pod is made");
    let status = json!({"status": {"phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}], "conditions": [{"type": "Ready", "status": "True"}]}});
    pods.patch_status("shop-vacancy-x", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("its status is set");
    let gone = Instant::now();
    *running.ready.0.lock().expect("the result") =
        ProbeResult::NotReady("database is down".to_owned());
    let (reason, message) = cluster.condition("shop", "Ready", "False").await;
    assert!(gone.elapsed() < Duration::from_secs(10), "{:?}", gone.elapsed());
    assert!(reason == "ServiceNotReady" && message.contains("database is down"), "{message}");

    kubelet.pods_ready.store(false, Ordering::Relaxed);
    eventually("it is an outage", || async {
        let (reason, message) = cluster.condition("shop", "Progressing", "False").await;
        if reason == "PodsNotReady" { Ok(()) } else { Err((reason, message)) }
    })
    .await;
    let conditions = cluster.status("shop").await.conditions;
    assert!(conditions.iter().all(|condition| condition.type_ != "Reconciling"), "{conditions:?}");
    *running.ready.0.lock().expect("the result") = ProbeResult::Ready;
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    cluster.condition("shop", "Ready", "True").await;
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "UpToDate");
}

/// Sets the verbs of the operator on PodDisruptionBudgets.
async fn grant(client: &Client, verbs: &[&str]) {
    let documents = chart_tests::file("k8s/operator/rbac.yaml");
    let mut role = documents
        .into_iter()
        .find(|document| document["kind"] == "ClusterRole")
        .expect("a ClusterRole");
    let rules = role["rules"].as_array_mut().expect("rules");
    rules.retain(|rule| rule["resources"] != json!(["poddisruptionbudgets"]) || !verbs.is_empty());
    for rule in rules.iter_mut().filter(|rule| rule["resources"] == json!(["poddisruptionbudgets"]))
    {
        rule["verbs"] = Value::from(verbs.to_vec());
    }
    apply_value(client, &role).await;
}

#[tokio::test]
async fn denied_watch_affects_only_its_kind() {
    let server = Arc::new(ApiServer::start().await);
    install(&server).await;
    let cluster = Cluster::on(server).await;
    grant(&cluster.client, &["get", "create", "patch", "delete"]).await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Degraded", "False").await;
    assert!(cluster.find(Kind::PodDisruptionBudget, "shop-ticket").await.is_some());
    let started = Instant::now();
    until("attempts go by", || async { started.elapsed() > Duration::from_secs(6) }).await;
    let lists = |running: &Running| {
        running
            .operator
            .metrics
            .api_requests()
            .iter()
            .filter(|((verb, resource), _)| {
                matches!(verb.as_str(), "list" | "watch")
                    && resource.starts_with("poddisruptionbudgets")
            })
            .map(|(_, count)| *count)
            .sum::<u64>()
    };
    assert!(lists(&running) <= 12, "{} attempts", lists(&running));

    grant(&cluster.client, &[]).await;
    cluster.apply(&system("kiosk", json!({}))).await;
    let (reason, message) = cluster.condition("kiosk", "Degraded", "True").await;
    assert!(reason == "ApplyFailed" && message.contains("poddisruptionbudgets"), "{message}");
    cluster.condition("kiosk", "Ready", "True").await;
    grant(&cluster.client, &["get", "list", "watch", "create", "patch", "delete"]).await;
    cluster.condition("kiosk", "Degraded", "False").await;
}
