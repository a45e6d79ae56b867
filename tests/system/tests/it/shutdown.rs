//! Shutdown: accepted requests are finished, then the process exits with 0.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use system_tests::Process;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_fails_no_accepted_request() {
    let dir = tempfile::tempdir().unwrap();
    let monolith =
        Process::monolith(dir.path(), &[("INITIAL_STOCK", "1000000"), ("SHUTDOWN_DRAIN_S", "0.5")])
            .await;
    let ending = Arc::new(AtomicBool::new(false));
    let buyers: Vec<_> = (0..20)
        .map(|_| {
            let (client, ending) = (monolith.client(), ending.clone());
            tokio::spawn(async move {
                let mut bought = 0;
                while !ending.load(Ordering::SeqCst) {
                    let answer = client
                        .call(
                            reqwest::Method::POST,
                            "/api/v1/purchase",
                            &[],
                            Some(json!({"qty": 1})),
                        )
                        .await;
                    assert_eq!(answer.expect("the service was still there").status, 200);
                    bought += 1;
                }
                bought
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let client = monolith.client();
    monolith.signal("TERM");
    tokio::time::sleep(Duration::from_millis(150)).await;
    let ready = client.get("/ready").await;
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("draining")));
    assert_eq!(ready.header("connection"), "close");
    ending.store(true, Ordering::SeqCst);
    let mut bought = 0_u64;
    for buyer in buyers {
        bought += buyer.await.unwrap();
    }
    let started = Instant::now();
    assert_eq!(monolith.ended().await, Some(0));
    assert!(started.elapsed() < Duration::from_secs(5));
    let monolith = Process::monolith(dir.path(), &[]).await;
    assert_eq!(monolith.client().available().await, 1_000_000 - bought);
}

#[tokio::test]
async fn every_signal_that_ends_drains_first() {
    for signal in ["HUP", "INT", "TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let monolith = Process::monolith(dir.path(), &[("SHUTDOWN_DRAIN_S", "1")]).await;
        let client = monolith.client();
        assert_eq!(client.post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
        monolith.signal(signal);
        let end = Instant::now() + Duration::from_secs(1);
        while client.get("/ready").await.status != 503 {
            assert!(Instant::now() < end, "{signal}: it does not drain");
        }
        assert_eq!(client.post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
        assert_eq!(monolith.ended().await, Some(0), "{signal}");
        let monolith = Process::monolith(dir.path(), &[]).await;
        assert_eq!(monolith.client().available().await, 998, "{signal}");
    }
}

#[tokio::test]
async fn client_hang_up_does_not_undo_its_purchase() {
    use tokio::io::AsyncWriteExt;
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    for number in 0..200 {
        let mut stream =
            tokio::net::TcpStream::connect(("127.0.0.1", monolith.port())).await.unwrap();
        let body = "{\"qty\":1}";
        let head = format!(
            "POST /api/v1/purchase HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nidempotency-key: k{number}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        drop(stream);
    }
    // Repeating its key shows whether a request took effect; either way it does so once.
    let client = monolith.client();
    for number in 0..200 {
        let answer = client
            .keyed("/api/v1/purchase", &format!("k{number}"), json!({"qty": 1}))
            .await
            .unwrap();
        assert_eq!(answer.json()["success"], true);
    }
    assert_eq!(client.available().await, 800);
    assert_eq!(client.ledger("default").await.len(), 201);
}

/// Ends a process that does not serve yet, within less time than it would wait.
async fn ends_soon(waiting: Process) {
    let since = Instant::now();
    assert_eq!(waiting.terminate().await, Some(0));
    let took = since.elapsed();
    assert!(took < Duration::from_secs(3), "it ended only after {took:?}");
}

#[tokio::test]
async fn sigterm_ends_a_start_waiting_for_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::vacancy(dir.path(), &[]).await;
    let message = "data directory is locked by another process; waiting";
    let data_dir = dir.path().to_str().unwrap();
    for (name, mode) in [("vacancy", "microservices"), ("ticket", "monolith")] {
        let env = [("DATA_DIR", data_dir), ("DATA_DIR_WAIT_S", "60"), ("DEPLOYMENT_MODE", mode)];
        ends_soon(Process::start_until_log(message, name, &env).await).await;
    }
    // The process they waited for is unaffected.
    assert_eq!(first.client().available().await, 1_000);
}

#[tokio::test]
async fn sigterm_ends_a_start_waiting_for_a_database() {
    // It accepts connections and never sends a byte.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://nobody@127.0.0.1:{}/none", silent.local_addr().unwrap().port());
    let env = [("STORE_URL", url.as_str()), ("STORE_CONNECT_TIMEOUT_S", "60")];
    ends_soon(Process::start_until_log("connecting to the database", "vacancy", &env).await).await;
}
