//! A mode switch on a volume: the new door accepts requests before the old one goes.

use std::sync::atomic::Ordering;

use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt, core::DynamicObject};
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::{
    preflight::ended,
    support::{Cluster, Running, at, eventually, kubelet, start, system},
};

/// What buyers and ticket reach, and which Deployments may run pods.
#[derive(Debug, PartialEq, Eq)]
struct View {
    /// Deployments, with whether they are being deleted.
    deployments: Vec<(String, bool)>,
    /// The component behind the Ingress.
    door: String,
    /// The component that the Service of vacancy selects.
    stock: Option<String>,
}

async fn view(cluster: &Cluster) -> View {
    let list = cluster.api(Kind::Deployment).list(&Default::default()).await.expect("a list");
    let ends = |found: &DynamicObject| found.metadata.deletion_timestamp.is_some();
    let deployments = list.iter().map(|found| (found.name_any(), ends(found))).collect();
    let ingress = cluster.get(Kind::Ingress, "shop").await.data.to_string();
    let door = if ingress.contains("shop-ticket") { "ticket" } else { "monolith" };
    let service = cluster.find(Kind::Service, "shop-vacancy").await;
    let stock = service.map(|service| {
        let selected = at(&service, "/spec/selector/app.kubernetes.io~1component").clone();
        selected.as_str().expect("a component").to_owned()
    });
    View { deployments, door: door.to_owned(), stock }
}

impl View {
    fn lives(&self, name: &str) -> bool {
        self.deployments.contains(&(name.to_owned(), false))
    }

    fn has(&self, name: &str) -> bool {
        self.deployments.iter().any(|(found, _)| found == name)
    }
}

/// Waits for a view, and checks each one until then.
async fn sees(
    cluster: &Cluster,
    what: &str,
    is_allowed: impl Fn(&View) -> bool,
    is_wanted: impl Fn(&View) -> bool,
) -> View {
    eventually(what, || async {
        let view = view(cluster).await;
        assert!(is_allowed(&view), "before {what}: {view:?}");
        if is_wanted(&view) { Ok(view) } else { Err(view) }
    })
    .await
}

fn one_writer(view: &View) -> bool {
    !(view.has("shop") && view.has("shop-vacancy"))
}

async fn running(spec: Value) -> (Cluster, kubelet::Kubelet, Running) {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let operator = start(&cluster);
    cluster.apply(&system("shop", spec)).await;
    cluster.condition("shop", "Ready", "True").await;
    kubelet.pods_keep.store(true, Ordering::Relaxed);
    (cluster, kubelet, operator)
}

#[tokio::test]
async fn ticket_opens_before_the_monolith_hands_its_volume_over() {
    let (cluster, kubelet, operator) = running(json!({"mode": "monolith"})).await;
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    cluster.apply(&system("shop", json!({}))).await;
    let old = |view: &View| view.lives("shop") && view.door == "monolith" && one_writer(view);
    let stock_of = |name: &'static str| move |view: &View| view.stock.as_deref() == Some(name);
    sees(&cluster, "ticket reaches the stock", old, |view| {
        view.lives("shop-ticket") && stock_of("monolith")(view)
    })
    .await;
    // Longer than a resync: ticket is not ready.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(old(&view(&cluster).await));
    cluster.condition("shop", "Ready", "True").await;
    let (reason, _) = cluster.condition("shop", "Progressing", "True").await;
    assert_eq!(reason, "SwitchingMode");

    kubelet.pods_go.store(false, Ordering::Relaxed);
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    let serves = |view: &View| view.lives("shop") && one_writer(view) && stock_of("monolith")(view);
    sees(&cluster, "the Ingress moves", serves, |view| view.door == "ticket").await;
    let moved = Timestamp::now();
    // An operator that starts in the middle goes on.
    operator.kill().await;
    let _operator = start(&cluster);
    let door = |view: &View| view.door == "ticket" && view.lives("shop-ticket") && one_writer(view);
    sees(&cluster, "the monolith ends", door, |view| !view.lives("shop")).await;
    let old = cluster.get(Kind::Deployment, "shop").await;
    let deleted = old.metadata.deletion_timestamp.expect("it is being deleted").0;
    assert!(deleted.as_second() - moved.as_second() >= 9, "requests drain first");

    kubelet.pods_go.store(true, Ordering::Relaxed);
    sees(&cluster, "vacancy takes the volume", door, |view| {
        view.lives("shop-vacancy") && stock_of("vacancy")(view)
    })
    .await;
    cluster.condition("shop", "Ready", "True").await;
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "UpToDate");
    assert_eq!(cluster.children().await.len(), 17);
}

