//! The calls about receivers.

use reqwest::Method;
use serde_json::json;
use system_tests::{ADMIN_TOKEN, Process, SELLER_TOKEN};

use super::{
    OPEN, end, get, path, put,
    receiver::{Receiver, SECRET},
    replay, until,
};

#[tokio::test]
async fn a_receiver_is_created_shown_changed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let created = put(&client, "shop", json!({"url": "https://shop.example/hooks"})).await;
    let secret = created.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!((created.status, &created.json()["status"]), (201, &json!("active")));
    assert!(webhooks::Secret::parse(&secret).is_ok());
    assert_eq!(created.json()["cursors"], json!({"default": {"delivered": 1, "lag": 0}}));
    let shown = get(&client, "shop").await;
    assert_eq!(shown["url"], "https://shop.example/hooks");
    assert!(shown.get("secret").is_none(), "{shown}");
    let types = json!(["io.ticket-system.ledger.sold"]);
    let body = json!({"url": "https://shop.example/v2", "types": types, "event": "default"});
    let changed = put(&client, "shop", body).await;
    assert_eq!((changed.status, &changed.json()["types"]), (200, &types));
    assert!(changed.json().get("secret").is_none());
    let listed = client.admin(Method::GET, "/api/v1/admin/webhooks", &[], None).await.json();
    assert_eq!(listed["webhooks"][0]["url"], "https://shop.example/v2");
    for text in [shown.to_string(), changed.json().to_string(), listed.to_string()] {
        assert!(!text.contains("whsec_"), "{text}");
    }
    let file = std::fs::read_to_string(dir.path().join("webhooks.json")).unwrap();
    assert!(file.contains(&secret), "an update without a secret keeps it");
    assert!(!monolith.logged("INFO").iter().any(|line| line.contains("whsec_")));
    for _ in 0..2 {
        let removed = client.admin(Method::DELETE, &path("shop"), &[], None).await;
        assert_eq!(removed.status, 204);
    }
    let gone = client.admin(Method::GET, &path("shop"), &[], None).await;
    assert_eq!((gone.status, gone.problem().as_str()), (404, "webhook_not_found"));
    for (method, path) in [
        (Method::POST, format!("{}/test", path("shop"))),
        (Method::POST, format!("{}/replay", path("shop"))),
    ] {
        let body = path.ends_with("replay").then(|| json!({"event": "default", "after": 0}));
        assert_eq!(client.admin(method, &path, &[], body).await.problem(), "webhook_not_found");
    }
}

