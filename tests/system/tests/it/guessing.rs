//! Guessed ids: the neighbours of a known id lead nowhere.

use reqwest::Method;
use serde_json::json;
use system_tests::Process;

#[tokio::test]
async fn guessed_hold_ids_can_be_neither_read_nor_changed() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let hold =
        json!({"event": "default", "items": [{"stock": "general", "qty": 1}], "customer": "ann"});
    let mut ids = Vec::new();
    for _ in 0..20 {
        let made = client.post("/api/v1/holds", hold.clone()).await;
        ids.push(
            u128::from_str_radix(&made.json()["id"].as_str().unwrap().replace('-', ""), 16)
                .unwrap(),
        );
    }
    let before = client.ledger("default").await;
    let known = ids[10];
    let mut guesses: Vec<u128> = (0..128).map(|bit| known ^ (1 << bit)).collect();
    guesses.extend((1..=20).flat_map(|step| [known + step, known - step]));
    // The time of another hold with the random bits of a known one.
    guesses.extend(
        ids.iter()
            .filter(|id| **id != known)
            .map(|id| id >> 80 << 80 | known & ((1 << 80) - 1))
            .filter(|id| !ids.contains(id)),
    );
    for id in guesses {
        let text = format!("{id:032x}");
        let path = format!(
            "/api/v1/holds/{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        );
        let calls = [
            (Method::GET, path.clone(), None),
            (Method::POST, format!("{path}/confirm"), None),
            (Method::POST, format!("{path}/extend"), Some(json!({"ttl_s": 900}))),
            (Method::DELETE, path, None),
        ];
        for (method, path, body) in calls {
            let answer = client.call(method, &path, &[], body).await.unwrap();
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (404, "hold_not_found"),
                "{path}"
            );
        }
    }
    assert_eq!(client.ledger("default").await, before);
    let listed = client.get("/api/v1/events").await;
    assert!(
        !String::from_utf8_lossy(&listed.bytes).contains(&format!("{known:032x}")[20..]),
        "nor is any id ever listed"
    );
}
