//! Backup and restore of a running and of a stopped service.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::json;
use system_tests::{Process, binary};

#[allow(clippy::print_stderr)] // shown when a test fails
fn run(name: &str, command: &str, dir: &Path, data: &Path) -> Output {
    let output = Command::new(binary(name))
        .arg(command)
        .arg(dir)
        .env_clear()
        .env("DATA_DIR", data)
        .output()
        .unwrap();
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_of_a_running_service_restores() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = copies.path().join("before");
    let vacancy = Process::vacancy(data.path(), &[]).await;
    let client = vacancy.client();
    let first = client.keyed("/api/v1/reserve", "k", json!({"qty": 10})).await.unwrap();
    assert!(run("vacancy", "backup", &copy, data.path()).status.success());
    client.post("/api/v1/reserve", json!({"qty": 500})).await;
    assert!(
        !run("vacancy", "backup", &copy, data.path()).status.success(),
        "a backup never overwrites"
    );
    assert!(
        !run("vacancy", "restore", &copies.path().join("nowhere"), data.path()).status.success()
    );
    assert_eq!(client.available().await, 490);

    assert!(run("vacancy", "restore", &copy, data.path()).status.success());
    // The command ends when the restored store is open: later responses count.
    assert_eq!(client.available().await, 990);
    assert_eq!(
        client.keyed("/api/v1/reserve", "k", json!({"qty": 10})).await.unwrap().bytes,
        first.bytes
    );
    assert_eq!(client.post("/api/v1/reserve", json!({"qty": 1})).await.json()["remaining"], 989);
    assert_eq!(vacancy.terminate().await, Some(0));
    let vacancy = Process::vacancy(data.path(), &[]).await;
    assert_eq!(vacancy.client().available().await, 989);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_dir_with_a_long_path_is_backed_up_and_restored() {
    let (dir, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // A socket's address holds about 100 bytes: around that, and far beyond.
    let base = dir.path().as_os_str().len();
    for (number, len) in [99, 107, 108, 109, 140, 600].into_iter().enumerate() {
        let mut data = dir.path().to_owned();
        let mut left = len - "/control.sock".len() - base;
        while left > 1 {
            let part = left.min(200);
            data.push("d".repeat(part - 1));
            left -= part;
        }
        let copy = copies.path().join(number.to_string());
        let vacancy = Process::vacancy(&data, &[]).await;
        let client = vacancy.client();
        assert_eq!(client.post("/api/v1/reserve", json!({"qty": 10})).await.status, 200);
        assert!(run("vacancy", "backup", &copy, &data).status.success(), "{len}");
        assert_eq!(client.post("/api/v1/reserve", json!({"qty": 10})).await.status, 200);
        assert!(run("vacancy", "restore", &copy, &data).status.success(), "{len}");
        assert_eq!(client.available().await, 990);
        assert_eq!(vacancy.logged("ERROR"), [""; 0]);
        assert_eq!(vacancy.terminate().await, Some(0));
        assert!(!data.join("control.sock").exists(), "the socket ends with its process");
    }
}

#[tokio::test]
async fn backup_of_a_stopped_store_restores_elsewhere() {
    let (data, other, copies) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
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

#[tokio::test(flavor = "multi_thread")]
async fn sales_after_a_restore_are_kept() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = copies.path().join("copy");
    let vacancy = Process::vacancy(data.path(), &[("SHUTDOWN_DRAIN_S", "0.5")]).await;
    let client = vacancy.client();
    client.post("/api/v1/reserve", json!({"qty": 10})).await;
    assert!(run("vacancy", "backup", &copy, data.path()).status.success());
    let (buyer, over) =
        (client.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let ended = over.clone();
    // Buys during the restore. Sales acknowledged after the end of the command must be kept.
    let sales = tokio::spawn(async move {
        let mut acknowledged_after = Vec::new();
        for number in 0..4_000 {
            let after = ended.load(std::sync::atomic::Ordering::SeqCst);
            if let Ok(answer) =
                buyer.keyed("/api/v1/reserve", &format!("k{number}"), json!({"qty": 1})).await
                && answer.status == 200
                && after
            {
                acknowledged_after.push(answer.json()["seq"].as_u64().unwrap());
                if acknowledged_after.len() == 50 {
                    break;
                }
            }
        }
        acknowledged_after
    });
    let (copied, at) = (copy.clone(), data.path().to_owned());
    assert!(
        tokio::task::spawn_blocking(move || run("vacancy", "restore", &copied, &at))
            .await
            .unwrap()
            .status
            .success()
    );
    over.store(true, std::sync::atomic::Ordering::SeqCst);
    let acknowledged_after = sales.await.unwrap();
    assert_eq!(acknowledged_after.len(), 50);
    vacancy.kill().await;
    let vacancy = Process::vacancy(data.path(), &[]).await;
    let newest = vacancy.client().ledger("default").await.len() as u64;
    assert!(
        acknowledged_after.iter().all(|seq| *seq <= newest),
        "{acknowledged_after:?} of {newest}"
    );
}

#[tokio::test]
async fn backup_of_missing_data_fails_and_creates_nothing() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let nowhere = data.path().join("nowhere");
    assert!(!run("vacancy", "backup", &copies.path().join("copy"), &nowhere).status.success());
    assert!(!nowhere.exists() && !copies.path().join("copy").exists());
    // The target may be an existing empty directory, as a mounted volume is.
    let vacancy = Process::vacancy(data.path(), &[]).await;
    assert!(run("vacancy", "backup", copies.path(), data.path()).status.success());
    drop(vacancy);
}
