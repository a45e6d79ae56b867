//! `migrate-store`: the real binary moves a stock to PostgreSQL, while it is killed and the
//! database is killed.

use std::{
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ADMIN_TOKEN, Client, Process, binary};
use test_postgres::Server;
use tokio::process::Command;

/// Enough sales for several transactions of a migration.
const BATCHES: u64 = 40;
const BATCH: u64 = 500;

fn command(args: &[&str], store_url: Option<&str>, dir: &Path) -> Command {
    let mut command = Command::new(binary("vacancy"));
    command
        .env_clear()
        .env("ADMIN_TOKEN", ADMIN_TOKEN)
        .env("STORE_CONNECT_TIMEOUT_S", "0.5")
        .current_dir(dir)
        .args(args);
    command
        .envs(store_url.map(|url| ("STORE_URL", url)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The result of `verify`.
fn sums(output: &Output) -> String {
    let text = output_text(output);
    let (_, sums) = text.split_once(" OK: ").unwrap_or_else(|| panic!("{text}"));
    sums.split_once("; ").unwrap().0.to_owned()
}

/// Requests with keys, and the responses that a repetition must get.
struct Answered(Vec<(String, String, Value, Vec<u8>)>);

impl Answered {
    async fn ask(&mut self, client: &Client, path: &str, body: Value) -> Value {
        let key = format!("answered {}", self.0.len());
        let answer = client.keyed(path, &key, body.clone()).await.unwrap();
        assert!(answer.status < 300, "{path}: {}", answer.json());
        let json = answer.json();
        self.0.push((path.to_owned(), key, body, answer.bytes));
        json
    }

    async fn are_repeated_by(&self, client: &Client) {
        for (path, key, body, bytes) in &self.0 {
            let again = client.keyed(path, key, body.clone()).await.unwrap();
            assert_eq!(
                String::from_utf8_lossy(&again.bytes),
                String::from_utf8_lossy(bytes),
                "{path}, {key}"
            );
        }
    }
}

/// The stock as a service reports it.
async fn state(client: &Client, holds: &[String]) -> Vec<Value> {
    let mut stock = vec![client.get("/api/v1/events").await.json()];
    for hold in holds {
        stock.push(client.get(&format!("/api/v1/holds/{hold}")).await.json());
    }
    stock
}

/// Sales by the thousand, holds in every state, customers, a refund.
async fn fill(client: &Client) -> (Answered, Vec<String>) {
    for batch in 0..BATCHES {
        let items: Vec<_> = (0..BATCH)
            .map(|number| json!({"qty": 1, "key": format!("sale {batch}.{number}")}))
            .collect();
        let answer = client.post("/api/v1/reserve/batch", json!(items)).await;
        assert!(
            answer.status == 200
                && answer.json().as_array().unwrap().iter().all(|slot| slot["success"] == true)
        );
    }
    let created = client
        .put_event("gala", json!({"stocks": {"general": 50, "vip": 5}, "limit_per_customer": 4}))
        .await;
    assert_eq!(created.status, 201);
    let (mut answered, mut holds) = (Answered(Vec::new()), Vec::new());
    for number in 0..4 {
        let items = json!([{"stock": "general", "qty": 2}, {"stock": "vip", "qty": 1}]);
        let body = json!({"event": "gala", "items": items, "customer": format!("customer {number}"), "ttl_s": 600});
        let hold = answered.ask(client, "/api/v1/holds", body).await;
        holds.push(hold["id"].as_str().unwrap().to_owned());
    }
    answered
        .ask(client, &format!("/api/v1/holds/{}/confirm", holds[0]), json!({"payment_ref": "paid"}))
        .await;
    assert_eq!(client.delete(&format!("/api/v1/holds/{}", holds[1])).await.status, 204);
    answered
        .ask(client, &format!("/api/v1/holds/{}/extend", holds[2]), json!({"ttl_s": 900}))
        .await;
    let sold = answered.ask(client, "/api/v1/reserve", json!({"qty": 3})).await;
    let refund =
        format!("/api/v1/admin/reservations/{}/refunds", sold["reservation_id"].as_str().unwrap());
    assert_eq!(client.admin(Method::POST, &refund, &[], None).await.status, 201);
    (answered, holds)
}

/// Waits until the database has more than `least` records; returns their number.
async fn written(server: &Server, least: u64) -> u64 {
    let since = Instant::now();
    loop {
        assert!(since.elapsed() < Duration::from_secs(60), "nothing is written");
        let there =
            server.ask("moved", "SELECT to_regclass('ticket_system.ledger') IS NOT NULL").await;
        if there == "t" {
            let records = server
                .ask("moved", "SELECT count(*) FROM ticket_system.ledger")
                .await
                .parse()
                .unwrap();
            if records > least {
                return records;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migration_survives_kills_of_command_and_server() {
    let dir = tempfile::tempdir().unwrap();
    let before = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "100000")]).await;
    let client = before.client();
    let (answered, holds) = fill(&client).await;
    let expected = state(&client, &holds).await;
    let migrate = ["migrate-store", "--from", dir.path().to_str().unwrap()];
    let in_use = command(&migrate, Some("postgres://postgres@127.0.0.1:9/moved"), dir.path())
        .output()
        .await
        .unwrap();
    assert!(
        !in_use.status.success() && output_text(&in_use).contains("in use by another process"),
        "{}",
        output_text(&in_use)
    );
    assert_eq!(before.terminate().await, Some(0));
    let verified_before =
        command(&["verify"], None, dir.path()).env("DATA_DIR", dir.path()).output().await.unwrap();
    assert!(verified_before.status.success(), "{}", output_text(&verified_before));
    let export = ["export", "--format", "csv"];
    let exported_before =
        command(&export, None, dir.path()).env("DATA_DIR", dir.path()).output().await.unwrap();
    let nowhere = command(&migrate, None, dir.path()).output().await.unwrap();
    assert!(
        !nowhere.status.success() && output_text(&nowhere).contains("STORE_URL"),
        "{}",
        output_text(&nowhere)
    );

    let mut server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    server.run("postgres", "CREATE DATABASE moved").await;
    let url = server.url("moved");
    let mut killed = command(&migrate, Some(&url), dir.path()).spawn().unwrap();
    let at_kill = written(&server, 0).await;
    killed.kill().await.unwrap();
    let left = written(&server, 0).await;
    let total = BATCHES * BATCH + 1 + 1 + 4 + 4;
    assert!(left < total, "it was done before it was killed: {left}");

    // The migration continues; the server is killed meanwhile and starts again.
    let again = command(&migrate, Some(&url), dir.path()).spawn().unwrap();
    let at_crash = written(&server, left).await;
    let server = tokio::task::spawn_blocking(move || {
        server.kill();
        std::thread::sleep(Duration::from_millis(300));
        server.launch();
        server
    });
    let server = server.await.unwrap();
    assert!(written(&server, 0).await < total, "it was done before the server was killed");
    let done = tokio::time::timeout(Duration::from_secs(120), again.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert!(done.status.success(), "{}", output_text(&done));
    assert!(output_text(&done).contains("retrying in"), "{}", output_text(&done));
    let records = written(&server, 0).await;
    assert!(
        output_text(&done).contains(&format!("moved: {records} records of 2 events")),
        "{}",
        output_text(&done)
    );
    println!(
        "killed at {at_kill} records, the server at {at_crash}, of {records}:\n{}",
        output_text(&done)
    );
    let once_more = command(&migrate, Some(&url), dir.path()).output().await.unwrap();
    assert!(once_more.status.success(), "{}", output_text(&once_more));
    assert_eq!(written(&server, 0).await, records);

    let verified = command(&["verify"], Some(&url), dir.path()).output().await.unwrap();
    assert!(verified.status.success(), "{}", output_text(&verified));
    assert_eq!(sums(&verified), sums(&verified_before));
    let exported = command(&export, Some(&url), dir.path()).output().await.unwrap();
    assert!(
        exported.status.success() && exported.stdout == exported_before.stdout,
        "{}",
        output_text(&exported)
    );

    let patient = [
        ("STORE_LOCK_TIMEOUT_S", "20"),
        ("STORE_STATEMENT_TIMEOUT_S", "20"),
        ("REQUEST_TIMEOUT_S", "40"),
    ];
    let after = Process::start(
        "vacancy",
        &[&[("STORE_URL", url.as_str()), ("CACHE_TTL_SECONDS", "0")][..], &patient].concat(),
    )
    .await;
    let client = after.client();
    assert_eq!(state(&client, &holds).await, expected);
    answered.are_repeated_by(&client).await;
    let batch = json!([{"qty": 1, "key": "sale 7.77"}]);
    let replayed = client.post("/api/v1/reserve/batch", batch).await.json();
    assert_eq!(replayed[0]["success"], true);
    assert_eq!(written(&server, 0).await, records, "a repeated key had a second effect");
}
