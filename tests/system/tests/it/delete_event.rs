//! Deleting events without sales, and what administrators see of an event.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client, Process};

const GALA: &str = "/api/v1/admin/events/gala";

async fn delete(client: &Client, event: &str, headers: &[(&str, &str)]) -> Answer {
    client.admin(Method::DELETE, &format!("/api/v1/admin/events/{event}"), headers, None).await
}

async fn hold(client: &Client, ttl_s: u64) -> Answer {
    let items = json!([{"stock": "general", "qty": 1}]);
    let hold = json!({"event": "gala", "items": items, "customer": "c", "ttl_s": ttl_s});
    client.post("/api/v1/holds", hold).await
}

#[tokio::test]
async fn only_an_event_without_sales_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("MAX_EVENTS", "2")]).await;
    let client = monolith.client();
    assert_eq!(delete(&client, "gala", &[]).await.problem(), "event_not_found");
    let refused = delete(&client, "default", &[]).await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "default_event"));
    client.put_event("gala", json!({"stocks": {"general": 5}, "limit_per_customer": 3})).await;
    // Held, sold, and returned.
    let held = hold(&client, 600).await;
    let location = held.header("location").to_owned();
    let id = held.json()["id"].as_str().unwrap().to_owned();
    for confirm in [false, true] {
        if confirm {
            client.post(&format!("{location}/confirm"), json!({})).await;
        }
        let refused = delete(&client, "gala", &[]).await;
        assert_eq!((refused.status, refused.problem().as_str()), (409, "event_in_use"));
        assert_eq!(refused.header("event-seq"), refused.json()["seq"].to_string());
    }
    let refunds = format!("/api/v1/admin/reservations/{id}/refunds");
    assert_eq!(client.admin(Method::POST, &refunds, &[], None).await.status, 201);
    for (header, value, status) in
        [("if-match", "\"7-7\"", 412), ("if-match", "x", 400), ("if-none-match", "*", 412)]
    {
        assert_eq!(delete(&client, "gala", &[(header, value)]).await.status, status, "{value}");
    }
    let tag = client.admin(Method::GET, GALA, &[], None).await.header("etag").to_owned();
    let deleted = delete(&client, "gala", &[("if-match", &tag)]).await;
    assert_eq!((deleted.status, deleted.header("event-seq")), (204, "5"));
    let again = delete(&client, "gala", &[]).await;
    assert_eq!((again.status, again.header("event-seq")), (204, "5"), "nothing more to do");
    // It is gone for everybody, and its ledger is not.
    monolith.kill().await;
    let monolith = Process::monolith(dir.path(), &[("MAX_EVENTS", "2")]).await;
    let client = monolith.client();
    assert_eq!(client.get("/api/v1/events/gala").await.status, 404);
    assert_eq!(client.admin(Method::GET, GALA, &[], None).await.status, 404);
    let events = client.get("/api/v1/events").await.json();
    assert_eq!(events["events"].as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(hold(&client, 600).await.problem(), "event_not_found");
    assert_eq!(client.get(&location).await.json()["state"], "confirmed");
    assert_eq!(client.admin(Method::POST, &refunds, &[], None).await.problem(), "already_refunded");
    let put = async |event: &str, headers: &[(&str, &str)]| {
        let path = format!("/api/v1/admin/events/{event}");
        client.admin(Method::PUT, &path, headers, Some(json!({"stocks": {"general": 2}}))).await
    };
    assert_eq!(put("other", &[]).await.problem(), "too_many_events", "its ledger still counts");
    assert_eq!(put("gala", &[("if-match", "*")]).await.status, 412);
    let created = put("gala", &[("if-none-match", "*")]).await;
    assert_eq!((created.status, created.header("event-seq")), (201, "6"));
    assert!(created.json().get("limit_per_customer").is_none());
    assert_eq!(hold(&client, 600).await.status, 201);
    let kinds: Vec<_> =
        client.ledger("gala").await.iter().map(|one| one["data"]["kind"].clone()).collect();
    assert_eq!(
        kinds,
        ["event_put", "held", "confirmed", "refunded", "event_deleted", "event_put", "held"]
    );
    monolith.kill().await;
    let verified = std::process::Command::new(system_tests::binary("vacancy"))
        .args(["verify", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn administrators_see_settings_counts_and_versions() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let settings = json!({"stocks": {"general": 5}, "hold_ttl_s": 60, "limit_per_customer": 3, "opens_at": "2020-01-01T00:00:00Z"});
    client.put_event("gala", settings).await;
    hold(&client, 600).await;
    let seen = client.admin(Method::GET, GALA, &[], None).await;
    assert_eq!(
        (seen.status, seen.header("etag"), seen.header("cache-control")),
        (200, "\"1-2\"", "no-store")
    );
    let body: Value = seen.json();
    assert_eq!(
        body,
        json!({
            "event": "gala",
            "stocks": {"general": {"capacity": 5, "available": 4, "held": 1, "sold": 0, "seq": 2}},
            "opens_at": "2020-01-01T00:00:00Z",
            "hold_ttl_s": 60,
            "limit_per_customer": 3,
            "seq": 2,
            "settings_seq": 1,
            "live_holds": 1,
        })
    );
    let same = [("if-none-match", "\"1-2\"")];
    assert_eq!(client.admin(Method::GET, GALA, &same, None).await.status, 304);
    assert_eq!(client.get(GALA).await.status, 401);
    assert_eq!(
        client.admin(Method::GET, "/api/v1/admin/events/nowhere", &[], None).await.problem(),
        "event_not_found"
    );
}
