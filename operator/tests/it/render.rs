//! Rendered children for a set of specs. A changed snapshot of a pod template means that upgrading
//! the operator rolls every pod of every such system, so such a change has to be intended.

use std::{collections::BTreeMap, path::Path};

use clap::Parser;
use operator::{
    api::{TicketSystem, TicketSystemStatus},
    build::{self, Child},
    dereference::{Dereferenced, Live, SecretValue},
    kind::Kind,
    new_secrets::NewSecrets,
    settings::Defaults,
    validate::{ValidationError, validate},
};
use serde_json::{Value, json};
use signing::SigningKeys;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    defaults: Defaults,
}

pub fn defaults() -> Defaults {
    Cli::parse_from([
        "operator",
        "--ticket-image=ticket-system/ticket:1.2.3",
        "--vacancy-image=ticket-system/vacancy:1.2.3",
    ])
    .defaults
}

#[allow(clippy::needless_pass_by_value)]
pub fn resource(spec: Value) -> TicketSystem {
    let mut system: TicketSystem = serde_json::from_value(
        json!({"apiVersion": "ticket-system.io/v1alpha1", "kind": "TicketSystem", "metadata": {"name": "shop"}, "spec": spec}),
    )
    .expect("a resource");
    system.metadata.namespace = Some("fair".to_owned());
    system.metadata.uid = Some("00000000-0000-0000-0000-000000000001".to_owned());
    system
}

pub fn new_secrets(suffix: &str) -> NewSecrets {
    NewSecrets::new(|role| format!("new-{}-{suffix}-of-this-test", role.as_str()), new_keys(suffix))
}

pub fn new_keys(suffix: &str) -> String {
    SigningKeys::generate([u8::try_from(suffix.len()).expect("a short text"); 32])
}

pub fn found() -> Dereferenced {
    Dereferenced {
        live: Live::default(),
        store_url: Some(SecretValue::Found(b"postgres://u:p@db/t".to_vec())),
        database_ca: Some(SecretValue::Found(b"PEM".to_vec())),
        service_monitors: true,
    }
}

pub fn render_with(
    system: &TicketSystem,
    found: &Dereferenced,
) -> Result<Vec<Child>, ValidationError> {
    let valid = validate(system, found, &defaults(), &new_secrets("token"))?;
    Ok(build::build(&valid).into_children().expect("it renders"))
}

/// The settings of a component, without the hash in their name.
pub fn settings<'a>(children: &'a BTreeMap<String, Value>, name: &str) -> &'a Value {
    let reference = "/spec/template/spec/containers/0/envFrom/0/configMapRef/name";
    let config = children[&format!("Deployment/{name}")].pointer(reference);
    &children[&format!("ConfigMap/{}", config.and_then(Value::as_str).expect("a name"))]
}

pub fn render(spec: Value) -> BTreeMap<String, Value> {
    let children = render_with(&resource(spec), &found()).expect("it is valid");
    children
        .into_iter()
        .map(|child| (format!("{}/{}", child.kind, child.name), child.body))
        .collect()
}

#[test]
fn fixtures_match_their_snapshots() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<_> = std::fs::read_dir(&fixtures)
        .expect("fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 6, "fixtures");
    for path in names {
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let spec: Value = serde_saphyr::from_str(&text).expect("YAML");
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        insta::with_settings!({ description => text, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_yaml_snapshot!(name, render(spec));
        });
    }
}

#[test]
fn committed_crd_matches_the_operator() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/ticketsystems.ticket-system.io.yaml");
    let kept = std::fs::read_to_string(path).expect("the definition");
    assert!(
        kept == operator::commands::crd::render().expect("YAML"),
        "run `operator crd > crds/ticketsystems.ticket-system.io.yaml`"
    );
}

#[test]
fn schema_defaults_match_validation_defaults() {
    // The defaults in the schema must match those of the operator.
    let crd = serde_json::to_value(operator::api::crd()).expect("JSON");
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(render(fill(json!({}), schema)), render(json!({})));
}

fn fill(mut value: Value, schema: &Value) -> Value {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if value.get(name).is_none() && !property["default"].is_null() {
            value[name] = property["default"].clone();
        }
        if let Some(inner) = value.get_mut(name) {
            *inner = fill(inner.take(), property);
        }
    }
    value
}

