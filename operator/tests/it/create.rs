//! Creation of a system.

use kube::api::PostParams;
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{Cluster, at, kubelet, start, system};

#[tokio::test]
async fn empty_spec_becomes_ready() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let made = cluster.apply(&system("shop", json!({}))).await;
    let (reason, _) = cluster.condition("shop", "Ready", "True").await;
    assert_eq!(reason, "Serving");
    assert_eq!(
        cluster.children().await,
        [
            "ConfigMap/shop-ticket",
            "ConfigMap/shop-vacancy",
            "Deployment/shop-ticket",
            "Deployment/shop-vacancy",
            "HorizontalPodAutoscaler/shop-ticket",
            "Ingress/shop",
            "NetworkPolicy/shop-ticket",
            "NetworkPolicy/shop-vacancy",
            "PersistentVolumeClaim/shop-data",
            "PodDisruptionBudget/shop-ticket",
            "Secret/shop-admin-token",
            "Secret/shop-gate-token",
            "Secret/shop-seller-token",
            "Secret/shop-signing-keys",
            "Service/shop-ticket",
            "Service/shop-vacancy",
            "ServiceAccount/shop",
        ]
    );
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::ServiceMonitor) {
        for name in kind.names("shop") {
            let Some(object) = cluster.find(kind, &name).await else { continue };
            let owner = object.metadata.owner_references.unwrap_or_default();
            if matches!(kind, Kind::Secret | Kind::PersistentVolumeClaim) {
                assert!(owner.is_empty(), "{kind} {name} is retained");
            } else {
                assert_eq!(
                    Some(&owner[0].uid),
                    made.metadata.uid.as_ref(),
                    "{kind} {name} is owned"
                );
            }
        }
    }
    cluster.condition("shop", "Progressing", "False").await;
    cluster.condition("shop", "Degraded", "False").await;
    let status = cluster.status("shop").await;
    assert_eq!(status.observed_generation, made.metadata.generation);
    assert_eq!(status.url.as_deref(), Some("http://ticket.127.0.0.1.nip.io"));
    assert_eq!(status.ticket.expect("ticket").ready, "2/2");
    assert_eq!(status.vacancy.expect("vacancy").ready, "1/1");
    assert!(
        status
            .conditions
            .iter()
            .all(|condition| condition.type_ != "Reconciling" && condition.type_ != "Stalled")
    );
    cluster.has_event("shop", "Created", "Deployment shop-ticket").await;
    cluster.has_event("shop", "Ready", "").await;
    let events = cluster.events("shop").await;
    assert!(
        events.iter().all(|(reason, _)| reason != "VolumeRecreated"),
        "a first volume is not recreated: {events:?}"
    );
}

#[tokio::test]
async fn kubectl_get_shows_mode_pods_ready_and_url() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let request = http::Request::get(format!(
        "/apis/ticket-system.io/v1alpha1/namespaces/{}/ticketsystems",
        cluster.namespace
    ))
    .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
    .body(Vec::new())
    .expect("a request");
    let table: Value = cluster.client.request(request).await.expect("a table");
    let shown: Vec<(&str, &Value)> = table["columnDefinitions"]
        .as_array()
        .expect("columns")
        .iter()
        .zip(table["rows"][0]["cells"].as_array().expect("cells"))
        .filter(|(column, _)| column["priority"] == 0)
        .map(|(column, cell)| (column["name"].as_str().expect("a name"), cell))
        .collect();
    let names: Vec<&str> = shown.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["Name", "Mode", "Ticket", "Vacancy", "Ready", "Queue", "URL", "Age"]);
    assert_eq!(shown[1].1, "monolith");
    assert_eq!(shown[2].1, "1/1");
    assert_eq!(shown[4].1, "True");
    assert_eq!(shown[6].1, "http://ticket.127.0.0.1.nip.io");
}

#[tokio::test]
async fn pods_satisfy_the_restricted_standard() {
    let cluster = Cluster::new().await;
    let _operator = start(&cluster);
    cluster.secret("db", "uri", "postgres://a:b@db/c").await;
    for (name, spec) in [
        ("micro", json!({})),
        ("mono", json!({"mode": "monolith"})),
        ("sql", json!({"storage": {"postgres": {"secretRef": {"name": "db"}}}})),
    ] {
        cluster.apply(&system(name, spec)).await;
        cluster.condition(name, "Progressing", "True").await;
    }
    let pods = kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(
        cluster.client.clone(),
        &cluster.namespace,
    );
    for name in ["micro-ticket", "micro-vacancy", "mono", "sql-ticket", "sql-vacancy"] {
        let deployment = cluster.get(Kind::Deployment, name).await;
        let mut pod = at(&deployment, "/spec/template").clone();
        pod["metadata"]["name"] = json!(name);
        let pod = serde_json::from_value(pod).expect("a pod");
        // The namespace enforces the standard.
        pods.create(&PostParams { dry_run: true, ..Default::default() }, &pod)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
