//! Backups in one file: on standard output, and from standard input.

use std::{
    fs::File,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use system_tests::{Process, binary};

fn command(name: &str, arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(binary(name));
    command.args(arguments).env_clear().env("DATA_DIR", data);
    command
}

/// The backup, and what the command said about it.
fn backup(data: &Path) -> Vec<u8> {
    let output = command("vacancy", &["backup", "-"], data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Whether the restore succeeded, and its words.
fn restore(data: &Path, file: &[u8]) -> (bool, String) {
    let mut child = command("vacancy", &["restore", "-"], data)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(file).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_backup_of_a_running_service_restores() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vacancy = Process::vacancy(data.path(), &[]).await;
    let client = vacancy.client();
    let first = client.keyed("/api/v1/reserve", "k", json!({"qty": 10})).await.unwrap();
    let file = backup(data.path());
    client.post("/api/v1/reserve", json!({"qty": 500})).await;

    // Into the running service, where nothing but DATA_DIR can be written.
    let (restored, words) = restore(data.path(), &file);
    assert!(restored, "{words}");
    assert_eq!(client.available().await, 990);
    assert_eq!(
        client.keyed("/api/v1/reserve", "k", json!({"qty": 10})).await.unwrap().bytes,
        first.bytes
    );
    let records = client.ledger("default").await;
    assert_eq!(vacancy.terminate().await, Some(0));
    let left: Vec<_> = std::fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("restore-"))
        .collect();
    assert!(left.is_empty(), "spooled backups stay behind: {left:?}");

    // The same bytes from a stopped store, and into a new one.
    assert_eq!(backup(data.path()), file);
    let (restored, words) = restore(other.path(), &file);
    assert!(restored, "{words}");
    let vacancy = Process::vacancy(other.path(), &[]).await;
    assert_eq!(vacancy.client().ledger("default").await, records);
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_or_changed_stream_is_refused() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vacancy = Process::vacancy(data.path(), &[]).await;
    for _ in 0..3 {
        vacancy.client().post("/api/v1/reserve", json!({"qty": 1})).await;
    }
    let file = backup(data.path());
    let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
    let without_manifest = lines[..lines.len() - 1].concat();
    let without_a_record = [&lines[..1], &lines[2..]].concat().concat();
    let cut = &file[..file.len() - 10];
    let changed = String::from_utf8(file.clone()).unwrap().replacen("\"qty\":1", "\"qty\":2", 1);
    let damaged: [(&str, &[u8]); 5] = [
        ("empty", b""),
        ("no manifest", &without_manifest),
        ("a record is missing", &without_a_record),
        ("cut", cut),
        ("changed", changed.as_bytes()),
    ];
    for (what, bytes) in damaged {
        let (restored, words) = restore(other.path(), bytes);
        assert!(!restored, "{what}");
        assert!(!words.contains("panicked"), "{what}: {words}");
        let path = other.path().join("copy.jsonl");
        std::fs::write(&path, bytes).unwrap();
        let path = path.display().to_string();
        let verify = command("vacancy", &["verify", "--backup", &path], other.path());
        let verified = { verify }.output().unwrap();
        assert!(!verified.status.success(), "verify accepts a backup: {what}");
    }
    let path = other.path().join("whole.jsonl");
    std::fs::write(&path, &file).unwrap();
    let path = path.display().to_string();
    let whole = command("vacancy", &["verify", "--backup", &path], other.path()).output().unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_backup_names_a_target_that_fails() {
    let data = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(data.path(), &[]).await;
    vacancy.client().post("/api/v1/reserve", json!({"qty": 1})).await;
    let fails = || {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output =
            command("vacancy", &["backup", "-"], data.path()).stdout(full).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("cannot write the backup: No space left"), "{words}");
    };
    fails();
    // The service sells on.
    vacancy.client().post("/api/v1/reserve", json!({"qty": 1})).await;
    assert_eq!(vacancy.client().available().await, 998);
    assert_eq!(vacancy.terminate().await, Some(0));
    fails();
}
