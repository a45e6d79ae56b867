//! A data directory or a schema that goes away while it is in use: sales stop, and `/ready` says
//! it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use system_tests::{Answer, Client, Process, binary};
use test_postgres::Server;

/// Waits until `/ready` has this status and gives this reason.
async fn until(client: &Client, status: u16, reason: &str) {
    let since = Instant::now();
    loop {
        let ready = client.get("/ready").await;
        if ready.status == status && ready.json().to_string().contains(reason) {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{status}: {}", ready.json());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn buy(client: &Client) -> Answer {
    client.post("/api/v1/reserve", json!({"qty": 1})).await
}

/// Makes the directory go away while buyers buy; no sale that begins later succeeds.
async fn stops(data_dir: &Path, take: impl Fn(&Path)) {
    let vacancy = Process::vacancy(data_dir, &[]).await;
    let client = vacancy.client();
    let buyers: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { while buy(&client).await.status == 200 {} })
        })
        .collect();
    until(&client, 200, "").await;
    assert_eq!(buy(&client).await.status, 200);
    take(data_dir);
    for _ in 0..5 {
        let refused = buy(&client).await;
        assert_eq!(refused.status, 503, "{}", refused.json());
    }
    for buyer in buyers {
        buyer.await.unwrap();
    }
    until(&client, 503, "data directory was deleted or replaced").await;
    assert_eq!(client.get("/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_data_dir_stops_sales() {
    let dir = tempfile::tempdir().unwrap();
    stops(&dir.path().join("data"), |dir| std::fs::remove_dir_all(dir).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emptied_data_dir_stops_sales() {
    let dir = tempfile::tempdir().unwrap();
    stops(dir.path(), |dir| std::fs::remove_dir_all(dir.join("db")).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_data_dir_stops_sales() {
    let dir = tempfile::tempdir().unwrap();
    stops(&dir.path().join("data"), |data| {
        let aside = data.with_extension("aside");
        std::fs::rename(data, &aside).unwrap();
        let copied =
            std::process::Command::new("cp").arg("-a").args([&aside, data]).status().unwrap();
        assert!(copied.success());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_file_that_is_gone_stops_sales() {
    // Another process could open the same store.
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    std::fs::remove_file(dir.path().join("LOCK")).unwrap();
    let client = vacancy.client();
    until(&client, 503, "data directory was deleted or replaced").await;
    assert_eq!(buy(&client).await.problem(), "store_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_dir_that_comes_back_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, aside) = (dir.path().join("data"), dir.path().join("aside"));
    let monolith = Process::monolith(&data, &[]).await;
    let client = monolith.client();
    let held = json!({"event": "default", "items": [{"stock": "general", "qty": 3}], "ttl_s": 1});
    assert_eq!(client.post("/api/v1/holds", held).await.status, 201);
    assert_eq!(buy(&client).await.status, 200);
    std::fs::rename(&data, &aside).unwrap();
    until(&client, 503, "data directory was deleted or replaced").await;
    let refused = client.post("/api/v1/purchase", json!({"qty": 1})).await;
    assert_eq!(refused.problem(), "store_unavailable");
    // The hold expires meanwhile, and its expiry cannot be written: the counts are not known.
    let since = Instant::now();
    while client.get("/api/v1/available").await.status != 503 {
        assert!(since.elapsed() < Duration::from_secs(20), "the hold does not expire");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    std::fs::rename(&aside, &data).unwrap();
    until(&client, 200, "").await;
    assert_eq!(buy(&client).await.status, 200);
    assert_eq!(client.available().await, 998);
    assert_eq!(monolith.terminate().await, Some(0));
    let verified = std::process::Command::new(binary("ticket"))
        .arg("verify")
        .env_clear()
        .env("DATA_DIR", &data)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_data_dir_stops_sales() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let env = [("DATA_DIR", dir.path().to_str().unwrap())];
    // Root may write anywhere, unless it gives that up.
    let by: &[&str] = &["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|found| {
        use std::os::unix::fs::MetadataExt;
        found.uid() == 0
    });
    let vacancy = if is_root {
        Process::start_by(by, "127.0.0.1", "vacancy", &env).await
    } else {
        Process::start("vacancy", &env).await
    };
    let client = vacancy.client();
    assert_eq!(buy(&client).await.status, 200);
    let set = |mode| {
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o500);
    until(&client, 503, "data directory is not writable").await;
    assert_eq!(buy(&client).await.problem(), "store_unavailable");
    set(0o700);
    until(&client, 200, "").await;
    assert_eq!(buy(&client).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_schema_stops_sales_and_is_not_made_again() {
    let server = tokio::task::spawn_blocking(Server::common).await.unwrap();
    for (number, (take, back)) in [
        ("DROP SCHEMA ticket_system CASCADE", None),
        (
            "ALTER SCHEMA ticket_system RENAME TO aside",
            Some("ALTER SCHEMA aside RENAME TO ticket_system"),
        ),
        (
            "ALTER TABLE ticket_system.keys RENAME TO aside",
            Some("ALTER TABLE ticket_system.aside RENAME TO keys"),
        ),
        ("DROP FUNCTION ticket_system.write_batch_3", None),
    ]
    .into_iter()
    .enumerate()
    {
        let url = server.database().await;
        let database = url.rsplit('/').next().unwrap();
        let env = [("STORE_URL", url.as_str()), ("CACHE_TTL_SECONDS", "0")];
        let vacancy = Process::start("vacancy", &env).await;
        let client = vacancy.client();
        until(&client, 200, "").await;
        assert_eq!(buy(&client).await.status, 200);
        server.run(database, take).await;
        // A sale without a key needs no table of keys.
        if !take.contains("keys") {
            assert_eq!(buy(&client).await.problem(), "store_unavailable", "{number}");
        }
        until(&client, 503, "database or its schema is missing").await;
        assert_eq!(buy(&client).await.problem(), "store_unavailable", "{number}");
        // Several more looks at the database.
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(client.get("/ready").await.status, 503, "{number}");
        }
        let Some(back) = back else {
            let count = "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
                         WHERE n.nspname = 'ticket_system' AND p.proname = 'write_batch_3'";
            assert_eq!(server.ask(database, count).await, "0", "{number}");
            continue;
        };
        server.run(database, back).await;
        until(&client, 200, "").await;
        assert_eq!(buy(&client).await.status, 200);
        assert_eq!(client.available().await, 998);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_database_is_named_by_ready() {
    let server = tokio::task::spawn_blocking(Server::common).await.unwrap();
    let url = server.database().await;
    let database = url.rsplit('/').next().unwrap();
    let vacancy = Process::start("vacancy", &[("STORE_URL", url.as_str())]).await;
    let client = vacancy.client();
    until(&client, 200, "").await;
    server.run("postgres", &format!("DROP DATABASE {database} WITH (FORCE)")).await;
    until(&client, 503, "database or its schema is missing").await;
    assert_eq!(buy(&client).await.problem(), "store_unavailable");
    server.run("postgres", &format!("CREATE DATABASE {database}")).await;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(client.get("/ready").await.status, 503, "an empty stock is not this one");
    }
}
