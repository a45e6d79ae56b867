//! Data that the database refuses, and databases that cannot store every text.

use std::time::{Duration, Instant};

use serde_json::json;
use system_tests::{Client, Process};

use super::support::{RECOVERY_MAX, start_server, until_ready, vacancy};

/// Half of the buyers carry the name that an administrator's rule refuses.
async fn load(client: &Client, buyers: usize) {
    let calls = (0..buyers).map(|number| async move {
        let is_culprit = number % 4 == 1;
        let customer = if is_culprit { "mallory".into() } else { format!("buyer-{number}") };
        let body = json!({"qty": 1, "customer": customer});
        let answer = client.keyed("/api/v1/purchase", &format!("load-{number}"), body).await;
        (is_culprit, answer.unwrap())
    });
    for (is_culprit, answer) in futures::future::join_all(calls).await {
        if is_culprit {
            assert_eq!((answer.status, answer.problem().as_str()), (422, "refused_by_store"));
            assert_eq!(answer.header("retry-after"), "");
            let text = answer.json().to_string();
            assert!(!text.contains("retry_after_s") && !text.contains("mallory"), "{text}");
        } else {
            assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_against_one_customer_fails_no_other() {
    let server = start_server(&["fsync = off"]).await;
    let url = server.database().await;
    let database = url.rsplit('/').next().unwrap().to_owned();
    let vacancy = vacancy(&url, &[]).await;
    until_ready(&vacancy.client(), RECOVERY_MAX).await;
    let rule = "ALTER TABLE ticket_system.holds ADD CHECK (customer <> 'mallory')";
    server.run(&database, rule).await;
    // The hop's batches are full: few calls carry all purchases.
    let ticket = Process::ticket(
        vacancy.base(),
        &[("VACANCY_CALLS", "1"), ("VACANCY_TIMEOUT", "9"), ("REQUEST_TIMEOUT_S", "20")],
    )
    .await;
    load(&ticket.client(), 200).await;
    assert_eq!(vacancy.client().get("/ready").await.status, 200);
    assert_eq!(vacancy.client().available().await, 100_000 - 150);
    let monolith = Process::start(
        "ticket",
        &[("DEPLOYMENT_MODE", "monolith"), ("STORE_URL", &url), ("REQUEST_TIMEOUT_S", "20")],
    )
    .await;
    until_ready(&monolith.client(), RECOVERY_MAX).await;
    // The same keys: what was sold is returned, what was refused is refused again.
    load(&monolith.client(), 200).await;
    assert_eq!(vacancy.client().available().await, 100_000 - 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_is_not_utf8_is_named_by_ready() {
    let server = start_server(&["fsync = off"]).await;
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = encoding.to_lowercase();
        let create =
            format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0");
        server.run("postgres", &create).await;
        let vacancy = vacancy(&server.url(&name), &[]).await;
        let client = vacancy.client();
        let since = Instant::now();
        loop {
            let ready = client.get("/ready").await;
            assert_eq!(ready.status, 503);
            if ready.json().to_string().contains("database encoding is not UTF8") {
                break;
            }
            assert!(since.elapsed() < Duration::from_secs(20), "{}", ready.json());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let refused = client.post("/api/v1/reserve", json!({"qty": 1, "customer": "Zoë"})).await;
        assert_eq!(refused.status, 503);
    }
}
