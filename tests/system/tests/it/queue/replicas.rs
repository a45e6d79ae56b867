//! Several vacancy processes on one database: one of them draws, and all may call.

use std::fs;

use serde_json::json;
use signing::SigningKeys;
use system_tests::{Process, binary};

use super::{
    Customer, EVENT, FAR, SOON,
    documents::{verify_ledger, verify_public},
    draw, put_draw, records, until, until_revealed,
};
use crate::postgres::support::{LONG_TIMEOUTS, RECOVERY_MAX, start_server, until_ready};

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_draw_once_and_call_everybody_once() {
    const CROWD: usize = 40;
    let server = start_server(&["fsync = off"]).await;
    let url = server.database().await;
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys.json");
    fs::write(&keys, SigningKeys::generate(rand::random())).unwrap();
    let own = [
        ("STORE_URL", url.as_str()),
        ("SIGNING_KEYS_FILE", keys.to_str().unwrap()),
        ("QUEUE_CALLS_PER_S", "10"),
        ("QUEUE_CALLS_PER_S_MAX", "10"),
    ];
    let env = [&own[..], &LONG_TIMEOUTS].concat();
    let one = Process::start("vacancy", &env).await;
    let two = Process::start("vacancy", &env).await;
    for replica in [&one, &two] {
        until_ready(&replica.client(), RECOVERY_MAX).await;
    }
    let ticket = Process::ticket(one.base(), &env).await;
    let (door, inside) = (ticket.client(), two.client());
    let queue = json!({"claim_ttl_s": 300});
    put_draw(&inside, EVENT, 100, FAR, &queue).await;
    until("the event is known", async || {
        door.get("/api/v1/events/gala/queue/draw").await.status == 200
    })
    .await;
    let crowd = Customer::crowd(&door, EVENT, CROWD).await;
    // vacancy has the same calls: both replicas take places.
    let others = Customer::crowd(&inside, EVENT, CROWD).await;
    for (place, other) in crowd.iter().zip(&others) {
        assert_eq!(place.place, other.place, "the same key, the same place");
    }
    put_draw(&inside, EVENT, 100, SOON, &queue).await;
    let revealed = until_revealed(&door, EVENT).await;
    assert_eq!(revealed["frozen"]["n"], CROWD);
    until("some are called", async || draw(&inside, EVENT).await["serving"].as_u64() > Some(5))
        .await;
    // The other one goes on alone.
    two.kill().await;
    let holds = crowd.iter().map(|one| one.hold(1));
    futures::future::join_all(holds).await;
    let inside = one.client();
    for kind in ["draw_frozen", "draw_revealed"] {
        assert_eq!(records(&inside, EVENT, kind).await.len(), 1, "{kind}");
    }
    let report = verify_public(&door, EVENT, 100).await;
    assert_eq!((report.serving, report.participants), (CROWD as u64, CROWD as u64));
    let ledger = verify_ledger(&one, EVENT).await;
    assert_eq!((ledger.holds, ledger.places), (CROWD as u64, CROWD as u64));
    let mut command = tokio::process::Command::new(binary("vacancy"));
    command.env_clear().env("STORE_URL", &url).current_dir(dir.path()).arg("verify");
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("40 places in waiting rooms"), "{text}");
}
