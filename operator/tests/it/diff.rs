//! `operator diff`.

use operator::{commands::diff, kind::Kind};
use serde_json::json;

use crate::support::{Cluster, kubelet, operators::settings, start, system};

async fn diff_of(cluster: &Cluster, spec: serde_json::Value) -> Result<String, diff::DiffError> {
    diff_of_named(cluster, "shop", spec).await
}

async fn diff_of_named(
    cluster: &Cluster,
    name: &str,
    spec: serde_json::Value,
) -> Result<String, diff::DiffError> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cr.yaml");
    std::fs::write(&path, serde_saphyr::to_string(&system(name, spec)).expect("YAML"))
        .expect("it is written");
    let systems = diff::read(&path, &cluster.namespace).expect("it is read");
    diff::diff(&cluster.client, &systems[0], &settings(cluster, &[]).defaults).await
}

#[tokio::test]
async fn diff_shows_changes_without_making_them() {
    let cluster = Cluster::new().await;
    let all = diff_of(&cluster, json!({})).await.expect("a diff");
    assert!(all.contains("+++ Deployment/shop-ticket"), "{all}");
    assert!(
        cluster.children().await.is_empty()
            && cluster.systems().get_opt("shop").await.expect("an answer").is_none(),
        "nothing was made"
    );

    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"logging": {"json": true}}))).await;
    cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(diff_of(&cluster, json!({"logging": {"json": true}})).await.expect("a diff"), "");

    let changed = diff_of(&cluster, json!({"logging": {"json": true, "level": "DEBUG"}}))
        .await
        .expect("a diff");
    assert!(changed.contains("-  LOG_LEVEL: INFO\n+  LOG_LEVEL: DEBUG\n"), "{changed}");
    assert!(changed.contains("config-checksum"), "{changed}");
    assert!(!changed.contains("Service/"), "{changed}");

    let switched = diff_of(&cluster, json!({"mode": "monolith"})).await.expect("a diff");
    assert!(switched.contains("--- Deployment/shop-vacancy\n+++ /dev/null"), "{switched}");
    assert!(!switched.contains("PersistentVolumeClaim/"), "{switched}");
    let token = cluster.get(Kind::Secret, "shop-admin-token").await.data["data"]["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    assert!(!switched.contains(&token) && !all.contains(&token));

    let rejected =
        diff_of(&cluster, json!({"vacancy": {"replicas": 2}})).await.expect_err("an error");
    assert!(rejected.to_string().contains("vacancy.replicas must be at most 1"), "{rejected}");
    assert!(
        !rejected.to_string().contains("Status {"),
        "only the message of the API server: {rejected}"
    );

    // An object of another owner is reported instead of compared.
    let foreign = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other-ticket"}, "spec": {"ports": [{"port": 1}]}});
    let foreign: kube::core::DynamicObject = serde_json::from_value(foreign).expect("a Service");
    cluster.api(Kind::Service).create(&Default::default(), &foreign).await.expect("it is made");
    let other = diff_of_named(&cluster, "other", json!({})).await.expect("a diff");
    assert!(
        other.contains("# Service/other-ticket: already exists and has another owner"),
        "{other}"
    );
}

#[test]
fn oversized_file_is_rejected() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cr.yaml");
    let one = "apiVersion: ticket-system.io/v1alpha1\nkind: TicketSystem\nmetadata: {name: a}\nspec: {}\n";
    let of_length = |bytes: usize| format!("{one}# {}\n", "x".repeat(bytes - one.len() - 3));
    std::fs::write(&path, of_length(4 << 20)).expect("it is written");
    assert_eq!(diff::read(&path, "fair").expect("it is read").len(), 1);
    std::fs::write(&path, of_length((4 << 20) + 1)).expect("it is written");
    let error = diff::read(&path, "fair").expect_err("an error").to_string();
    assert!(error.ends_with("is larger than 4194304 bytes"), "{error}");
}

#[test]
fn file_needs_a_ticket_system_among_other_kinds() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cr.yaml");
    let read = |text: &str| {
        std::fs::write(&path, text).expect("it is written");
        diff::read(&path, "fair").map(|systems| {
            systems
                .into_iter()
                .map(|system| (system.metadata.name, system.metadata.namespace))
                .collect::<Vec<_>>()
        })
    };
    let one = "apiVersion: ticket-system.io/v1alpha1\nkind: TicketSystem\nmetadata: {name: a}\nspec: {}\n";
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
    assert_eq!(
        read(&format!("{other}---\n{one}")).expect("it is read"),
        [(Some("a".to_owned()), Some("fair".to_owned()))]
    );
    for (text, why) in [
        (other, "no document has"),
        ("{", "cr.yaml"),
        (&one.replace("spec: {}", "spec: {mode: x}"), "unknown variant"),
    ] {
        let error = read(text).expect_err("an error").to_string();
        assert!(error.contains(why), "{error}");
    }
    assert!(
        diff::read(&dir.path().join("absent"), "fair")
            .expect_err("an error")
            .to_string()
            .contains("cannot read")
    );
}
