//! The operator has only the rights it needs. A real API server denies every other verb on every
//! kind, with the roles of `k8s/operator` and of the chart, cluster-wide and in one namespace.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use kube::{Client, api::DeleteParams, core::DynamicObject, discovery::Discovery};
use serde_json::{Value, json};

use crate::support::{
    apiserver::{ADMIN_TOKEN, ApiServer, OPERATOR_TOKEN},
    cluster::{apply_value, install},
    eventually,
};

const VERBS: [&str; 10] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "impersonate",
    "escalate",
];

/// Rights in watched namespaces: group, resource, verbs. They are repeated here, so that a role
/// cannot grow unnoticed.
const WATCHED: [(&str, &str, &str); 16] = [
    ("ticket-system.io", "ticketsystems", "get list watch patch"),
    ("ticket-system.io", "ticketsystems/status", "patch"),
    ("", "secrets", "get create patch"),
    ("", "serviceaccounts", "get list watch create patch"),
    ("", "persistentvolumeclaims", "get list watch create patch"),
    ("", "configmaps", "get list watch create patch delete"),
    ("", "services", "get list watch create patch delete"),
    ("apps", "deployments", "get list watch create patch delete"),
    ("autoscaling", "horizontalpodautoscalers", "get list watch create patch delete"),
    ("policy", "poddisruptionbudgets", "get list watch create patch delete"),
    ("networking.k8s.io", "ingresses", "get list watch create patch delete"),
    ("networking.k8s.io", "networkpolicies", "get list watch create patch delete"),
    ("monitoring.coreos.com", "servicemonitors", "get create patch delete"),
    ("", "pods", "create delete list"),
    ("apps", "replicasets", "list"),
    ("events.k8s.io", "events", "create patch"),
];
/// Additional rights in the namespace of the operator.
const OWN: [(&str, &str, &str); 1] = [("coordination.k8s.io", "leases", "get create update")];

type Rights = BTreeSet<String>;

fn rights(table: &[(&str, &str, &str)]) -> Rights {
    table
        .iter()
        .flat_map(|(group, resource, verbs)| {
            verbs.split(' ').map(move |verb| format!("{verb} {group}/{resource}"))
        })
        .collect()
}

/// Every resource and subresource that is served, as (group, resource, subresource), and some that
/// are not.
async fn resources(client: &Client) -> BTreeSet<(String, String, String)> {
    let discovery = Discovery::new(client.clone()).run().await.expect("discovery");
    let mut all = BTreeSet::new();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            all.insert((resource.group.clone(), resource.plural.clone(), String::new()));
            for (sub, _) in capabilities.subresources {
                let name = sub.plural.rsplit('/').next().unwrap_or_default().to_owned();
                all.insert((resource.group.clone(), resource.plural.clone(), name));
            }
        }
    }
    for (group, resource, sub) in [
        ("monitoring.coreos.com", "servicemonitors", ""),
        ("", "users", ""),
        ("", "groups", ""),
        ("", "pods", "exec"),
        ("", "pods", "attach"),
        ("", "pods", "portforward"),
        ("", "nodes", "proxy"),
        ("example.com", "widgets", ""),
    ] {
        all.insert((group.to_owned(), resource.to_owned(), sub.to_owned()));
    }
    // Every user may review permissions.
    all.retain(|(group, ..)| {
        !["authorization.k8s.io", "authentication.k8s.io"].contains(&group.as_str())
    });
    assert!(all.len() > 80, "{} kinds", all.len());
    all
}

/// The rights of the operator in `namespace`, from access reviews. Empty stands for all namespaces.
async fn allowed(
    operator: &Client,
    resources: &BTreeSet<(String, String, String)>,
    namespace: &str,
) -> Rights {
    let questions = resources.iter().flat_map(|resource| VERBS.map(move |verb| (verb, resource)));
    let answers = stream::iter(questions).map(|(verb, (group, resource, sub))| async move {
        let attributes = json!({"namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": sub});
        let review =
            json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
        let answer =
            send(operator, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review, &[]).await.expect("an answer");
        let name = if sub.is_empty() { resource.clone() } else { format!("{resource}/{sub}") };
        (answer["status"]["allowed"] == true).then(|| format!("{verb} {group}/{name}"))
    });
    answers.buffer_unordered(16).filter_map(std::future::ready).collect().await
}