#[tokio::test]
async fn ticket_holds_requests_until_the_monolith_serves() {
    let (cluster, kubelet, _operator) = running(json!({})).await;
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    let door = |view: &View| view.door == "ticket" && view.lives("shop-ticket") && one_writer(view);
    sees(&cluster, "the monolith starts", door, |view| view.lives("shop")).await;
    sees(&cluster, "ticket will reach it", door, |view| view.stock.as_deref() == Some("monolith"))
        .await;
    // Longer than a resync: the monolith is not ready.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(door(&view(&cluster).await));
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    let ticket = |view: &View| view.lives("shop-ticket") && one_writer(view);
    sees(&cluster, "the Ingress moves", ticket, |view| view.door == "monolith").await;
    sees(&cluster, "ticket goes last", one_writer, |view| {
        !view.has("shop-ticket") && view.stock.is_none()
    })
    .await;
    cluster.condition("shop", "Ready", "True").await;
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "UpToDate");
}

#[tokio::test]
async fn writer_that_cannot_start_leaves_the_previous_mode() {
    for (from, to, old, new) in [
        ("monolith", "microservices", "shop", "shop-vacancy"),
        ("microservices", "monolith", "shop-vacancy", "shop"),
    ] {
        let (cluster, kubelet, _operator) = running(json!({"mode": from})).await;
        *kubelet.checks.lock().expect("the result") = ended(2, "MAX_QTY: \"0\" is not accepted");
        cluster.apply(&system("shop", json!({"mode": to}))).await;
        let stays = |view: &View| view.lives(old) && !view.has(new);
        eventually("the failed check is reported", || async {
            assert!(stays(&view(&cluster).await));
            let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
            let is_told = reason == "PreflightFailed" && message.contains("MAX_QTY");
            if is_told { Ok(()) } else { Err((reason, message)) }
        })
        .await;
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        assert!(stays(&view(&cluster).await), "{from} is kept");
        cluster.condition("shop", "Ready", "True").await;
        // Set back, everything is as before.
        cluster.apply(&system("shop", json!({"mode": from}))).await;
        let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
        assert_eq!(reason, "UpToDate");
        cluster.condition("shop", "Degraded", "False").await;
        assert!(stays(&view(&cluster).await));
        // Corrected, the switch goes through.
        *kubelet.checks.lock().expect("the result") = json!({"phase": "Succeeded"});
        cluster.apply(&system("shop", json!({"mode": to}))).await;
        sees(&cluster, "the switch goes through", one_writer, |view| {
            view.lives(new) && !view.has(old)
        })
        .await;
        cluster.condition("shop", "Ready", "True").await;
    }
}

#[tokio::test]
async fn switch_set_back_halfway_returns_to_the_monolith() {
    let (cluster, kubelet, _operator) = running(json!({"mode": "monolith"})).await;
    let uid = cluster.get(Kind::Deployment, "shop").await.uid();
    cluster.apply(&system("shop", json!({}))).await;
    sees(&cluster, "the Ingress moves", one_writer, |view| view.door == "ticket").await;
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    let safe = |view: &View| view.lives("shop") && one_writer(view);
    sees(&cluster, "the Ingress moves back", safe, |view| view.door == "monolith").await;
    sees(&cluster, "ticket goes", safe, |view| !view.has("shop-ticket") && view.stock.is_none())
        .await;
    assert_eq!(cluster.get(Kind::Deployment, "shop").await.uid(), uid, "it never ended");
    drop(kubelet);
}

#[tokio::test]
async fn limited_clients_do_not_share_the_quota_of_ticket() {
    let limit = json!({"perSecond": 5, "trustedProxies": []});
    let spec = json!({"mode": "monolith", "rateLimit": limit});
    let (cluster, _kubelet, _operator) = running(spec).await;
    cluster.apply(&system("shop", json!({"rateLimit": limit}))).await;
    let unbridged = |view: &View| one_writer(view) && view.stock.as_deref() != Some("monolith");
    sees(&cluster, "vacancy takes over", unbridged, |view| {
        view.lives("shop-vacancy") && view.door == "ticket"
    })
    .await;
    cluster.condition("shop", "Ready", "True").await;
}
