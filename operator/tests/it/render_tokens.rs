//! The Secrets with tokens, and which pods read them.

use std::sync::Arc;

use k8s_openapi::ByteString;
use kube::core::DynamicObject;
use operator::{
    apply::body_with_hash,
    build::{self, Child},
    dereference::Dereferenced,
    kind::Kind,
    role::Role,
    validate::validate,
};
use serde_json::{Value, json};

use crate::render::{defaults, found, new_secrets, render, render_with, resource, settings};

/// A cluster with `tokens` in the Secret of `role`, with these annotations.
fn with_tokens(role: Role, tokens: &str, annotations: &Value) -> Dereferenced {
    let name = role.secret("shop");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"token": ByteString(tokens.into())},
        "metadata": {"name": name, "annotations": annotations}});
    let secret: DynamicObject = serde_json::from_value(secret).expect("an object");
    let mut found = found();
    found.live.insert(Kind::Secret, name, Arc::new(secret));
    found
}

fn secrets(children: &[Child]) -> Vec<(&str, &str)> {
    let secrets = children.iter().filter(|child| child.kind == Kind::Secret);
    let secrets = secrets.filter(|child| child.name != "shop-signing-keys");
    secrets
        .map(|child| (child.name.as_str(), child.body["data"]["token"].as_str().expect("a token")))
        .collect()
}

fn base64(text: &str) -> Value {
    json!(ByteString(text.into()))
}

#[test]
fn invalid_token_is_rejected_for_each_role() {
    let many = ["a-token-of-this-test"; 17].join(",");
    for role in Role::ALL {
        for token in ["short", "long enough, but spaced", "long-enough-with-a-newline\n", &many] {
            let found = with_tokens(role, token, &json!({}));
            let error = validate(&resource(json!({})), &found, &defaults(), &new_secrets("x"))
                .expect_err("an error");
            assert_eq!(error.reason(), "SecretInvalid", "{token:?}");
            let message = error.to_string();
            assert!(
                !message.contains(token) && message.contains(&role.secret("shop")),
                "{message}"
            );
        }
    }
}

#[test]
fn several_tokens_are_accepted_for_each_role() {
    for role in Role::ALL {
        for (tokens, accepted) in [
            ("first-token-of-this-test,second-token-of-this-test", true),
            ("first-token-of-this-test,short", false),
            ("first-token-of-this-test, second-token-of-this-test", false),
            ("first-token-of-this-test,", false),
        ] {
            let found = with_tokens(role, tokens, &json!({}));
            assert_eq!(render_with(&resource(json!({})), &found).is_ok(), accepted, "{tokens}");
        }
    }
}

#[test]
fn existing_tokens_are_kept() {
    let first = render_with(&resource(json!({})), &found()).expect("it is valid");
    let new = new_secrets("token");
    let values = Role::ALL.map(|role| (role.secret("shop"), base64(new.token(role))));
    let wanted: Vec<_> =
        values.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
    assert_eq!(secrets(&first), wanted);
    let mut later = found();
    for secret in first.iter().filter(|child| child.kind == Kind::Secret) {
        let live: DynamicObject =
            serde_json::from_value(body_with_hash(secret)).expect("an object");
        later.live.insert(Kind::Secret, secret.name.clone(), Arc::new(live));
    }
    let system = resource(json!({}));
    let again = validate(&system, &later, &defaults(), &new_secrets("another"));
    let again = build::build(&again.expect("it is valid")).into_children().expect("it renders");
    assert_eq!(secrets(&again), secrets(&first));
    let tokens = "old-token-of-the-seller,new-token-of-the-seller";
    let rotated = with_tokens(Role::Seller, tokens, &json!({}));
    let rotated = render_with(&system, &rotated).expect("it is valid");
    let kept = base64(tokens);
    assert!(secrets(&rotated).contains(&("shop-seller-token", kept.as_str().expect("text"))));
    let templates = |children: &[Child]| -> Vec<Value> {
        let deployments = children.iter().filter(|child| child.kind == Kind::Deployment);
        deployments.map(|child| child.body["spec"]["template"].clone()).collect()
    };
    assert_eq!(templates(&rotated), templates(&first), "new tokens roll no pods");
}

#[test]
fn secret_of_another_owner_is_read_and_not_written() {
    for role in Role::ALL {
        let adopted = json!({"ticket-system.io/adopt": "shop"});
        let found = with_tokens(role, "token-from-a-vault-of-the-shop", &adopted);
        let children = render_with(&resource(json!({})), &found).expect("it is valid");
        let names: Vec<_> = secrets(&children).into_iter().map(|(name, _)| name).collect();
        let others = Role::ALL.into_iter().filter(|other| *other != role);
        assert_eq!(names, others.map(|other| other.secret("shop")).collect::<Vec<_>>());
    }
}

#[test]
fn pods_read_the_tokens_of_the_roles_they_know() {
    for (mode, name, known) in [
        ("microservices", "shop-ticket", &["seller", "gate"][..]),
        ("microservices", "shop-vacancy", &["admin", "seller", "gate"]),
        ("monolith", "shop", &["admin", "seller", "gate"]),
    ] {
        let children = render(json!({"mode": mode}));
        let pod = &children[&format!("Deployment/{name}")]["spec"]["template"]["spec"];
        let volumes: Vec<_> = pod["volumes"]
            .as_array()
            .expect("volumes")
            .iter()
            .filter_map(|volume| volume["secret"]["secretName"].as_str())
            .collect();
        let mut wanted: Vec<_> = known.iter().map(|role| format!("shop-{role}-token")).collect();
        wanted.push("shop-signing-keys".to_owned());
        assert_eq!(volumes, wanted, "{name}");
        let settings = &settings(&children, name)["data"];
        for role in ["admin", "seller", "gate"] {
            let file = &settings[format!("{}_TOKEN_FILE", role.to_uppercase())];
            let path = format!("/etc/ticket-system/{role}-token/token");
            let wanted = if known.contains(&role) { json!(path) } else { Value::Null };
            assert_eq!(*file, wanted, "{role} of {name}");
        }
    }
}

#[test]
fn token_of_the_spec_takes_the_place_of_its_file_alone() {
    let env = json!([{"name": "SELLER_TOKEN", "value": "a-token-of-the-spec-itself"}]);
    let children = render(json!({"vacancy": {"env": env}}));
    let vacancy = &settings(&children, "shop-vacancy")["data"];
    assert!(vacancy["SELLER_TOKEN_FILE"].is_null() && vacancy["ADMIN_TOKEN_FILE"].is_string());
    let ticket = &settings(&children, "shop-ticket")["data"];
    assert!(ticket["SELLER_TOKEN_FILE"].is_string(), "each service has its own env");
}