async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> Result<Value, kube::Error> {
    let content =
        if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let mut request =
        http::Request::builder().method(method).uri(path).header("content-type", content);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).expect("JSON") };
    client.request::<Value>(request.body(bytes).expect("a request")).await
}

/// Sends requests that must be denied, instead of asking for reviews.
async fn assert_forbidden(operator: &Client, namespace: &str) {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"name": "x", "image": "x"}]}});
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]});
    let binding = |kind: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "x"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "ticket-system-operator", "namespace": "ticket-system"}]})
    };
    let token =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let more = json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
    let (core, rbac) =
        (format!("/api/v1/namespaces/{namespace}"), "/apis/rbac.authorization.k8s.io/v1");
    let in_namespace = format!("{rbac}/namespaces/{namespace}");
    let systems = format!("/apis/ticket-system.io/v1alpha1/namespaces/{namespace}/ticketsystems");
    let nothing = Value::Null;
    let attempts: Vec<(&str, String, &Value)> = vec![
        ("DELETE", core.clone(), &nothing),
        ("DELETE", "/api/v1/namespaces/kube-system".into(), &nothing),
        ("PATCH", core.clone(), &more),
        ("GET", "/api/v1/secrets".into(), &nothing),
        ("GET", format!("{core}/secrets"), &nothing),
        ("GET", format!("{core}/secrets?watch=1"), &nothing),
        ("DELETE", format!("{core}/secrets/any"), &nothing),
        ("DELETE", format!("{core}/persistentvolumeclaims/any"), &nothing),
        ("DELETE", format!("{core}/serviceaccounts/default"), &nothing),
        ("POST", format!("{core}/serviceaccounts/default/token"), &token),
        ("DELETE", format!("{core}/pods"), &nothing),
        ("PATCH", format!("{core}/pods/any"), &more),
        ("GET", format!("{core}/pods/any/log"), &nothing),
        ("POST", format!("{core}/pods/any/exec?command=sh"), &nothing),
        ("POST", format!("{core}/pods/any/eviction"), &pod),
        ("DELETE", format!("{core}/configmaps"), &nothing),
        ("GET", "/api/v1/nodes".into(), &nothing),
        ("GET", "/api/v1/nodes/any/proxy/".into(), &nothing),
        ("POST", format!("{in_namespace}/roles"), &role),
        ("PATCH", format!("{in_namespace}/roles/any"), &more),
        ("POST", format!("{in_namespace}/rolebindings"), &nothing),
        ("PATCH", format!("{rbac}/clusterroles/ticket-system-operator"), &more),
        ("POST", format!("{rbac}/clusterrolebindings"), &nothing),
        ("PATCH", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ticketsystems.ticket-system.io".into(), &more),
        ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".into(), &nothing),
        ("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/any".into(), &nothing),
        ("POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations".into(), &more),
        ("DELETE", format!("{systems}/any"), &nothing),
        ("POST", systems.clone(), &more),
        ("POST", format!("/apis/batch/v1/namespaces/{namespace}/jobs"), &more),
        ("POST", format!("/apis/apps/v1/namespaces/{namespace}/daemonsets"), &more),
        ("PATCH", format!("/apis/apps/v1/namespaces/{namespace}/deployments/any/scale"), &more),
        ("DELETE", format!("/apis/apps/v1/namespaces/{namespace}/deployments"), &nothing),
        ("DELETE", "/apis/coordination.k8s.io/v1/namespaces/ticket-system/leases/any".into(), &nothing),
        ("GET", "/metrics".into(), &nothing),
    ];
    let denied =
        async |method: &str, path: &str, body: &Value, headers: &[(&str, &str)]| match send(
            operator, method, path, body, headers,
        )
        .await
        {
            Err(kube::Error::Api(status)) => {
                assert_eq!(status.code, 403, "{method} {path}: {status:?}");
            }
            other => panic!("{method} {path}: {other:?}"),
        };
    for (method, path, body) in &attempts {
        let role_ref = binding(if path.ends_with("clusterrolebindings") {
            "ClusterRoleBinding"
        } else {
            "RoleBinding"
        });
        let body = if path.ends_with("bindings") { &role_ref } else { body };
        denied(method, path, body, &[]).await;
    }
    denied("GET", "/api/v1/namespaces", &nothing, &[("impersonate-user", "admin")]).await;
    denied(
        "GET",
        "/api/v1/namespaces",
        &nothing,
        &[("impersonate-group", "system:masters"), ("impersonate-user", "x")],
    )
    .await;
}

