//! The limit of open files: callers cannot take what the store needs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Client, Process, binary};
use tokio::net::TcpStream;

/// Connects `count` times and sends nothing. The server closes some of them again.
async fn idle_connections(port: u16, count: usize) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..count {
        if let Ok(Ok(stream)) =
            tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(("127.0.0.1", port)))
                .await
        {
            held.push(stream);
        }
    }
    held
}

/// The answer to a POST. While idle connections take all places, a new one is refused: their time
/// ends, and then it is accepted.
async fn patiently(client: &Client, path: &str, body: Value) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        match client.call(reqwest::Method::POST, path, &[], Some(body.clone())).await {
            Ok(answer) if answer.status == 200 => return answer.json(),
            refused => assert!(Instant::now() < end, "{refused:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sells enough in batches for several flushes of every table.
async fn sell_through_flushes(process: &Process, batches: usize) -> u64 {
    let client = process.client();
    let mut sold = 0;
    for batch in 0..batches {
        let orders: Vec<_> = (0..500)
            .map(|order| json!({"qty": 1, "key": format!("{batch}-{order}-{}", "k".repeat(200))}))
            .collect();
        let answers = patiently(&client, "/api/v1/reserve/batch", json!(orders)).await;
        sold += answers.as_array().unwrap().len() as u64;
    }
    sold
}

async fn lives_and_sells(nofile: &str, connections: usize, env: &[(&str, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        ("DATA_DIR", dir.path().to_str().unwrap()),
        ("INITIAL_STOCK", "1000000"),
        ("STORE_MEMTABLE_BYTES", "1048576"),
        ("MAX_BODY_BYTES", "1000000"),
        ("HEADER_TIMEOUT_S", "3"),
    ];
    let limit = format!("--nofile={nofile}");
    let by = ["prlimit", limit.as_str()];
    let env = [&settings, env].concat();
    let vacancy = Process::start_by(&by, "127.0.0.1", "vacancy", &env).await;
    let client = vacancy.client();
    // A keep-alive connection of its own, from before the flood.
    assert_eq!(client.available().await, 1_000_000);
    let held = idle_connections(vacancy.port(), connections).await;
    let sold = sell_through_flushes(&vacancy, 40).await;
    assert_eq!(client.available().await, 1_000_000 - sold, "{nofile}");
    drop(held);
    assert_eq!(vacancy.terminate().await, Some(0), "{nofile}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_end_a_process_with_soft_limit() {
    lives_and_sells("1024:4096", 1_100, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_end_a_process_with_hard_limit() {
    lives_and_sells("64:64", 200, &[]).await;
    lives_and_sells("256:256", 400, &[]).await;
    lives_and_sells("512:512", 700, &[("STORE_OPEN_FILES", "100000")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn start_says_how_open_files_are_divided() {
    let dir = tempfile::tempdir().unwrap();
    let env = [("DATA_DIR", dir.path().to_str().unwrap())];
    let small =
        Process::start_by(&["prlimit", "--nofile=100:300"], "127.0.0.1", "vacancy", &env).await;
    assert!(small.logged("INFO").contains(&"open files divided"));
    assert!(
        small.logged("WARN").iter().any(|line| line.contains("MAX_CONNECTIONS")),
        "fewer connections than configured"
    );
    assert_eq!(small.terminate().await, Some(0));
    let large =
        Process::start_by(&["prlimit", "--nofile=1024:20000"], "127.0.0.1", "vacancy", &env).await;
    assert!(large.logged("WARN").is_empty(), "{:?}", large.logged("WARN"));
    let metrics = String::from_utf8(large.client().get("/metrics").await.bytes).unwrap();
    assert!(metrics.contains("\nprocess_max_fds 20000\n"), "the soft limit was raised");
}

#[test]
fn too_small_limit_is_one_line_and_exit_2() {
    for (name, mode) in
        [("vacancy", "microservices"), ("ticket", "microservices"), ("ticket", "monolith")]
    {
        let dir = tempfile::tempdir().unwrap();
        let output = std::process::Command::new("prlimit")
            .arg("--nofile=20:20")
            .arg(binary(name))
            .env_clear()
            .envs([
                ("DATA_DIR", dir.path().to_str().unwrap()),
                ("DEPLOYMENT_MODE", mode),
                ("HOST", "127.0.0.1"),
                ("VACANCY_PORT", "0"),
                ("TICKET_PORT", "0"),
                ("MONOLITH_PORT", "0"),
            ])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name} {mode}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("ulimit -n") && text.contains("20"), "{text}");
    }
}

/// ticket with as many connections as it accepts still reaches vacancy.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_leave_ticket_its_calls() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let env = [("VACANCY_URL", vacancy.base()), ("HEADER_TIMEOUT_S", "3")];
    let ticket =
        Process::start_by(&["prlimit", "--nofile=64:64"], "127.0.0.1", "ticket", &env).await;
    let client = ticket.client();
    assert_eq!(client.get("/health").await.status, 200);
    let held = idle_connections(ticket.port(), 200).await;
    for _ in 0..50 {
        patiently(&client, "/api/v1/purchase", json!({"qty": 1})).await;
    }
    drop(held);
    assert_eq!(ticket.terminate().await, Some(0));
}
