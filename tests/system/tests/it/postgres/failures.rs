//! Kills, failovers, hangs and late starts of the database.

use std::{
    collections::HashMap,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rand::RngExt;
use serde_json::{Value, json};
use system_tests::{Client, free_port};

use super::{
    buyers::{Buyers, check},
    support::{RECOVERY_MAX, rounds, start_server, until_ready, vacancy},
};

/// The time for which the database hangs: longer than the slowest response.
const HANG: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn repeated_kills_of_database_and_replicas_lose_nothing() {
    let mut server = start_server(&["restart_after_crash = on"]).await;
    let url = server.database().await;
    let ports: Vec<_> = (0..3).map(|_| free_port().to_string()).collect();
    let mut replicas = Vec::new();
    for port in &ports {
        replicas.push(Some(vacancy(&url, &[("VACANCY_PORT", port)]).await));
    }
    let bases: Vec<_> = ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
    let buyers = Buyers::start(&bases, 24);
    let (rounds, mut slowest) = (rounds("KILLS", 8), Duration::ZERO);
    for round in 0..rounds {
        let pause = rand::rng().random_range(50..300);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if round % 2 == 0 {
            server = tokio::task::spawn_blocking(move || {
                server.kill();
                server.launch();
                server
            })
            .await
            .unwrap();
        } else {
            let one = round / 2 % replicas.len();
            replicas[one].take().unwrap().kill().await;
            replicas[one] = Some(vacancy(&url, &[("VACANCY_PORT", &ports[one])]).await);
        }
        slowest = slowest.max(buyers.wait_for_sale(Instant::now(), RECOVERY_MAX).await);
    }
    let refused = buyers.refused.load(Ordering::SeqCst);
    let sales = buyers.stop().await;
    let client = Client::new(&bases[0]);
    until_ready(&client, RECOVERY_MAX).await;
    let sold = check(&client, &sales).await;
    assert!(sales.len() > rounds * 5, "the load was too small to show anything");
    println!(
        "{rounds} kills: {} acknowledged, {sold} sold, {refused} calls refused or broken off, slowest to sell again {slowest:?}",
        sales.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failover_to_synchronous_standby_loses_nothing() {
    let mut primary = start_server(&[]).await;
    let database = primary.database().await;
    let name = database.rsplit('/').next().unwrap().to_owned();
    let (rounds, mut slowest, mut sold) = (rounds("FAILOVERS", 2), Duration::ZERO, 0);
    // Both ports stay: the settings of the replicas do not change with a failover.
    for round in 0..rounds {
        let (back, mut standby) = tokio::task::spawn_blocking(move || {
            let mut standby = primary.standby();
            standby.launch();
            (primary, standby)
        })
        .await
        .unwrap();
        primary = back;
        primary.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        primary.run("postgres", "SELECT pg_reload_conf()").await;
        let since = Instant::now();
        while primary
            .ask("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
            .await
            != "1"
        {
            assert!(since.elapsed() < RECOVERY_MAX, "the standby does not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let url = format!(
            "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}",
            primary.port(),
            standby.port()
        );
        let (one, two) = (vacancy(&url, &[]).await, vacancy(&url, &[]).await);
        let fresh = format!("/api/v1/admin/events/round-{round}");
        assert_eq!(
            one.client()
                .admin(reqwest::Method::PUT, &fresh, &[], Some(json!({"stocks": {"general": 5}})))
                .await
                .status,
            201
        );
        let started = Instant::now();
        let buyers = Buyers::start(&[one.base().to_owned(), two.base().to_owned()], 16);
        buyers.wait_for_sale(started, RECOVERY_MAX).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = buyers.sold().await;
        standby = tokio::task::spawn_blocking(move || {
            primary.kill();
            // The new primary must not wait for a standby of its own.
            standby.configure(&["synchronous_standby_names = ''"]);
            standby.promote();
            standby
        })
        .await
        .unwrap();
        let promoted = Instant::now();
        standby.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''").await;
        standby.run("postgres", "SELECT pg_reload_conf()").await;
        slowest = slowest.max(buyers.wait_for_sale(promoted, RECOVERY_MAX).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let sales = buyers.stop().await;
        assert!(sales.len() > before && before > 0);
        // Earlier rounds used the same keys: the ledger has the sales of the first round, and more.
        let client = two.client();
        sold = client.ledger("default").await.len() - 1;
        let records = client.ledger("default").await;
        let of_keys: HashMap<&str, &Value> = records[1..]
            .iter()
            .map(|event| (event["data"]["key"]["key"].as_str().unwrap(), &event["data"]["seq"]))
            .collect();
        assert_eq!(of_keys.len(), sold, "a key has more than one effect");
        for sale in &sales {
            assert_eq!(
                of_keys.get(sale.key.as_str()),
                Some(&&sale.body["seq"]),
                "{} is lost",
                sale.key
            );
        }
        primary = standby;
    }
    println!(
        "{rounds} failovers: {sold} sold, slowest to sell again after the promotion {slowest:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_database_bounds_waits_and_marks_reads_stale() {
    let server = start_server(&[]).await;
    let url = server.database().await;
    let bounds = [
        ("STORE_STATEMENT_TIMEOUT_S", "1.0"),
        ("STORE_LOCK_TIMEOUT_S", "0.5"),
        ("STORE_CONNECT_TIMEOUT_S", "0.5"),
        ("STORE_RESOLVE_TIMEOUT_S", "1.0"),
    ];
    let replica = vacancy(&url, &bounds).await;
    let client = replica.client();
    assert_eq!(client.available().await, 100_000);
    let buyers = Buyers::start(&[replica.base().to_owned()], 8);
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.freeze(true);
    tokio::time::sleep(HANG).await;
    // By now vacancy has noticed: refusals are immediate, reads are marked stale, readiness gives
    // the reason and no secret.
    let since = Instant::now();
    let refused = client.post("/api/v1/reserve", json!({"qty": 1})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "store_unavailable"));
    assert!(!refused.header("retry-after").is_empty());
    let read = client.get("/api/v1/available").await;
    assert_eq!((read.status, read.json()["stale"].as_bool()), (200, Some(true)));
    assert!(!read.header("age").is_empty());
    assert!(client.get("/api/v1/events").await.json()["events"][0]["stale"] == true);
    // Less than any of the bounds above, at least once on a busy machine.
    let mut fastest = since.elapsed();
    for _ in 0..5 {
        let since = Instant::now();
        assert_eq!(client.post("/api/v1/reserve", json!({"qty": 1})).await.status, 503);
        fastest = fastest.min(since.elapsed());
    }
    assert!(fastest < Duration::from_millis(400), "{fastest:?}");
    let ready = client.get("/ready").await;
    let text = String::from_utf8(ready.bytes.clone()).unwrap();
    assert_eq!(ready.status, 503);
    assert!(
        text.contains("database unreachable")
            && !text.contains("127.0.0.1")
            && !text.contains("postgres:"),
        "{text}"
    );
    assert_eq!(client.get("/health").await.status, 200);
    server.freeze(false);
    let again = buyers.wait_for_sale(Instant::now(), RECOVERY_MAX).await;
    let slowest_ms = buyers.slowest_ms.load(Ordering::SeqCst);
    let sales = buyers.stop().await;
    until_ready(&client, RECOVERY_MAX).await;
    check(&client, &sales).await;
    assert!(client.get("/api/v1/available").await.json().get("stale").is_none());
    // A load, a commit and a query for its outcome each have a bound.
    assert!(slowest_ms < 6_000, "a caller waited {slowest_ms} ms");
    println!("hung for {HANG:?}: slowest answer {slowest_ms} ms, sold again after {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_starts_before_its_database() {
    let mut server = start_server(&[]).await;
    let url = server.database().await;
    server.kill();
    let replica = vacancy(&url, &[]).await;
    let client = replica.client();
    assert_eq!(client.get("/ready").await.status, 503);
    assert_eq!(client.get("/api/v1/available").await.status, 503);
    tokio::task::spawn_blocking(move || {
        server.launch();
        server
    })
    .await
    .map(std::mem::forget)
    .unwrap();
    until_ready(&client, RECOVERY_MAX).await;
    let since = Instant::now();
    while client.get("/api/v1/available").await.status != 200 {
        assert!(since.elapsed() < RECOVERY_MAX);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.post("/api/v1/reserve", json!({"qty": 2})).await.json()["success"], true);
}
