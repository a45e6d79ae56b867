//! Other writers of the same fields are reported, and corrected less and less often.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use kube::api::{Patch, PatchParams};
use operator::kind::Kind;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{
    Cluster, at, kubelet,
    operators::{settings, start_with},
    start, system, until,
};

/// A writer that applies `patch` to a child whenever `pointer` has another value.
struct Rewriter {
    on: Arc<AtomicBool>,
    writes: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Rewriter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn rewrite(
    cluster: &Cluster,
    (kind, name): (Kind, &'static str),
    manager: &'static str,
    pointer: &'static str,
    patch: Value,
) -> Rewriter {
    let (on, writes) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let api = cluster.api(kind);
    let (is_on, count) = (Arc::clone(&on), Arc::clone(&writes));
    let wanted = patch.pointer(pointer).cloned().expect("the patch has the field");
    let task = tokio::spawn(async move {
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..Default::default() };
        loop {
            if is_on.load(Ordering::Relaxed)
                && let Ok(object) = api.get(name).await
                && *at(&object, pointer) != wanted
                && api.patch(name, &params, &Patch::Strategic(&patch)).await.is_ok()
            {
                count.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    Rewriter { on, writes, task }
}

/// Waits until the other writer had the time for a hundred rounds.
async fn let_it_run() {
    let started = Instant::now();
    until("time passes", || async { started.elapsed() > Duration::from_secs(8) }).await;
}

#[tokio::test]
async fn rewritten_image_is_reported_and_backed_off_from() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "FieldConflict", "False").await;
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "ticket", "image": "mirror/ticket:1"}]}}}});
    let writer = rewrite(
        &cluster,
        (Kind::Deployment, "shop-ticket"),
        "image-rewriter",
        "/spec/template/spec/containers/0/image",
        patch,
    );
    let (reason, message) = cluster.condition("shop", "FieldConflict", "True").await;
    assert_eq!(reason, "FieldConflict");
    assert!(
        message.contains("image-rewriter")
            && message.contains("spec.template.spec.containers.ticket.image")
            && message.contains("Deployment shop-ticket"),
        "{message}"
    );
    let_it_run().await;
    let writes = writer.writes.load(Ordering::Relaxed);
    assert!(writes <= 7, "{writes} rounds");
    let text = String::from_utf8(running.operator.metrics.render().expect("text")).expect("UTF-8");
    assert!(text.contains("ticket_operator_field_conflicts 1"), "{text}");
    let (reason, _) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "FieldConflict");
    cluster.condition("shop", "Ready", "True").await;
    // A changed spec does not wait.
    cluster.apply(&system("shop", json!({"ticket": {"podAnnotations": {"a": "b"}}}))).await;
    until("it is applied", || async {
        let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
        at(&deployment, "/spec/template/metadata/annotations/a") == "b"
    })
    .await;

    writer.on.store(false, Ordering::Relaxed);
    until("the image is corrected", || async {
        let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
        at(&deployment, "/spec/template/spec/containers/0/image") == "ticket:1"
    })
    .await;
    cluster.condition("shop", "FieldConflict", "False").await;
    cluster.condition("shop", "Degraded", "False").await;
    cluster.has_event("shop", "FieldConflict", "").await;
}

#[tokio::test]
async fn scaling_in_a_loop_is_reported_and_backed_off_from() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let quick = settings(&cluster, &["--conflict-pause-max-s=3"]);
    let _running = start_with(&cluster, quick);
    let fixed = json!({"ticket": {"replicas": 3, "autoscaling": {"enabled": false}}});
    cluster.apply(&system("shop", fixed)).await;
    cluster.condition("shop", "Ready", "True").await;
    let writer = rewrite(
        &cluster,
        (Kind::Deployment, "shop-ticket"),
        "kubectl-scale",
        "/spec/replicas",
        json!({"spec": {"replicas": 6}}),
    );
    let (_, message) = cluster.condition("shop", "FieldConflict", "True").await;
    assert!(message.contains("kubectl-scale") && message.contains("spec.replicas"), "{message}");
    let_it_run().await;
    let writes = writer.writes.load(Ordering::Relaxed);
    assert!((4..=9).contains(&writes), "{writes} rounds with pauses of at most 3 s");
    writer.on.store(false, Ordering::Relaxed);
    cluster.condition("shop", "FieldConflict", "False").await;
    let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
    assert_eq!(at(&deployment, "/spec/replicas"), 3);
}

#[tokio::test]
async fn operator_without_claims_does_not_fight_for_ever() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    // An old operator writes as the same field manager.
    let writer = rewrite(
        &cluster,
        (Kind::Deployment, "shop-ticket"),
        "ticket-system-operator",
        "/spec/revisionHistoryLimit",
        json!({"spec": {"revisionHistoryLimit": 1}}),
    );
    let (_, message) = cluster.condition("shop", "FieldConflict", "True").await;
    assert!(
        message.contains("spec.revisionHistoryLimit")
            && message.contains("another version of the operator"),
        "{message}"
    );
    let_it_run().await;
    assert!(writer.writes.load(Ordering::Relaxed) <= 7);
}

#[tokio::test]
async fn child_that_is_deleted_again_and_again_is_reported() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let api = cluster.api(Kind::PodDisruptionBudget);
    let deletes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&deletes);
    let task = tokio::spawn(async move {
        loop {
            if api.delete("shop-ticket", &Default::default()).await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let (_, message) = cluster.condition("shop", "FieldConflict", "True").await;
    assert!(
        message.contains("PodDisruptionBudget shop-ticket is deleted again and again"),
        "{message}"
    );
    let_it_run().await;
    task.abort();
    assert!(deletes.load(Ordering::Relaxed) <= 7);
}
