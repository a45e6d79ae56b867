//! `verify` and `export`, from every source they know.

use std::path::Path;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ADMIN_TOKEN, Client, Process, binary};

async fn command(args: &[&str], data_dir: &Path) -> Output {
    let mut command = tokio::process::Command::new(binary("vacancy"));
    command.env_clear().env("ADMIN_TOKEN", ADMIN_TOKEN).env("DATA_DIR", data_dir).current_dir(data_dir).args(args);
    command.output().await.unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Sells 12 tickets of `default`, of which 3 come back, and 4 of another event by way of a hold.
async fn fill(client: &Client) {
    let mut sold = Vec::new();
    for number in 0..4 {
        sold.push(client.keyed("/api/v1/reserve", &format!("order {number}"), json!({"qty": 3})).await.unwrap().json());
    }
    let id = sold[0]["reservation_id"].as_str().unwrap();
    client.admin(Method::POST, &format!("/api/v1/admin/reservations/{id}/refunds"), &[], None).await;
    client.put_event("gala", json!({"stocks": {"general": 50, "vip": 5}})).await;
    let items = json!([{"stock": "vip", "qty": 1}, {"stock": "general", "qty": 3}]);
    let hold = client.post("/api/v1/holds", json!({"event": "gala", "items": items, "customer": "Zoë, \"Z\""})).await.json();
    client.post(&format!("/api/v1/holds/{}/confirm", hold["id"].as_str().unwrap()), json!({"payment_ref": "p/1"})).await;
    client.post("/api/v1/holds", json!({"event": "gala", "items": [{"stock": "vip", "qty": 2}]})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_is_verified_and_exported_alike() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vacancy = Process::vacancy(dir.path(), &[("MAX_PAGE", "50")]).await;
    let client = vacancy.client();
    fill(&client).await;
    let backup = elsewhere.path().join("backup");
    let backup = backup.to_str().unwrap();
    assert!(command(&["backup", backup], dir.path()).await.status.success());

    let in_use = command(&["verify"], dir.path()).await;
    assert_eq!(in_use.status.code(), Some(2), "{}", told(&in_use));
    assert!(told(&in_use).contains("in use by another process"), "{}", told(&in_use));
    let running = command(&["verify", "--url", vacancy.base()], dir.path()).await;
    assert!(running.status.success() && told(&running).contains("10 records of 2 events"), "{}", told(&running));
    let csv_of_running = command(&["export", "--format", "csv", "--url", vacancy.base()], dir.path()).await;
    assert_eq!(vacancy.terminate().await, Some(0));

    for source in [&["verify"][..], &["verify", "--backup", backup], &["verify", "--data-dir", dir.path().to_str().unwrap()]] {
        let verified = command(source, dir.path()).await;
        assert!(verified.status.success(), "{source:?}: {}", told(&verified));
        assert!(
            told(&verified).contains("10 records of 2 events, 6 holds and sales (1 held now), 13 tickets sold, 4 effects of keys"),
            "{}",
            told(&verified)
        );
    }
    let csv = command(&["export", "--format", "csv"], dir.path()).await;
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert_eq!(csv, String::from_utf8(csv_of_running.stdout).unwrap());
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "event,seq,time,kind,reservation_id,refund_id,stock,qty,customer,payment_ref,idempotency_key");
    assert_eq!(lines.len(), 1 + 4 + 1 + 2);
    assert!(lines[1].contains(",sale,") && lines[1].ends_with(",general,3,,,order 0"), "{}", lines[1]);
    assert!(lines[5].contains(",refund,") && lines[5].contains(",general,-3,"), "{}", lines[5]);
    assert!(lines[7].ends_with(",vip,1,\"Zoë, \"\"Z\"\"\",p/1,"), "{}", lines[7]);
    let file = elsewhere.path().join("sales.jsonl");
    let only = ["export", "--format", "jsonl", "--backup", backup, "--event", "gala", "--output", file.to_str().unwrap()];
    let exported = command(&only, dir.path()).await;
    assert!(exported.status.success(), "{}", told(&exported));
    let rows: Vec<Value> = std::fs::read_to_string(&file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| row["qty"].as_i64().unwrap()).sum::<i64>(), 4);
    assert!(rows.iter().all(|row| row["event"] == "gala" && row["payment_ref"] == "p/1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_record_is_told_with_its_place_and_nothing_is_exported() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    fill(&vacancy.client()).await;
    let wrong_token = {
        let mut command = tokio::process::Command::new(binary("vacancy"));
        command.env_clear().env("ADMIN_TOKEN", "not-the-right-token").current_dir(elsewhere.path());
        command.args(["verify", "--url", vacancy.base()]).output().await.unwrap()
    };
    assert_eq!(wrong_token.status.code(), Some(2));
    assert!(told(&wrong_token).contains("ADMIN_TOKEN") && !told(&wrong_token).contains("not-the-right-token"), "{}", told(&wrong_token));
    let backup = elsewhere.path().join("backup");
    assert!(command(&["backup", backup.to_str().unwrap()], dir.path()).await.status.success());
    let ledger = std::fs::read_to_string(backup.join("ledger.jsonl")).unwrap();
    let forged = ledger.replacen("\"qty\":3", "\"qty\":2", 1);
    assert_ne!(forged, ledger);
    std::fs::write(backup.join("ledger.jsonl"), forged).unwrap();
    let verified = command(&["verify", "--backup", backup.to_str().unwrap()], dir.path()).await;
    assert_eq!(verified.status.code(), Some(1), "{}", told(&verified));
    assert!(told(&verified).contains("event 'default', seq 2: the balance is wrong"), "{}", told(&verified));
    let file = elsewhere.path().join("sales.csv");
    let args = ["export", "--format", "csv", "--backup", backup.to_str().unwrap(), "--output", file.to_str().unwrap()];
    assert_eq!(command(&args, dir.path()).await.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1, "an incomplete export was left behind");
}
