//! Running pods are replaced only by pods that can start.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{
    Cluster, Running, at, eventually, kubelet,
    operators::{settings, start_with},
    policy, start, system, until,
};

const BAD: &str = "vacancy:bad";

pub async fn checks(cluster: &Cluster) -> Vec<Pod> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let labels = "app.kubernetes.io/component in (ticket-check,vacancy-check,monolith-check)";
    pods.list(&ListParams::default().labels(labels)).await.expect("a list").items
}

async fn no_checks_left(cluster: &Cluster) {
    eventually("the pods of checks are deleted", || async {
        let left: Vec<String> = checks(cluster).await.iter().map(ResourceExt::name_any).collect();
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}

pub async fn image(cluster: &Cluster, name: &str) -> Value {
    let deployment = cluster.get(Kind::Deployment, name).await;
    at(&deployment, "/spec/template/spec/containers/0/image").clone()
}

pub async fn is_applied(cluster: &Cluster, name: &str, expected: &str) {
    eventually(&format!("{name} gets {expected}"), || async {
        let now = image(cluster, name).await;
        if now == expected { Ok(()) } else { Err(now) }
    })
    .await;
}

/// The status of a pod whose container ended, or waits.
fn container(phase: &str, state: &Value) -> Value {
    let status = json!({"name": "vacancy", "image": BAD, "imageID": "", "ready": false, "restartCount": 0, "state": state});
    json!({"phase": phase, "containerStatuses": [status]})
}

pub fn ended(code: i32, message: &str) -> Value {
    let ended = json!({"exitCode": code, "reason": "Error", "message": message});
    container("Failed", &json!({"terminated": ended}))
}

pub async fn shop() -> (Cluster, kubelet::Kubelet, Running) {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    (cluster, kubelet, operator)
}

pub fn with_image(image: &str) -> Value {
    system("shop", json!({"images": {"vacancy": image}}))
}

/// Waits until the failed check is reported, and checks that the running pods stay.
async fn is_held(cluster: &Cluster, words: &str) {
    eventually(&format!("the check fails with {words}"), || async {
        let (reason, message) = cluster.condition("shop", "Stalled", "True").await;
        if reason == "PreflightFailed" && message.contains(words) {
            Ok(())
        } else {
            Err((reason, message))
        }
    })
    .await;
    for (type_, status) in
        [("PreflightFailed", "True"), ("Degraded", "True"), ("Progressing", "False")]
    {
        let (reason, message) = cluster.condition("shop", type_, status).await;
        assert_eq!(reason, "PreflightFailed", "{type_}");
        assert!(message.contains("Deployment shop-vacancy: "), "{message}");
    }
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(image(cluster, "shop-vacancy").await, "vacancy:1", "the old pods go on selling");
}

#[tokio::test]
async fn first_install_and_unchanged_templates_are_not_checked() {
    let (cluster, kubelet, _operator) = shop().await;
    *kubelet.checks.lock().expect("the result") = ended(2, "never");
    cluster
        .edit(Kind::Deployment, "shop-vacancy", json!({"spec": {"revisionHistoryLimit": 1}}))
        .await;
    eventually("drift is corrected", || async {
        let deployment = cluster.get(Kind::Deployment, "shop-vacancy").await;
        let limit = at(&deployment, "/spec/revisionHistoryLimit").clone();
        if limit == 5 { Ok(()) } else { Err(limit) }
    })
    .await;
    let spec =
        json!({"ingress": {"host": "x.example.com"}, "podDisruptionBudget": {"maxUnavailable": 2}});
    cluster.apply(&system("shop", spec)).await;
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "UpToDate");
    assert!(checks(&cluster).await.is_empty());
}

#[tokio::test]
async fn swap_waits_for_its_check_and_cleans_up() {
    let (cluster, kubelet, _operator) = shop().await;
    // The check does not end yet.
    *kubelet.checks.lock().expect("the result") = json!({});
    cluster.apply(&with_image("vacancy:2")).await;
    let (reason, message) = cluster.condition("shop", "Progressing", "True").await;
    assert_eq!(reason, "Preflight");
    assert!(message.contains("vacancy vacancy:2"), "{message}");
    let pods = eventually("the pod of the check is made", || async {
        let pods = checks(&cluster).await;
        if pods.len() == 1 { Ok(pods) } else { Err(pods.len()) }
    })
    .await;
    let pod = serde_json::to_value(&pods[0]).expect("JSON");
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["image"], "vacancy:2");
    assert_eq!(container["args"], json!(["check"]));
    assert_eq!(pod["spec"]["restartPolicy"], "Never");
    let deployment = cluster.get(Kind::Deployment, "shop-vacancy").await;
    let running = at(&deployment, "/spec/template/spec/containers/0");
    assert_eq!(container["env"], running["env"], "the same secrets");
    let mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
    assert!(mounts.iter().all(|mount| mount["mountPath"] != "/data"), "{mounts:?}");
    assert!(!pod.to_string().contains("persistentVolumeClaim"), "the volume has one writer");
    assert_eq!(pod["metadata"]["ownerReferences"][0]["name"], "shop");
    assert_eq!(image(&cluster, "shop-vacancy").await, "vacancy:1");

    *kubelet.checks.lock().expect("the result") = json!({"phase": "Succeeded"});
    is_applied(&cluster, "shop-vacancy", "vacancy:2").await;
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "UpToDate");
    no_checks_left(&cluster).await;
}