#[test]
fn checksum_covers_exactly_the_settings_of_each_pod() {
    let checksum = |children: &BTreeMap<String, Value>, name: &str| {
        children[&format!("Deployment/{name}")]["spec"]["template"]["metadata"]["annotations"]["ticket-system.io/config-checksum"].clone()
    };
    let base = render(json!({}));
    // Settings of both services, of one, and of none.
    for (spec, ticket, vacancy) in [
        (json!({"logging": {"level": "DEBUG"}}), true, true),
        (json!({"ticket": {"vacancyTimeoutMs": 50}}), true, false),
        (json!({"stock": {"initial": 1}}), false, true),
        // Vacancy sees all buyers of a ticket pod as one client.
        (json!({"rateLimit": {"perSecond": 5, "trustedProxies": []}}), true, false),
        (
            json!({"ingress": {"host": "x.example.com"}, "podDisruptionBudget": {"enabled": false}, "images": {"ticket": "t:2"}}),
            false,
            false,
        ),
    ] {
        let changed = render(spec.clone());
        assert_eq!(
            checksum(&changed, "shop-ticket") != checksum(&base, "shop-ticket"),
            ticket,
            "ticket with {spec}"
        );
        assert_eq!(
            checksum(&changed, "shop-vacancy") != checksum(&base, "shop-vacancy"),
            vacancy,
            "vacancy with {spec}"
        );
    }
}

#[test]
fn rate_limit_is_set_only_where_clients_connect() {
    let limit =
        json!({"perSecond": 5, "burst": 50, "trustedProxies": ["10.244.0.0/16", "192.0.2.7"]});
    let settings = |mode: &str, name: &str| {
        let children = render(json!({"mode": mode, "rateLimit": limit}));
        let all = self::settings(&children, name)["data"].as_object().expect("settings").clone();
        all.into_iter()
            .filter(|(name, _)| name.starts_with("RATE_LIMIT") || name == "TRUSTED_PROXIES")
            .collect::<serde_json::Map<_, _>>()
    };
    let limited = json!({"RATE_LIMIT_PER_SECOND": "5", "RATE_LIMIT_BURST": "50", "TRUSTED_PROXIES": "10.244.0.0/16,192.0.2.7"});
    assert_eq!(Value::from(settings("microservices", "shop-ticket")), limited);
    assert_eq!(Value::from(settings("monolith", "shop")), limited);
    assert!(
        settings("microservices", "shop-vacancy").is_empty(),
        "ticket's calls are those of all its buyers"
    );
}

#[test]
fn beacon_is_set_only_where_draws_happen() {
    let queue =
        json!({"paused": true, "beacon": {"urls": ["https://a.example", "https://b.example/x"]}});
    for (mode, name, wanted) in [
        ("microservices", "shop-ticket", Value::Null),
        ("microservices", "shop-vacancy", json!("https://a.example,https://b.example/x")),
        ("monolith", "shop", json!("https://a.example,https://b.example/x")),
    ] {
        let children = render(json!({"mode": mode, "queue": queue}));
        assert_eq!(settings(&children, name)["data"]["QUEUE_BEACON_URLS"], wanted, "{name}");
    }
    let paused = render(json!({"queue": {"paused": true}}));
    assert_eq!(paused, render(json!({})), "a pause rolls no pods");
}

#[test]
fn new_database_ca_rolls_only_vacancy() {
    let spec = json!({"storage": {"postgres": {"secretRef": {"name": "db"}, "caSecretRef": {"name": "ca"}}}});
    let templates = |pem: &[u8]| {
        let found = Dereferenced { database_ca: Some(SecretValue::Found(pem.to_vec())), ..found() };
        let children = render_with(&resource(spec.clone()), &found).expect("it is valid");
        let of = |name: &str| {
            children
                .iter()
                .find(|child| child.kind == Kind::Deployment && child.name == name)
                .expect("it is there")
                .body
                .clone()
        };
        [of("shop-ticket"), of("shop-vacancy")]
    };
    let ([ticket, vacancy], [later_ticket, later_vacancy]) = (templates(b"one"), templates(b"two"));
    assert_eq!(ticket, later_ticket);
    assert_ne!(vacancy, later_vacancy);
    assert!(!ticket.to_string().contains("database-ca"), "{ticket}");
    let volume = &vacancy["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(
        volume["secret"]["items"],
        json!([{"key": "ca.crt", "path": "ca.crt"}]),
        "nothing else of the Secret"
    );
}

