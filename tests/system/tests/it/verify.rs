//! `verify` and `export` of every source.

use std::{path::Path, process::Output};

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ADMIN_TOKEN, Client, Process, binary};
use test_postgres::Server;

pub async fn command(args: &[&str], data_dir: &Path) -> Output {
    let mut command = tokio::process::Command::new(binary("vacancy"));
    command
        .env_clear()
        .env("ADMIN_TOKEN", ADMIN_TOKEN)
        .env("DATA_DIR", data_dir)
        .current_dir(data_dir)
        .args(args);
    command.output().await.unwrap()
}

pub fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Sells 12 tickets of `default`, refunds 3, and sells 4 of another event through a hold.
async fn fill(client: &Client) {
    let mut sold = Vec::new();
    for number in 0..4 {
        sold.push(
            client
                .keyed("/api/v1/reserve", &format!("order {number}"), json!({"qty": 3}))
                .await
                .unwrap()
                .json(),
        );
    }
    let id = sold[0]["reservation_id"].as_str().unwrap();
    client
        .admin(Method::POST, &format!("/api/v1/admin/reservations/{id}/refunds"), &[], None)
        .await;
    client.put_event("gala", json!({"stocks": {"general": 50, "vip": 5}})).await;
    let items = json!([{"stock": "vip", "qty": 1}, {"stock": "general", "qty": 3}]);
    let hold = client
        .post("/api/v1/holds", json!({"event": "gala", "items": items, "customer": "Zoë, \"Z\""}))
        .await
        .json();
    client
        .post(
            &format!("/api/v1/holds/{}/confirm", hold["id"].as_str().unwrap()),
            json!({"payment_ref": "p/1"}),
        )
        .await;
    client
        .post("/api/v1/holds", json!({"event": "gala", "items": [{"stock": "vip", "qty": 2}]}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_verifies_and_exports_the_same() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vacancy = Process::vacancy(dir.path(), &[("MAX_PAGE", "50")]).await;
    let client = vacancy.client();
    fill(&client).await;
    let backup = elsewhere.path().join("backup");
    let backup = backup.to_str().unwrap();
    assert!(command(&["backup", backup], dir.path()).await.status.success());

    let in_use = command(&["verify"], dir.path()).await;
    assert_eq!(in_use.status.code(), Some(2), "{}", output_text(&in_use));
    assert!(output_text(&in_use).contains("in use by another process"), "{}", output_text(&in_use));
    let running = command(&["verify", "--url", vacancy.base()], dir.path()).await;
    assert!(
        running.status.success() && output_text(&running).contains("10 records of 2 events"),
        "{}",
        output_text(&running)
    );
    let csv_of_running =
        command(&["export", "--format", "csv", "--url", vacancy.base()], dir.path()).await;
    assert_eq!(vacancy.terminate().await, Some(0));

    for source in [
        &["verify"][..],
        &["verify", "--backup", backup],
        &["verify", "--data-dir", dir.path().to_str().unwrap()],
    ] {
        let verified = command(source, dir.path()).await;
        assert!(verified.status.success(), "{source:?}: {}", output_text(&verified));
        assert!(
            output_text(&verified).contains("10 records of 2 events, 6 holds and sales (1 held now), 13 tickets sold, 4 effects of keys"),
            "{}",
            output_text(&verified)
        );
    }
    let csv = command(&["export", "--format", "csv"], dir.path()).await;
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert_eq!(csv, String::from_utf8(csv_of_running.stdout).unwrap());
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "event,seq,time,kind,reservation_id,refund_id,stock,qty,customer,payment_ref,idempotency_key,amount_minor,currency"
    );
    assert_eq!(lines.len(), 1 + 4 + 1 + 2);
    assert!(
        lines[1].contains(",sale,") && lines[1].ends_with(",general,3,,,order 0,,"),
        "{}",
        lines[1]
    );
    assert!(lines[5].contains(",refund,") && lines[5].contains(",general,-3,"), "{}", lines[5]);
    assert!(lines[7].ends_with(",vip,1,\"Zoë, \"\"Z\"\"\",p/1,,,"), "{}", lines[7]);
    let file = elsewhere.path().join("sales.jsonl");
    let only = [
        "export",
        "--format",
        "jsonl",
        "--backup",
        backup,
        "--event",
        "gala",
        "--output",
        file.to_str().unwrap(),
    ];
    let exported = command(&only, dir.path()).await;
    assert!(exported.status.success(), "{}", output_text(&exported));
    let rows: Vec<Value> = std::fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.iter().map(|row| row["qty"].as_i64().unwrap()).sum::<i64>(), 4);
    assert!(rows.iter().all(|row| row["event"] == "gala" && row["payment_ref"] == "p/1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_record_is_located_and_stops_the_export() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    fill(&vacancy.client()).await;
    let wrong_token = {
        let mut command = tokio::process::Command::new(binary("vacancy"));
        command.env_clear().env("ADMIN_TOKEN", "not-the-right-token").current_dir(elsewhere.path());
        command.args(["verify", "--url", vacancy.base()]).output().await.unwrap()
    };
    assert_eq!(wrong_token.status.code(), Some(2));
    assert!(
        output_text(&wrong_token).contains("ADMIN_TOKEN")
            && !output_text(&wrong_token).contains("not-the-right-token"),
        "{}",
        output_text(&wrong_token)
    );
    let backup = elsewhere.path().join("backup");
    assert!(command(&["backup", backup.to_str().unwrap()], dir.path()).await.status.success());
    let ledger = std::fs::read_to_string(backup.join("ledger.jsonl")).unwrap();
    let forged = ledger.replacen("\"qty\":3", "\"qty\":2", 1);
    assert_ne!(forged, ledger);
    std::fs::write(backup.join("ledger.jsonl"), forged).unwrap();
    let verified = command(&["verify", "--backup", backup.to_str().unwrap()], dir.path()).await;
    assert_eq!(verified.status.code(), Some(1), "{}", output_text(&verified));
    assert!(
        output_text(&verified).contains("event 'default', seq 2: balance mismatch"),
        "{}",
        output_text(&verified)
    );
    let file = elsewhere.path().join("sales.csv");
    let args = [
        "export",
        "--format",
        "csv",
        "--backup",
        backup.to_str().unwrap(),
        "--output",
        file.to_str().unwrap(),
    ];
    assert_eq!(command(&args, dir.path()).await.status.code(), Some(1));
    assert_eq!(
        std::fs::read_dir(elsewhere.path()).unwrap().count(),
        1,
        "an incomplete export was left behind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_every_changed_row_in_a_live_database() {
    let dir = tempfile::tempdir().unwrap();
    let server = tokio::task::spawn_blocking(|| Server::start(&["fsync = off"])).await.unwrap();
    server.run("postgres", "CREATE DATABASE stock").await;
    let url = server.url("stock");
    let at = |args: &'static [&'static str]| {
        let (url, dir) = (url.clone(), dir.path().to_owned());
        async move {
            let mut command = tokio::process::Command::new(binary("vacancy"));
            command
                .env_clear()
                .env("STORE_URL", url)
                .current_dir(&dir)
                .args(args)
                .output()
                .await
                .unwrap()
        }
    };
    let empty = at(&["verify"]).await;
    assert_eq!(empty.status.code(), Some(2), "{}", output_text(&empty));
    assert!(
        output_text(&empty).contains("there is no stock in its schema ticket_system"),
        "{}",
        output_text(&empty)
    );
    assert_eq!(
        server
            .ask("stock", "SELECT count(*) FROM pg_namespace WHERE nspname = 'ticket_system'")
            .await,
        "0",
        "verify made it"
    );

    let vacancy = Process::start("vacancy", &[("STORE_URL", &url)]).await;
    fill(&vacancy.client()).await;
    // Sales continue while it reads.
    let client = vacancy.client();
    let seller = tokio::spawn(async move {
        for number in 0..2_000 {
            let sold = client
                .keyed("/api/v1/reserve", &format!("meanwhile {number}"), json!({"qty": 1}))
                .await;
            if !sold.is_ok_and(|answer| answer.status == 200) {
                return;
            }
        }
    });
    for _ in 0..3 {
        let meanwhile = at(&["verify"]).await;
        assert!(meanwhile.status.success(), "{}", output_text(&meanwhile));
    }
    seller.abort();
    assert_eq!(vacancy.terminate().await, Some(0));
    let csv = at(&["export", "--format", "csv", "--event", "gala"]).await;
    assert!(csv.status.success(), "{}", output_text(&csv));
    assert!(String::from_utf8(csv.stdout).unwrap().contains(",vip,1,\"Zoë, \"\"Z\"\"\",p/1,"));

    // Each change is reverted before the next.
    let changes = [
        (
            "UPDATE events SET stocks = replace(stocks::text, '\"sold\": 4', '\"sold\": 3')::jsonb, live_holds = live_holds + 1",
            "events",
        ),
        ("DELETE FROM events WHERE name = 'gala'", "events"),
        ("UPDATE holds SET expires_at_ms = expires_at_ms + 1 WHERE state = 'held'", "holds"),
        ("DELETE FROM holds WHERE state = 'held'", "holds"),
        ("UPDATE customers SET qty = qty + 1", "customers"),
        ("INSERT INTO customers VALUES ('gala', 'nobody', 1)", "customers"),
        ("DELETE FROM keys WHERE key = 'order 1'", "deleted before its expiry"),
        ("UPDATE keys SET seq = seq + 1 WHERE key = 'order 1'", "keys, row order 1"),
        (
            "INSERT INTO keys SELECT 'never', fingerprint, event, seq, expires_at_ms FROM keys WHERE key = 'order 1'",
            "keys, row never",
        ),
        ("DELETE FROM ledger WHERE event = 'gala' AND seq = 2", "event 'gala', seq 3"),
        (
            "UPDATE ledger SET body = set_byte(body, 10, 33) WHERE event = 'gala' AND seq = 2",
            "event 'gala', seq 2",
        ),
        ("UPDATE ledger SET event = 'stray' WHERE event = 'gala' AND seq = 1", "event"),
    ];
    server.run("stock", "CREATE SCHEMA kept").await;
    let tables = ["events", "holds", "customers", "keys", "ledger"];
    for table in tables {
        server
            .run("stock", &format!("CREATE TABLE kept.{table} AS TABLE ticket_system.{table}"))
            .await;
    }
    for (change, place) in changes {
        server.run("stock", &format!("SET search_path = ticket_system; {change}")).await;
        let verified = at(&["verify"]).await;
        assert_eq!(verified.status.code(), Some(1), "{change}: {}", output_text(&verified));
        assert!(output_text(&verified).contains(place), "{change}: {}", output_text(&verified));
        for table in tables {
            let back = format!(
                "TRUNCATE ticket_system.{table}; INSERT INTO ticket_system.{table} TABLE kept.{table}"
            );
            server.run("stock", &back).await;
        }
    }
    assert!(at(&["verify"]).await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_is_verified_and_exported_by_url_option() {
    let dir = tempfile::tempdir().unwrap();
    let server = tokio::task::spawn_blocking(|| Server::start(&["fsync = off"])).await.unwrap();
    let url = server.database().await;
    let name = url.rsplit('/').next().unwrap().to_owned();
    let vacancy = Process::start("vacancy", &[("STORE_URL", &url)]).await;
    fill(&vacancy.client()).await;
    assert_eq!(vacancy.terminate().await, Some(0));
    let (server, standby) = tokio::task::spawn_blocking(move || {
        let mut standby = server.standby();
        standby.launch();
        (server, standby)
    })
    .await
    .unwrap();
    // Records after the base backup arrive by replication.
    server.run(&name, "CREATE TABLE marked ()").await;
    let since = std::time::Instant::now();
    while standby.ask(&name, "SELECT to_regclass('marked') IS NOT NULL").await != "t" {
        assert!(since.elapsed().as_secs() < 30, "the standby does not follow");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(standby.ask(&name, "SELECT pg_is_in_recovery()").await, "t");
    let at = async |args: &[&str], attrs: &str| {
        let mut command = tokio::process::Command::new(binary("vacancy"));
        let url = format!("{}{attrs}", standby.url(&name));
        command
            .env_clear()
            .env("STORE_URL", url)
            .current_dir(dir.path())
            .args(args)
            .output()
            .await
            .unwrap()
    };
    let read_write = at(&["verify"], "").await;
    assert_eq!(read_write.status.code(), Some(2), "{}", output_text(&read_write));
    let any = at(&["verify"], "?target_session_attrs=any").await;
    assert!(
        any.status.success() && output_text(&any).contains("10 records of 2 events"),
        "{}",
        output_text(&any)
    );
    let csv = at(&["export", "--format", "csv"], "?target_session_attrs=any").await;
    assert!(csv.status.success(), "{}", output_text(&csv));
    assert_eq!(String::from_utf8(csv.stdout).unwrap().lines().count(), 1 + 4 + 1 + 2);
}