#[tokio::test]
async fn failed_checks_keep_the_old_pods_selling() {
    let pull = json!({"waiting": {"reason": "ImagePullBackOff", "message": "back-off"}});
    let config = json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"x\" not found"}});
    let cases = [
        (
            ended(2, "MAX_QTY: \"0\" is not accepted; expected 1 to 500"),
            "exit code 2: MAX_QTY: \"0\" is not accepted",
        ),
        (container("Pending", &pull), "cannot pull image vacancy:bad"),
        (container("Pending", &config), "CreateContainerConfigError: secret \"x\" not found"),
        (
            json!({"phase": "Failed", "reason": "DeadlineExceeded", "message": "active too long"}),
            "DeadlineExceeded: active too long",
        ),
    ];
    let (cluster, kubelet, _operator) = shop().await;
    for (number, (status, words)) in cases.into_iter().enumerate() {
        *kubelet.checks.lock().expect("the result") = status;
        let env = json!([{"name": "CASE", "value": number.to_string()}]);
        let spec = json!({"images": {"vacancy": BAD}, "vacancy": {"env": env}, "logging": {"level": "INFO"}});
        cluster.apply(&system("shop", spec)).await;
        is_held(&cluster, words).await;
        assert_eq!(checks(&cluster).await.len(), 1, "the pods of former checks are deleted");
    }
    cluster.has_event("shop", "PreflightFailed", "").await;
    // Set back, or corrected: both end it.
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Degraded", "False").await;
    no_checks_left(&cluster).await;
    *kubelet.checks.lock().expect("the result") = json!({"phase": "Succeeded"});
    cluster.apply(&with_image("vacancy:3")).await;
    is_applied(&cluster, "shop-vacancy", "vacancy:3").await;
    let conditions = cluster.status("shop").await.conditions;
    assert!(conditions.iter().all(|condition| condition.type_ != "PreflightFailed"));
}

#[tokio::test]
async fn ticket_and_monolith_are_checked_as_well() {
    let (cluster, kubelet, _operator) = shop().await;
    *kubelet.checks.lock().expect("the result") = ended(2, "VACANCY_URL: no");
    cluster.apply(&system("shop", json!({"images": {"ticket": "ticket:bad"}}))).await;
    let (_, message) = cluster.condition("shop", "PreflightFailed", "True").await;
    assert!(message.contains("Deployment shop-ticket: "), "{message}");
    assert_eq!(image(&cluster, "shop-ticket").await, "ticket:1");

    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    cluster.condition("shop", "Ready", "True").await;
    *kubelet.checks.lock().expect("the result") = ended(1, "panic");
    let spec = json!({"mode": "monolith", "images": {"ticket": "ticket:bad"}});
    cluster.apply(&system("shop", spec)).await;
    let (_, message) = cluster.condition("shop", "PreflightFailed", "True").await;
    assert!(message.contains("Deployment shop: ") && message.contains("exit code 1"), "{message}");
    assert_eq!(image(&cluster, "shop").await, "ticket:1");
}

