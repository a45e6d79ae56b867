//! What reaches the pods: the Ingress leads to ticket alone, and the policy of vacancy admits
//! ticket alone.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use crate::render::render;

/// The Service that a request for `path` is routed to, by the rules of Kubernetes.
fn service<'a>(children: &'a BTreeMap<String, Value>, path: &str) -> Option<&'a str> {
    let rules = children["Ingress/shop"]["spec"]["rules"][0]["http"]["paths"].as_array();
    let is_match = |rule: &&Value| {
        let listed = rule["path"].as_str().expect("a path");
        match rule["pathType"].as_str() {
            Some("Exact") => path == listed,
            Some("Prefix") => {
                let rest = path.strip_prefix(listed.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            other => panic!("{other:?}"),
        }
    };
    rules.expect("paths").iter().find(is_match)?["backend"]["service"]["name"].as_str()
}

const MODES: [(&str, &str); 2] = [("microservices", "shop-ticket"), ("monolith", "shop")];

#[test]
fn every_public_call_leads_to_ticket() {
    for (mode, door) in MODES {
        let children = render(json!({"mode": mode}));
        for path in [
            "/",
            "/docs",
            "/docs/swagger-ui.css",
            "/redoc",
            "/openapi.json",
            "/api/v1/health",
            "/api/v1/purchase",
            "/api/v1/available",
            "/api/v1/events",
            "/api/v1/events/default",
            "/api/v1/events/default/stream",
            "/api/v1/holds",
            "/api/v1/holds/1/confirm",
            "/api/v1/reservations/1/tickets",
            "/api/v1/reservations/1/tickets/1.svg",
            "/.well-known/ticket-keys.json",
            "/e/",
            "/e/gala",
            "/r/1",
            "/r/1/buy",
            "/assets/style.1.css",
        ] {
            assert_eq!(service(&children, path), Some(door), "{path} in {mode}");
        }
        let ingress = children["Ingress/shop"].to_string();
        assert!(!ingress.contains("vacancy"), "{ingress}");
    }
}

#[test]
fn internal_calls_are_not_routed() {
    for (mode, _) in MODES {
        let children = render(json!({"mode": mode}));
        for path in [
            "/api",
            "/api/v1",
            "/api/v1/admin",
            "/api/v1/admin/events/x",
            "/api/v1/reserve",
            "/api/v1/reserve/batch",
            "/api/v1/eventsX",
            "/api/v1/holdsX",
            "/api/v1/purchase/x",
            "/api/v1/available/x",
            "/api/v1/health/x",
            "/api/v2/events",
            "/docsX",
            "/health",
            "/ready",
            "/readyz",
            "/livez",
            "/metrics",
            "/api/v1/reservationsX",
            "/eX",
            "/rX",
            "/assetsX",
            "/.well-known",
            "/.well-known/ticket-keys.json/x",
            "//",
        ] {
            assert_eq!(service(&children, path), None, "{path} in {mode}");
        }
    }
}

/// The peers that the policy `name` admits; `None` stands for everyone.
fn peers(spec: Value, name: &str) -> Option<Vec<Value>> {
    let children = render(spec);
    let rules = children[&format!("NetworkPolicy/{name}")]["spec"]["ingress"].clone();
    assert_eq!(rules.as_array().map(Vec::len), Some(1));
    rules[0]["from"].as_array().cloned()
}

fn pods(labels: &Value) -> Value {
    json!({"podSelector": {"matchLabels": labels}})
}

#[test]
fn vacancy_admits_ticket_prometheus_and_the_operator() {
    let ticket = pods(&json!({
        "app.kubernetes.io/name": "ticket-system",
        "app.kubernetes.io/instance": "shop",
        "app.kubernetes.io/component": "ticket",
    }));
    let insider = |name: &str| {
        let mut peer = pods(&json!({"app.kubernetes.io/name": name}));
        peer["namespaceSelector"] = json!({});
        peer
    };
    let defaults = vec![ticket.clone(), insider("prometheus"), insider("ticket-system-operator")];
    assert_eq!(peers(json!({}), "shop-vacancy"), Some(defaults.clone()));
    // The peers of the door are not admitted: the Ingress controller has no business here.
    let door = json!({"ipBlock": {"cidr": "192.0.2.0/24"}});
    let spec = json!({"networkPolicy": {"from": [door]}});
    assert_eq!(peers(spec, "shop-vacancy"), Some(defaults));
    let spec = json!({"networkPolicy": {"vacancyFrom": [door]}});
    assert_eq!(peers(spec.clone(), "shop-vacancy"), Some(vec![ticket.clone(), door]));
    assert_eq!(peers(spec, "shop-ticket"), None, "everyone reaches the door");
    let spec = json!({"networkPolicy": {"vacancyFrom": []}});
    assert_eq!(peers(spec, "shop-vacancy"), Some(vec![ticket]));
}

#[test]
fn door_admits_the_pods_of_the_system_beside_its_peers() {
    for (mode, name) in MODES {
        let own = pods(&json!({
            "app.kubernetes.io/name": "ticket-system",
            "app.kubernetes.io/instance": "shop",
        }));
        assert_eq!(peers(json!({"mode": mode}), name), None);
        let controller = json!({"ipBlock": {"cidr": "192.0.2.0/24"}});
        let spec = json!({"mode": mode, "networkPolicy": {"from": [controller]}});
        // During a mode switch, ticket calls the monolith.
        assert_eq!(peers(spec, name), Some(vec![own, controller]));
    }
}

/// The default peers of vacancy are found by this label on the operator of both installations.
#[test]
fn operator_pods_have_the_label_that_vacancy_admits() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("k8s/operator/deployment.yaml")).expect("a file");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    let deployment =
        documents.iter().find(|document| document["kind"] == "Deployment").expect("a Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/name"], "ticket-system-operator");
    let golden = root.join("tests/chart/tests/it/snapshots/default.snap");
    let chart = std::fs::read_to_string(golden).expect("the rendered chart");
    assert!(chart.contains("app.kubernetes.io/name: ticket-system-operator"));
}