#[test]
fn monitoring_scrapes_each_pod_through_one_service() {
    let storage = json!({"postgres": {"secretRef": {"name": "db"}}});
    let children = render(json!({"storage": storage, "monitoring": {"serviceMonitor": true}}));
    let port = &children["ServiceMonitor/shop"]["spec"]["endpoints"][0]["port"];
    let scraped = children.iter().filter(|(name, body)| {
        name.starts_with("Service/") && &body["spec"]["ports"][0]["name"] == port
    });
    let scraped: Vec<_> = scraped.map(|(name, _)| name.as_str()).collect();
    assert_eq!(scraped, ["Service/shop-ticket", "Service/shop-vacancy"]);
}

#[test]
fn validation_rejects_what_the_schema_rejects() {
    let reason = |spec: Value, found: &Dereferenced| {
        render_with(&resource(spec), found).expect_err("an error").reason()
    };
    let postgres = json!({"postgres": {"secretRef": {"name": "db"}}});
    assert_eq!(reason(json!({"vacancy": {"replicas": 2}}), &found()), "SpecInvalid");
    assert_eq!(
        reason(json!({"vacancy": {"autoscaling": {"enabled": true}}}), &found()),
        "SpecInvalid"
    );
    assert_eq!(
        reason(json!({"ticket": {"autoscaling": {"minReplicas": 3, "maxReplicas": 2}}}), &found()),
        "SpecInvalid"
    );
    assert_eq!(reason(json!({"ticket": {"resources": {"requests": {}}}}), &found()), "SpecInvalid");
    // An older schema accepts these.
    for (spec, field) in [
        (json!({"storage": {"embedded": {"size": "10GB"}}}), "storage.embedded.size is \"10GB\""),
        (json!({"storage": {"embedded": {"size": "0"}}}), "storage.embedded.size is \"0\""),
        (json!({"queue": {"beacon": {"urls": ["http://a"]}}}), "queue.beacon.urls"),
        (json!({"queue": {"beacon": {"urls": ["https:///a"]}}}), "queue.beacon.urls"),
        (json!({"queue": {"beacon": {"urls": []}}}), "queue.beacon.urls"),
        (
            json!({"podDisruptionBudget": {"maxUnavailable": "110%"}}),
            "podDisruptionBudget.maxUnavailable is \"110%\"",
        ),
        (
            json!({"vacancy": {"resources": {"limits": {"memory": "1 Gi"}}}}),
            "vacancy.resources.limits.memory is \"1 Gi\"",
        ),
    ] {
        let error = render_with(&resource(spec), &found()).expect_err("an error");
        assert_eq!(error.reason(), "SpecInvalid");
        assert!(error.to_string().starts_with(field), "{error}");
    }
    let without = |store_url: SecretValue| Dereferenced { store_url: Some(store_url), ..found() };
    assert_eq!(
        reason(json!({"storage": postgres}), &without(SecretValue::NoSecret)),
        "SecretMissing"
    );
    assert_eq!(reason(json!({"storage": postgres}), &without(SecretValue::NoKey)), "SecretMissing");
    assert_eq!(
        reason(json!({"storage": postgres}), &without(SecretValue::Found(b"mysql://x".to_vec()))),
        "SecretInvalid"
    );
    let verified = json!({"storage": {"postgres": {"secretRef": {"name": "db"}, "caSecretRef": {"name": "ca"}}}});
    let without_ca =
        |database_ca: SecretValue| Dereferenced { database_ca: Some(database_ca), ..found() };
    assert_eq!(reason(verified.clone(), &without_ca(SecretValue::NoSecret)), "SecretMissing");
    assert_eq!(reason(verified, &without_ca(SecretValue::NoKey)), "SecretMissing");
    let mut moved = resource(json!({"storage": postgres}));
    moved.status =
        Some(TicketSystemStatus { storage: Some("embedded".to_owned()), ..Default::default() });
    assert_eq!(
        render_with(&moved, &found()).expect_err("an error").reason(),
        "StorageChangeRefused"
    );
    moved.metadata.annotations =
        Some([("ticket-system.io/allow-storage-change".to_owned(), "true".to_owned())].into());
    assert!(render_with(&moved, &found()).is_ok());
}
