//! The rendered chart on a real API server, with the rights it grants.

use std::process::Command;

use kube::{Api, Client, ResourceExt, api::PostParams};
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{
    Cluster,
    apiserver::{ADMIN_TOKEN, ApiServer, OPERATOR_TOKEN},
    cluster::apply_value,
    eventually, kubelet, start, system,
};

/// Kinds of the Prometheus operator, which is not installed.
const FOREIGN: [&str; 2] = ["ServiceMonitor", "PrometheusRule"];

fn rendered(release: &str, namespace: &str, more: &[&str]) -> Vec<Value> {
    chart_tests::documents(
        &chart_tests::template(release, namespace, more).expect("helm renders it"),
    )
}

/// The API server accepts every object of every values file. Unknown fields are errors, and pods,
/// policies and TicketSystems pass admission.
#[tokio::test]
async fn api_server_accepts_every_rendered_object() {
    let cluster = Cluster::new().await;
    for namespace in ["west", "demo"] {
        apply_value(&cluster.client, &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})).await;
    }
    for name in chart_tests::values() {
        let file = chart_tests::root("tests/chart/values").join(format!("{name}.yaml"));
        let mut taken = 0;
        for document in rendered("shop", "demo", &["--values", file.to_str().expect("a path")]) {
            if FOREIGN.contains(&document["kind"].as_str().expect("a kind")) {
                continue;
            }
            let mut document = document;
            pod_in_place_of(&mut document);
            dry_run(&cluster.client, &document)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}\n{document}"));
            taken += 1;
        }
        assert!(taken > 8, "{name}: {taken}");
    }
}

/// Removes the annotations of a Pod.
fn pod_in_place_of(document: &mut Value) {
    if document["kind"] == "Pod" {
        document["metadata"].as_object_mut().expect("metadata").remove("annotations");
    }
}

/// Creates `document` in a dry run.
async fn dry_run(client: &Client, document: &Value) -> Result<(), kube::Error> {
    let object: kube::core::DynamicObject =
        serde_json::from_value(document.clone()).expect("an object");
    let types = object.types.clone().expect("a kind");
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    let resource = kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
        group,
        version,
        &types.kind,
    ));
    let api: Api<kube::core::DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let strict = PostParams { dry_run: true, ..Default::default() };
    let mut request = kube::core::Request::new(api.resource_url())
        .create(&strict, serde_json::to_vec(document).expect("JSON"))
        .expect("a request");
    let uri = format!("{}&fieldValidation=Strict", request.uri());
    *request.uri_mut() = uri.parse().expect("a URI");
    client.request::<Value>(request).await.map(|_| ())
}

/// The operator works with only the Roles of `operator.watchNamespaces`.
#[tokio::test]
async fn roles_in_watched_namespaces_suffice() {
    let (cluster, elsewhere) = Cluster::pair_without_rights().await;
    let narrow = format!("operator.watchNamespaces={{{}}}", cluster.namespace);
    for document in rendered("ticket-system", "ticket-system", &["--set", &narrow]) {
        if ["Role", "RoleBinding", "ServiceAccount"]
            .contains(&document["kind"].as_str().expect("a kind"))
        {
            apply_value(&cluster.client, &document).await;
        }
    }
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    elsewhere.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Degraded", "False").await;
    assert!(elsewhere.children().await.is_empty(), "not watched, not changed");
    assert_eq!(running.operator.metrics.reconciliations("error"), 0);

    let secrets = Api::<k8s_openapi::api::core::v1::Secret>::namespaced(
        Client::try_from(cluster.server.config(OPERATOR_TOKEN)).expect("a client"),
        &elsewhere.namespace,
    );
    let denied = secrets.get("any").await.expect_err("another namespace");
    assert!(denied.to_string().contains("forbidden"), "{denied}");
}

/// Every metric of the operator in a dashboard or rule exists after a reconciliation.
#[tokio::test]
async fn metrics_used_by_dashboards_and_rules_exist() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    // No watch fails in this test, so the counter is incremented directly.
    running.operator.metrics.watch_error("Deployment");
    let text =
        String::from_utf8(running.operator.metrics.render().expect("metrics")).expect("text");
    let there = chart_tests::watched::scraped(&text);
    let named = chart_tests::watched::named();
    let of_operator: Vec<_> =
        named.iter().filter(|(name, _)| name.starts_with("ticket_operator_")).collect();
    assert!(of_operator.len() >= 5, "{of_operator:?}");
    for (name, places) in of_operator {
        assert!(there.contains(name), "{name}, named by {places:?}, is not in\n{text}");
    }
}

