//! Conditional requests (RFC 9110, section 13).

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client, Process};

const EVENT: &str = "/api/v1/events/gala";
const ADMIN: &str = "/api/v1/admin/events/gala";

async fn put(client: &Client, headers: &[(&str, &str)], capacity: u64) -> Answer {
    let body = json!({"stocks": {"general": capacity}});
    client.admin(Method::PUT, ADMIN, headers, Some(body)).await
}

async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.call(Method::GET, path, headers, None).await.unwrap()
}

async fn hold(client: &Client) -> Answer {
    let body = json!({"event": "gala", "items": [{"stock": "general", "qty": 1}]});
    client.post("/api/v1/holds", body).await
}

#[tokio::test]
async fn put_creates_only_or_changes_only_what_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    for unmet in [("if-match", "*"), ("if-match", "\"1-1\"")] {
        let answer = put(&client, &[unmet], 10).await;
        assert_eq!((answer.status, answer.problem().as_str()), (412, "precondition_failed"));
    }
    assert_eq!(client.get(EVENT).await.status, 404);
    let created = put(&client, &[("if-none-match", "*")], 10).await;
    assert_eq!((created.status, created.header("etag")), (201, "\"1-1\""));
    let again = put(&client, &[("if-none-match", "*")], 99).await;
    assert_eq!((again.status, again.problem().as_str()), (412, "precondition_failed"));
    assert_eq!(again.header("event-seq"), "1");
    let both = [("if-match", "\"1-1\""), ("if-none-match", "*")];
    assert_eq!(put(&client, &both, 99).await.status, 412, "both must hold");
    for current in ["\"1-1\"", "W/\"1-1\"", "\"x\", \"1\""] {
        let answer = put(&client, &[("if-none-match", current)], 99).await;
        assert_eq!(answer.status, 412, "{current}");
    }
    assert_eq!(client.get(EVENT).await.json()["stocks"]["general"]["capacity"], 10);

    // The tag that GET gave before a sale is still good for the settings.
    let seen = client.get(EVENT).await;
    assert_eq!(seen.header("etag"), created.header("etag"));
    assert_eq!(hold(&client).await.status, 201);
    assert_ne!(client.get(EVENT).await.header("etag"), seen.header("etag"), "other bytes");
    let weak = format!("W/{}", seen.header("etag"));
    for unmet in [weak.as_str(), "\"2-1\"", "\"\"", "\"01-1\"", "\"a\",\"b\""] {
        assert_eq!(put(&client, &[("if-match", unmet)], 20).await.status, 412, "{unmet}");
    }
    let list = format!("\"x\" ,{}", seen.header("etag"));
    let changed = put(&client, &[("if-match", &list), ("if-none-match", "\"9-9\"")], 20).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let stale = put(&client, &[("if-match", seen.header("etag"))], 30).await;
    assert_eq!((stale.status, stale.problem().as_str()), (412, "precondition_failed"));
    assert_eq!(put(&client, &[("if-match", changed.header("etag"))], 30).await.status, 200);
    assert_eq!(put(&client, &[("if-match", "*")], 40).await.status, 200);
    for malformed in ["", "1-1", "\"1-1", "*, \"1-1\"", "\"1-1\" \"2-2\"", "w/\"1-1\""] {
        for header in ["if-match", "if-none-match"] {
            let answer = put(&client, &[(header, malformed)], 50).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (400, "bad_request"),
                "{malformed}"
            );
        }
    }
    // Not conditional on dates: there are none.
    let dated = [("if-unmodified-since", "Mon, 01 Jan 1990 00:00:00 GMT")];
    assert_eq!(put(&client, &dated, 60).await.status, 200);
}

#[tokio::test]
async fn only_one_of_many_concurrent_creations_wins() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let creations = (1..=20).map(|capacity| {
        let client = client.clone();
        async move { put(&client, &[("if-none-match", "*")], capacity).await.status }
    });
    let mut statuses = futures::future::join_all(creations).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(statuses[1..].iter().all(|status| *status == 412), "{statuses:?}");
}

#[tokio::test]
async fn equal_strong_tags_mean_equal_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    put(&client, &[], 10).await;
    let made = hold(&client).await;
    let of_hold = made.header("location").to_owned();
    let mut seen: Vec<(String, Answer)> = Vec::new();
    let look = async |seen: &mut Vec<(String, Answer)>| {
        for path in [EVENT, of_hold.as_str()] {
            let answer = get(&client, path, &[]).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let same = seen
                .iter()
                .find(|(at, other)| at == path && other.header("etag") == answer.header("etag"));
            assert!(same.is_none_or(|(_, other)| other.bytes == answer.bytes), "{path}");
            // The tag names these bytes; another tag does not.
            let tag = answer.header("etag").to_owned();
            assert!(tag.starts_with('"'), "strong: {tag}");
            for (header, value, status) in [
                ("if-none-match", tag.as_str(), 304),
                ("if-none-match", "*", 304),
                ("if-none-match", &format!("\"x\", W/{tag}"), 304),
                ("if-none-match", "\"x\"", 200),
                ("if-match", tag.as_str(), 200),
                ("if-match", "*", 200),
                ("if-match", "\"x\"", 412),
                ("if-match", &format!("W/{tag}"), 412),
                ("if-none-match", "x", 400),
                ("if-match", "", 400),
            ] {
                let answer = get(&client, path, &[(header, value)]).await;
                assert_eq!(answer.status, status, "{path} {header}: {value}");
                if status == 304 {
                    assert!(answer.bytes.is_empty() && answer.header("etag") == tag, "{answer:?}");
                }
            }
            // The same bytes also for clients that accept compressed ones.
            let gzip = get(&client, path, &[("accept-encoding", "gzip")]).await;
            assert_eq!((gzip.header("content-encoding"), gzip.bytes == answer.bytes), ("", true));
            seen.push((path.to_owned(), answer));
        }
    };
    look(&mut seen).await;
    hold(&client).await;
    look(&mut seen).await;
    let stocks: Value =
        (0..40).map(|n| (format!("stock-{n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    let mut many = json!({"stocks": stocks});
    many["stocks"]["general"] = json!(10);
    assert_eq!(client.admin(Method::PUT, ADMIN, &[], Some(many)).await.status, 200);
    look(&mut seen).await;
    let stale = seen[1].1.header("etag").to_owned();
    client.post(&format!("{of_hold}/extend"), json!({"ttl_s": 900})).await;
    look(&mut seen).await;
    let release = async |headers: &[(&str, &str)]| {
        client.call(Method::DELETE, &of_hold, headers, None).await.unwrap().status
    };
    assert_eq!(release(&[("if-match", &stale)]).await, 412);
    assert_eq!(release(&[("if-match", "x")]).await, 400);
    assert_eq!(release(&[("if-none-match", "*")]).await, 412);
    let tag = client.get(&of_hold).await.header("etag").to_owned();
    assert_eq!(release(&[("if-match", &tag)]).await, 204);
    look(&mut seen).await;
}

#[tokio::test]
async fn a_post_has_nothing_to_match() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    for (header, value, status) in [
        ("if-match", "*", 412),
        ("if-match", "\"1-1\"", 412),
        ("if-match", "1-1", 400),
        ("if-none-match", "", 400),
        ("if-none-match", "*", 200),
        ("if-none-match", "\"1-1\"", 200),
    ] {
        let body = Some(json!({"qty": 1}));
        let answer = client.call(Method::POST, "/api/v1/purchase", &[(header, value)], body).await;
        assert_eq!(answer.unwrap().status, status, "{header}: {value}");
    }
    assert_eq!(client.available().await, 998);
}
