//! The fingerprint of a key. The ledger keeps it for good: with another input, every retry across
//! an update would be refused as another request.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use system_tests::{Client, Process};

/// The first half of the SHA-256 of `intent`.
fn fingerprint(intent: &str) -> String {
    Sha256::digest(intent)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sends a POST with a key and the admin token. Returns the response and the `key` of the last
/// record.
async fn recorded(client: &Client, path: &str, key: &str, body: Option<Value>) -> (Value, Value) {
    let answer = client.admin(Method::POST, path, &[("idempotency-key", key)], body).await;
    assert!((200..300).contains(&answer.status), "{path}: {}", answer.json());
    let last = client.ledger("default").await.pop().unwrap();
    // The record has it in the scope of its call and caller.
    let in_scope = last["data"]["key"]["key"].as_str().unwrap();
    assert!(in_scope == key || in_scope.ends_with(&format!("~{key}")), "{in_scope}");
    (answer.json(), last["data"]["key"]["fingerprint"].clone())
}

#[tokio::test]
async fn fingerprints_are_stable_across_versions() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    client.put_event("default", json!({"stocks": {"general": 100, "vip": 10}})).await;

    let intent = r#"{"op":"reserve","event":"default","items":[{"qty":3,"stock":"general"}]}"#;
    let (_, found) = recorded(&client, "/api/v1/reserve", "reserve", Some(json!({"qty": 3}))).await;
    assert_eq!(
        (found.as_str(), fingerprint(intent).as_str()),
        (Some("a4a04c983d63552f3ef655cbf939adee"), "a4a04c983d63552f3ef655cbf939adee")
    );

    let intent = r#"{"op":"reserve","event":"default","items":[{"qty":3,"stock":"general"}],"customer":"Zoë \"Z\""}"#;
    let (_, found) = recorded(
        &client,
        "/api/v1/reserve",
        "named",
        Some(json!({"qty": 3, "customer": "Zoë \"Z\""})),
    )
    .await;
    assert_eq!(
        (found.as_str(), fingerprint(intent).as_str()),
        (Some("176dec982f16dde680fc1ad326128389"), "176dec982f16dde680fc1ad326128389")
    );

    let intent = concat!(
        r#"{"op":"hold","event":"default","items":[{"qty":2,"stock":"general"},{"qty":1,"stock":"vip"}],"#,
        r#""customer":"c-1","ttl_ms":600000}"#
    );
    let items = json!([{"stock": "vip", "qty": 1}, {"stock": "general", "qty": 2}]);
    let hold = json!({"event": "default", "items": items, "customer": "c-1", "ttl_s": 600});
    let (hold, found) = recorded(&client, "/api/v1/holds", "hold", Some(hold)).await;
    assert_eq!(
        (found.as_str(), fingerprint(intent).as_str()),
        (Some("75bf9acde5a4bb3f397ee7dd9d5531fe"), "75bf9acde5a4bb3f397ee7dd9d5531fe")
    );

    // The inputs below contain the id of the hold, which differs between runs.
    let id = hold["id"].as_str().unwrap();
    let path = |call: &str| format!("/api/v1/holds/{id}/{call}");
    let (_, found) =
        recorded(&client, &path("extend"), "extend", Some(json!({"ttl_s": 900}))).await;
    assert_eq!(found, fingerprint(&format!(r#"{{"op":"extend","hold":"{id}","ttl_ms":900000}}"#)));
    let (_, found) =
        recorded(&client, &path("confirm"), "confirm", Some(json!({"payment_ref": "p/1"}))).await;
    assert_eq!(
        found,
        fingerprint(&format!(r#"{{"op":"confirm","hold":"{id}","payment_ref":"p/1"}}"#))
    );
    let path = format!("/api/v1/admin/reservations/{id}/refunds");
    let (_, found) =
        recorded(&client, &path, "part", Some(json!({"items": [{"stock": "general", "qty": 1}]})))
            .await;
    let intent = format!(
        r#"{{"op":"refund","reservation":"{id}","items":[{{"qty":1,"stock":"general"}}]}}"#
    );
    assert_eq!(found, fingerprint(&intent));
    let (_, found) = recorded(&client, &path, "rest", None).await;
    assert_eq!(found, fingerprint(&format!(r#"{{"op":"refund","reservation":"{id}"}}"#)));
}