#[tokio::test]
async fn receivers_that_are_not_allowed_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("MAX_WEBHOOKS", "2")]).await;
    let client = monolith.client();
    for (body, word) in [
        (json!({"url": "http://shop.example/"}), "https"),
        (json!({"url": "https://127.0.0.1/"}), "private"),
        (json!({"url": "https://[::1]/"}), "private"),
        (json!({"url": "https://169.254.169.254/latest/meta-data"}), "private"),
        (json!({"url": "https://user:secret@shop.example/"}), "url must"),
        (json!({"url": "shop"}), "url must"),
        (json!({"url": "https://shop.example", "types": ["sold"]}), "types"),
        (json!({"url": "https://shop.example", "secret": "short"}), "secret"),
        (json!({"url": "https://shop.example", "color": "red"}), "color"),
        (json!({}), "url"),
    ] {
        let refused = put(&client, "shop", body.clone()).await;
        assert_eq!((refused.status, refused.problem().as_str()), (422, "validation"), "{body}");
        assert!(refused.json()["detail"].as_str().unwrap().contains(word), "{}", refused.json());
    }
    for name in ["a", "b"] {
        assert_eq!(put(&client, name, json!({"url": "https://shop.example"})).await.status, 201);
    }
    let full = put(&client, "c", json!({"url": "https://shop.example"})).await;
    assert_eq!((full.status, full.problem().as_str()), (409, "too_many_webhooks"));
    assert_eq!(put(&client, "a", json!({"url": "https://shop.example"})).await.status, 200);
    for (method, token, status) in [
        (Method::GET, None, 401),
        (Method::GET, Some(SELLER_TOKEN), 403),
        (Method::GET, Some(ADMIN_TOKEN), 200),
    ] {
        let token = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
        let answer = client.call(method, &path("a"), &headers, None).await.unwrap();
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn the_command_lists_tests_and_replays() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let monolith = Process::monolith(dir.path(), &OPEN).await;
    let body = json!({"url": receiver.url(), "secret": SECRET});
    assert_eq!(put(&monolith.client(), "shop", body).await.status, 201);
    let run = async |args: &[&str], token: &str| {
        let output = tokio::process::Command::new(system_tests::binary("ticket"))
            .env_clear()
            .env("ADMIN_TOKEN", token)
            .current_dir(dir.path())
            .args([&["webhooks", "--url", monolith.base()], args].concat())
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), text.concat())
    };
    let (code, list) = run(&["list"], ADMIN_TOKEN).await;
    assert_eq!((code, list), (Some(0), format!("shop\tactive\tlag 0\t{}\n", receiver.url())));
    let (code, tested) = run(&["test", "shop"], ADMIN_TOKEN).await;
    assert_eq!((code, tested.as_str()), (Some(0), "delivered to shop, status 204\n"));
    let (code, replayed) = run(&["replay", "shop", "--after", "0"], ADMIN_TOKEN).await;
    assert_eq!((code, replayed.as_str()), (Some(0), "shop gets 1 records of default again\n"));
    until("it has arrived", async || receiver.seqs("default") == [1]).await;
    for (args, token, word) in [
        (&["test", "other"][..], ADMIN_TOKEN, "404"),
        (&["replay", "shop", "--after", "9"], ADMIN_TOKEN, "422"),
        (&["list"], "a-wrong-token-for-tests", "403"),
    ] {
        let (code, said) = run(args, token).await;
        assert!(code == Some(1) && said.contains(word), "{code:?} {said}");
    }
}

#[tokio::test]
async fn names_that_lead_to_this_machine_get_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let url = receiver.url().replace("127.0.0.1", "localhost");
    let monolith = Process::monolith(dir.path(), &[("WEBHOOK_ALLOW_HTTP", "true")]).await;
    let client = monolith.client();
    assert_eq!(put(&client, "inside", json!({"url": url, "secret": SECRET})).await.status, 201);
    let test = client.admin(Method::POST, &format!("{}/test", path("inside")), &[], None).await;
    assert_eq!((test.status, &test.json()["delivered"]), (200, &json!(false)));
    assert!(test.json()["error"].as_str().unwrap().contains("no public address"));
    assert_eq!(replay(&client, "inside", 0).await.status, 200);
    until("a delivery fails", async || get(&client, "inside").await["status"] == "failing").await;
    assert_eq!(receiver.calls(), 0);
}

#[tokio::test]
async fn test_and_replay_send_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let monolith = Process::monolith(dir.path(), &OPEN).await;
    let client = monolith.client();
    let body = json!({"url": receiver.url(), "secret": SECRET});
    assert_eq!(put(&client, "shop", body).await.status, 201);
    let test = client.admin(Method::POST, &format!("{}/test", path("shop")), &[], None).await;
    assert_eq!(test.json(), json!({"delivered": true, "status": 204}));
    let sent = &receiver.accepted()[0];
    assert_eq!(sent.event["type"], "io.ticket-system.webhook.test");
    assert!(sent.id.starts_with("test/"));
    assert_eq!(receiver.seqs("default"), [0; 0], "nothing was written since");
    client.post("/api/v1/purchase", json!({"qty": 1})).await;
    until("the sale is delivered", async || receiver.seqs("default") == [2]).await;
    assert_eq!(replay(&client, "shop", 0).await.status, 200);
    until("all is delivered again", async || receiver.seqs("default") == [2, 1, 2]).await;
    let beyond = replay(&client, "shop", end(&client).await + 1).await;
    assert_eq!((beyond.status, beyond.problem().as_str()), (422, "validation"));
}