#[tokio::test]
async fn image_without_a_check_is_applied_with_a_warning() {
    let (cluster, kubelet, _operator) = shop().await;
    *kubelet.checks.lock().expect("the result") =
        ended(2, "error: unrecognized subcommand 'check'\n\nUsage: vacancy [COMMAND]");
    cluster.apply(&with_image("vacancy:old")).await;
    is_applied(&cluster, "shop-vacancy", "vacancy:old").await;
    eventually("an event warns", || async {
        let events = cluster.events("shop").await;
        let warned = events
            .iter()
            .any(|(reason, note)| reason == "PreflightSkipped" && note.contains("vacancy:old"));
        if warned { Ok(()) } else { Err(events) }
    })
    .await;
    no_checks_left(&cluster).await;
}

#[tokio::test]
async fn refused_check_pod_is_explained() {
    let (cluster, _kubelet, _operator) = shop().await;
    let words = "no loose pods here";
    let expression = "!object.metadata.name.contains('-check-')";
    let policy = policy::deny(&cluster, "pods", &["CREATE"], expression, words).await;
    eventually("the policy is enforced", || async {
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x-check-x"},
            "spec": {"containers": [{"name": "x", "image": "x", "securityContext": {"allowPrivilegeEscalation": false, "runAsNonRoot": true,
                "seccompProfile": {"type": "RuntimeDefault"}, "capabilities": {"drop": ["ALL"]}}}]}});
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
        let params = PostParams { dry_run: true, ..Default::default() };
        match pods.create(&params, &serde_json::from_value(body).expect("a pod")).await {
            Ok(_) => Err("not yet"),
            Err(_) => Ok(()),
        }
    })
    .await;
    cluster.apply(&with_image(BAD)).await;
    is_held(&cluster, words).await;
    policy.remove(&cluster).await;
    is_applied(&cluster, "shop-vacancy", BAD).await;
    cluster.condition("shop", "Degraded", "False").await;
}

#[tokio::test]
async fn unscheduled_check_ends_at_its_deadline_and_is_repeated() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start_with(&cluster, settings(&cluster, &["--preflight-timeout-s=5"]));
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    *kubelet.checks.lock().expect("the result") = json!({"phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}]});
    cluster.apply(&with_image(BAD)).await;
    is_held(&cluster, "it cannot be scheduled: 0/3 nodes are available").await;
    // A node comes up.
    *kubelet.checks.lock().expect("the result") = json!({"phase": "Succeeded"});
    is_applied(&cluster, "shop-vacancy", BAD).await;
    no_checks_left(&cluster).await;
}

#[tokio::test]
async fn restarted_operator_continues_with_the_same_check() {
    let (cluster, kubelet, operator) = shop().await;
    *kubelet.checks.lock().expect("the result") = json!({});
    cluster.apply(&with_image("vacancy:2")).await;
    let before = eventually("the check starts", || async {
        checks(&cluster).await.first().and_then(ResourceExt::uid).ok_or("not yet")
    })
    .await;
    operator.kill().await;
    let _operator = start(&cluster);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(checks(&cluster).await.first().and_then(ResourceExt::uid), Some(before));
    *kubelet.checks.lock().expect("the result") = json!({"phase": "Succeeded"});
    is_applied(&cluster, "shop-vacancy", "vacancy:2").await;
    no_checks_left(&cluster).await;
}

#[tokio::test]
async fn pod_of_a_check_is_deleted_if_the_spec_was_set_back_meanwhile() {
    let (cluster, kubelet, operator) = shop().await;
    *kubelet.checks.lock().expect("the result") = json!({});
    cluster.apply(&with_image("vacancy:2")).await;
    until("the check starts", || async { !checks(&cluster).await.is_empty() }).await;
    operator.kill().await;
    // No condition says any more that a check ran.
    cluster.apply(&system("shop", json!({}))).await;
    let cleared = Patch::Merge(json!({"status": {"conditions": []}}));
    let params = PatchParams::default();
    cluster.systems().patch_status("shop", &params, &cleared).await.expect("it is cleared");
    let _operator = start(&cluster);
    no_checks_left(&cluster).await;
    assert_eq!(image(&cluster, "shop-vacancy").await, "vacancy:1");
}
