//! Admin tokens: several at once, and files that change while the process runs.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Method;
use system_tests::{Client, Process};

const OLD: &str = "the-old-token-of-this-test";
const NEW: &str = "the-new-token-of-this-test";

async fn status(client: &Client, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let path = "/api/v1/admin/events/default/sales?after=0";
    client.call(Method::GET, path, &[("authorization", &bearer)], None).await.unwrap().status
}

async fn until(client: &Client, token: &str, expected: u16) {
    let since = Instant::now();
    while status(client, token).await != expected {
        assert!(since.elapsed() < Duration::from_secs(5), "{token} is not {expected}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Shows `content` at `dir/token`, as the kubelet does.
fn mount(dir: &Path, version: &str, content: &str) {
    fs::create_dir(dir.join(version)).unwrap();
    fs::write(dir.join(version).join("token"), content).unwrap();
    symlink(version, dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    if !dir.join("token").exists() {
        symlink("..data/token", dir.join("token")).unwrap();
    }
}

#[tokio::test]
async fn each_of_several_tokens_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let both = format!("{OLD},{NEW}");
    for name in ["vacancy", "monolith"] {
        let env = [("ADMIN_TOKEN", both.as_str())];
        let data = dir.path().join(name);
        let process = match name {
            "vacancy" => Process::vacancy(&data, &env).await,
            _ => Process::monolith(&data, &env).await,
        };
        let client = process.client();
        for (token, expected) in
            [(OLD, 200), (NEW, 200), (both.as_str(), 403), ("another-token-of-this-test", 403)]
        {
            assert_eq!(status(&client, token).await, expected, "{token} at {name}");
        }
    }
}

#[tokio::test]
async fn rotation_needs_no_restart_and_has_no_gap() {
    let (dir, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    mount(dir.path(), "..1", OLD);
    let file = dir.path().join("token");
    let env = [("ADMIN_TOKEN_FILE", file.to_str().unwrap())];
    let vacancy = Process::vacancy(data.path(), &env).await;
    let (client, pid) = (vacancy.client(), vacancy.pid());
    assert_eq!((status(&client, OLD).await, status(&client, NEW).await), (200, 403));
    mount(dir.path(), "..2", &format!("{OLD},{NEW}"));
    let since = Instant::now();
    while status(&client, NEW).await != 200 {
        assert_eq!(status(&client, OLD).await, 200, "no gap");
        assert!(since.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(status(&client, OLD).await, 200);
    mount(dir.path(), "..3", &format!("{NEW}\n"));
    until(&client, OLD, 403).await;
    assert_eq!((status(&client, NEW).await, vacancy.pid()), (200, pid));
}

#[tokio::test]
async fn lost_file_keeps_the_last_token() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("admin.token");
    fs::write(&file, OLD).unwrap();
    let env = [("ADMIN_TOKEN_FILE", file.to_str().unwrap())];
    let vacancy = Process::vacancy(&data.path().join("data"), &env).await;
    let client = vacancy.client();
    for broken in ["", "short", "two words in one long line"] {
        fs::write(&file, broken).unwrap();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(status(&client, OLD).await, 200, "{broken:?}");
    }
    fs::remove_file(&file).unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(status(&client, OLD).await, 200);
    fs::write(&file, NEW).unwrap();
    until(&client, NEW, 200).await;
    assert_eq!(status(&client, OLD).await, 403);
}