/// The Job of the hook creates the CRD and updates an older one, with the rights of the chart.
#[tokio::test]
async fn crd_is_created_and_updated_by_the_hook() {
    let server = ApiServer::start().await;
    let client = Client::try_from(server.config(ADMIN_TOKEN)).expect("a client");
    let documents = rendered("ticket-system", "ticket-system", &[]);
    let role = documents.iter().find(|document| {
        document["kind"] == "ClusterRole"
            && document["metadata"]["name"].as_str().is_some_and(|name| name.ends_with(".crd"))
    });
    apply_value(&client, role.expect("the hook's role")).await;
    let binding = documents.iter().find(|document| {
        document["kind"] == "ClusterRoleBinding"
            && document["metadata"]["name"].as_str().is_some_and(|name| name.ends_with(".crd"))
    });
    let mut binding = binding.expect("the hook's binding").clone();
    // The test server knows one service account by its token.
    binding["subjects"] = json!([{"kind": "ServiceAccount", "name": "ticket-system-operator", "namespace": "ticket-system"}]);
    apply_value(&client, &binding).await;

    let kubeconfig = server.kubeconfig(OPERATOR_TOKEN);
    let apply = || async {
        let (binary, kubeconfig) = (env!("CARGO_BIN_EXE_operator"), kubeconfig.clone());
        let output = tokio::task::spawn_blocking(move || {
            Command::new(binary).args(["crd", "--apply"]).env("KUBECONFIG", kubeconfig).output()
        });
        let output = output.await.expect("it runs").expect("it starts");
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    };
    eventually("the rights are known, and the definition is made", apply).await;
    let definitions: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(client.clone());
    let name = operator::api::crd().name_any();
    let desired = definitions.get(&name).await.expect("it is there").spec;

    // An older definition with another field manager.
    let mut older = operator::api::crd();
    older.metadata.managed_fields = None;
    let columns = &mut older.spec.versions[0].additional_printer_columns;
    *columns = None;
    definitions.delete(&name, &Default::default()).await.expect("it is deleted");
    eventually("it is gone", || async {
        definitions.get_opt(&name).await.expect("an answer").map_or(Ok(()), |_| Err("still there"))
    })
    .await;
    definitions
        .create(
            &PostParams { field_manager: Some("helm".to_owned()), ..Default::default() },
            &older,
        )
        .await
        .expect("the older one is made");
    apply().await.expect("it is brought up to date");
    assert_eq!(definitions.get(&name).await.expect("it is there").spec, desired);

    let mut others = operator::api::crd();
    others.metadata.name = Some("others.example.com".to_owned());
    let weak: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(Client::try_from(server.config(OPERATOR_TOKEN)).expect("a client"));
    let denied = weak.get("others.example.com").await.expect_err("no other definition");
    assert!(denied.to_string().contains("forbidden"), "{denied}");
}

/// The test pod has the labels that the network policies of the system allow.
#[tokio::test]
async fn network_policies_allow_the_test_pod() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _running = start(&cluster);
    cluster.apply(&system("shop", json!({"networkPolicy": {"from": [{"podSelector": {"matchLabels": {"role": "ingress"}}}]}}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let policy = cluster.get(Kind::NetworkPolicy, "shop-ticket").await;
    let own = crate::support::at(&policy, "/spec/ingress/0/from/0/podSelector/matchLabels")
        .as_object()
        .expect("labels")
        .clone();
    let documents = rendered("shop", "demo", &["--set", "ticketSystem.enabled=true"]);
    let pod = chart_tests::the(&documents, "Pod", "-test-buy");
    for (key, value) in &own {
        assert_eq!(&pod["metadata"]["labels"][key], value);
    }
    let service = cluster.get(Kind::Service, "shop-ticket").await;
    let selected = crate::support::at(&service, "/spec/selector")
        .as_object()
        .expect("labels")
        .iter()
        .all(|(key, value)| &pod["metadata"]["labels"][key] == value);
    assert!(!selected, "no buyer is sent to it");
    let url = format!("http://shop-ticket:{}", crate::support::at(&service, "/spec/ports/0/port"));
    assert!(
        pod["spec"]["containers"][0]["args"].as_array().expect("args").contains(&json!(url)),
        "{pod}"
    );
}
