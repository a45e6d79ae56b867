//! Backup and restore of a service that runs, and of one that does not.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;
use system_tests::{Process, binary};

fn run(name: &str, command: &str, dir: &Path, data: &Path) -> Output {
    let output = Command::new(binary(name)).arg(command).arg(dir).env_clear().env("DATA_DIR", data).output().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_is_copied_and_brought_back() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = copies.path().join("before");
    let vacancy = Process::vacancy(data.path(), &[]).await;
    let client = vacancy.client();
    let first = client.keyed("/api/v1/reserve", "k", json!({"qty": 10})).await.unwrap();
    assert!(run("vacancy", "backup", &copy, data.path()).status.success());
    client.post("/api/v1/reserve", json!({"qty": 500})).await;
    assert!(!run("vacancy", "backup", &copy, data.path()).status.success(), "a backup never overwrites");
    assert!(!run("vacancy", "restore", &copies.path().join("nowhere"), data.path()).status.success());
    assert_eq!(client.available().await, 490);

    assert!(run("vacancy", "restore", &copy, data.path()).status.success());
    for _ in 0..200 {
        // It closes and opens again on the same port.
        if let Ok(answer) = client.call(reqwest::Method::GET, "/api/v1/available", &[], None).await
            && answer.json()["qty"] == 990
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(client.available().await, 990);
    assert_eq!(client.keyed("/api/v1/reserve", "k", json!({"qty": 10})).await.unwrap().bytes, first.bytes);
    assert_eq!(client.post("/api/v1/reserve", json!({"qty": 1})).await.json()["remaining"], 989);
    assert_eq!(vacancy.terminate().await, Some(0));
    let vacancy = Process::vacancy(data.path(), &[]).await;
    assert_eq!(vacancy.client().available().await, 989);
}

#[tokio::test]
async fn a_stopped_store_is_copied_to_another_machine() {
    let (data, other, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = copies.path().join("copy");
    let monolith = Process::monolith(data.path(), &[]).await;
    monolith.client().post("/api/v1/purchase", json!({"qty": 7})).await;
    let records = monolith.client().ledger("default").await;
    assert_eq!(monolith.terminate().await, Some(0));
    assert!(run("ticket", "backup", &copy, data.path()).status.success());
    assert!(run("ticket", "restore", &copy, other.path()).status.success());
    let monolith = Process::monolith(other.path(), &[]).await;
    assert_eq!(monolith.client().available().await, 993);
    assert_eq!(monolith.client().ledger("default").await, records);
}