/// Waits until the API server has applied the roles and the operator has exactly these rights.
async fn assert_rights(
    operator: &Client,
    resources: &BTreeSet<(String, String, String)>,
    places: &[(&str, &Rights)],
) {
    for (namespace, expected) in places {
        eventually(&format!("the rights in '{namespace}'"), || async {
            let allowed = allowed(operator, resources, namespace).await;
            let (more, less): (Vec<_>, Vec<_>) =
                (allowed.difference(expected).collect(), expected.difference(&allowed).collect());
            if more.is_empty() && less.is_empty() {
                Ok(())
            } else {
                Err(format!("more: {more:?}, less: {less:?}"))
            }
        })
        .await;
    }
}

fn is_right(document: &Value) -> bool {
    ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]
        .contains(&document["kind"].as_str().unwrap_or_default())
}

async fn delete(client: &Client, document: &Value) {
    let object: DynamicObject = serde_json::from_value(document.clone()).expect("an object");
    let types = object.types.expect("a kind");
    let plural = format!("{}s", types.kind.to_lowercase());
    let resource = kube::core::ApiResource::from_gvk_with_plural(
        &kube::core::GroupVersionKind::gvk("rbac.authorization.k8s.io", "v1", &types.kind),
        &plural,
    );
    let api: kube::Api<DynamicObject> = match object.metadata.namespace.as_deref() {
        Some(namespace) => kube::Api::namespaced_with(client.clone(), namespace, &resource),
        None => kube::Api::all_with(client.clone(), &resource),
    };
    api.delete(object.metadata.name.as_deref().expect("a name"), &DeleteParams::default())
        .await
        .expect("the role is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_has_exactly_the_listed_rights() {
    let server = ApiServer::start().await;
    install(&server).await;
    let admin = Client::try_from(server.config(ADMIN_TOKEN)).expect("a client");
    let operator = Client::try_from(server.config(OPERATOR_TOKEN)).expect("a client");
    for namespace in ["shop", "elsewhere"] {
        apply_value(
            &admin,
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        )
        .await;
    }
    let resources = resources(&admin).await;
    let (watched, own, none) = (rights(&WATCHED), rights(&OWN), Rights::new());
    let both: Rights = watched.union(&own).cloned().collect();

    let everywhere =
        [("", &watched), ("shop", &watched), ("kube-system", &watched), ("ticket-system", &both)];
    assert_rights(&operator, &resources, &everywhere).await;
    assert_forbidden(&operator, "shop").await;
    for document in
        chart_tests::file("k8s/operator/rbac.yaml").iter().filter(|document| is_right(document))
    {
        delete(&admin, document).await;
    }
    assert_rights(&operator, &resources, &[("ticket-system", &none), ("", &none)]).await;

    let narrow = ["--set", "operator.watchNamespaces={shop}"];
    let in_one = [
        ("", &none),
        ("shop", &watched),
        ("elsewhere", &none),
        ("kube-system", &none),
        ("ticket-system", &own),
    ];
    for (more, places) in [(&[][..], &everywhere[..]), (&narrow, &in_one)] {
        let documents = chart_tests::documents(
            &chart_tests::template("ticket-system", "ticket-system", more)
                .expect("helm renders it"),
        );
        // The roles of the hook that applies the CRD belong to another account.
        let given: Vec<_> = documents.iter().filter(|document| is_right(document)).collect();
        assert!(given.len() >= 4, "{given:?}");
        for document in &given {
            apply_value(&admin, document).await;
        }
        assert_rights(&operator, &resources, places).await;
        assert_forbidden(&operator, "shop").await;
        for document in given {
            delete(&admin, document).await;
        }
    }
}
