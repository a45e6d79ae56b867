//! Several watched namespaces.

use std::time::{Duration, Instant};

use kube::api::DeleteParams;
use serde_json::json;

use crate::support::{
    Cluster, eventually, kubelet,
    operators::{settings, start_with},
    system, until,
};

#[tokio::test]
async fn namespaces_are_summed_and_an_empty_one_is_not_stuck() {
    let (one, two) = (Cluster::new().await, Cluster::new().await);
    let _kubelets = (kubelet::start(&one), kubelet::start(&two));
    let both = format!("--watch-namespaces={}", two.namespace);
    let running = start_with(&one, settings(&one, &[&both]));
    one.apply(&system("a", json!({}))).await;
    one.apply(&system("b", json!({"mode": "monolith"}))).await;
    two.apply(&system("a", json!({"mode": "monolith"}))).await;
    let shown =
        || String::from_utf8(running.operator.metrics.render().expect("text")).expect("UTF-8");
    let counted = |ready: usize| {
        let text = shown();
        if text.contains(&format!("ticket_operator_systems{{ready=\"true\"}} {ready}\n")) {
            Ok(())
        } else {
            Err(text)
        }
    };
    eventually("all three are counted", || async { counted(3) }).await;

    two.systems().delete("a", &DeleteParams::default()).await.expect("it is deleted");
    eventually("two are left", || async { counted(2) }).await;
    // After the reconciliation deadline, before the watch deadline.
    let later = || Instant::now() + Duration::from_secs(130);
    let stuck =
        running.operator.progress.stuck(later()).expect("with systems, silence is a bad sign");
    assert!(stuck.contains(&format!("nothing was reconciled in {}", one.namespace)), "{stuck}");
    for name in ["a", "b"] {
        one.systems().delete(name, &DeleteParams::default()).await.expect("it is deleted");
    }
    until("without systems there is nothing to reconcile", || async {
        running.operator.progress.stuck(later()).is_none()
    })
    .await;
    eventually("none is left", || async { counted(0) }).await;
}
