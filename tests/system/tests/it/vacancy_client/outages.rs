//! Purchases while vacancy accepts no connection: they wait, for a bounded time.

use std::time::{Duration, Instant};

use serde_json::json;
use system_tests::{Client, Process, free_port};

use super::stub::metric;

async fn ticket(port: u16, env: &[(&str, &str)]) -> Process {
    Process::ticket(&format!("http://127.0.0.1:{port}"), env).await
}

async fn vacancy(dir: &std::path::Path, port: u16) -> Process {
    Process::vacancy(dir, &[("VACANCY_PORT", &port.to_string())]).await
}

async fn buy(client: &Client) -> (u16, Duration) {
    let since = Instant::now();
    let answer = client.post("/api/v1/purchase", json!({"qty": 1})).await;
    (answer.status, since.elapsed())
}

#[tokio::test]
async fn purchase_waits_for_a_vacancy_that_starts_after_it() {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    // A debug build on a busy machine may take long to start.
    let env = [("VACANCY_RECONNECT_WAIT_S", "40"), ("REQUEST_TIMEOUT_S", "60")];
    let ticket = ticket(port, &env).await;
    let client = ticket.client();
    let buyers = futures::future::join_all((0..300).map(|_| buy(&client)));
    let (bought, vacancy) = tokio::join!(buyers, async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        vacancy(dir.path(), port).await
    });
    let failed = bought.iter().filter(|(status, _)| *status != 200).count();
    assert_eq!(failed, 0, "{bought:?}");
    assert!(bought.iter().all(|(_, took)| *took >= Duration::from_secs(2)));
    assert_eq!(vacancy.client().available().await, 700, "each is sold once");
    assert_eq!(client.get("/ready").await.json()["breaker"], "closed");
}

#[tokio::test]
async fn purchase_waits_through_a_restart() {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let env = [("VACANCY_RECONNECT_WAIT_S", "40"), ("REQUEST_TIMEOUT_S", "60")];
    let (first, ticket) = (vacancy(dir.path(), port).await, ticket(port, &env).await);
    let client = ticket.client();
    assert_eq!(buy(&client).await.0, 200);
    assert_eq!(first.terminate().await, Some(0));
    let (bought, second) = tokio::join!(buy(&client), vacancy(dir.path(), port));
    assert_eq!(bought.0, 200);
    assert_eq!(second.client().available().await, 998);
}

#[tokio::test]
async fn wait_ends_in_time_and_a_long_outage_is_not_waited_for() {
    let ticket = ticket(free_port(), &[("VACANCY_RECONNECT_WAIT_S", "2")]).await;
    let client = ticket.client();
    let answer = client.post("/api/v1/purchase", json!({"qty": 1})).await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "vacancy_unavailable"));
    // The outage began with the first purchase, and has lasted for as long as any purchase waits.
    let started = Instant::now();
    let all = futures::future::join_all((0..50).map(|_| buy(&client))).await;
    assert!(all.iter().all(|(status, _)| *status == 503), "{all:?}");
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    // Waiting does not multiply calls: the breaker and the budget of retries bound them.
    let retries = metric(&ticket, "vacancy_retries_total").await;
    assert!(retries <= 30.0, "{retries} retries");
}

#[tokio::test]
async fn purchase_does_not_wait_when_it_is_turned_off() {
    for env in [("VACANCY_RETRIES", "0"), ("VACANCY_RECONNECT_WAIT_S", "0")] {
        let ticket = ticket(free_port(), &[env]).await;
        let (status, took) = buy(&ticket.client()).await;
        assert!(status == 503 && took < Duration::from_secs(1), "{env:?}: {status} in {took:?}");
    }
}

#[tokio::test]
async fn waiting_purchases_are_bounded_by_the_queue() {
    let env = [
        ("VACANCY_QUEUE_MAX", "10"),
        ("VACANCY_BATCH_MAX", "1"),
        ("VACANCY_CALLS", "1"),
        ("VACANCY_RECONNECT_WAIT_S", "3"),
    ];
    let ticket = ticket(free_port(), &env).await;
    let client = ticket.client();
    let since = Instant::now();
    let all = futures::future::join_all((0..40).map(|_| buy(&client))).await;
    assert!(since.elapsed() < Duration::from_secs(9), "all are answered in time");
    let at_once = all.iter().filter(|(_, took)| *took < Duration::from_secs(1)).count();
    assert!(at_once >= 29, "{at_once} of 40 refused at once");
    assert!(all.iter().all(|(status, _)| *status == 503));
}
