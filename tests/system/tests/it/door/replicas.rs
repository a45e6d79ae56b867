//! The door in front of several vacancy processes on one database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use system_tests::Process;

use super::{is_live, until};
use crate::postgres::support::start_server;

#[tokio::test(flavor = "multi_thread")]
async fn sales_of_another_replica_are_seen_while_this_one_is_busy() {
    let server = start_server(&[]).await;
    let url = server.database().await;
    let env = [("STORE_URL", url.as_str()), ("INITIAL_STOCK", "100000")];
    let busy = Process::start("vacancy", &env).await;
    let other = Process::start("vacancy", &env).await;
    until("the database is there", async || busy.client().get("/ready").await.status == 200).await;
    let ticket = Process::ticket(busy.base(), &[]).await;
    until("ticket is subscribed", async || is_live(&ticket).await).await;
    let (door, inside) = (ticket.client(), other.client());
    assert_eq!(inside.put_event("gala", json!({"stocks": {"general": 100}})).await.status, 201);
    until("the event is known", async || door.get("/api/v1/events/gala").await.status == 200).await;
    let over = Arc::new(AtomicBool::new(false));
    let buyer = {
        let (client, over) = (busy.client(), over.clone());
        tokio::spawn(async move {
            while !over.load(SeqCst) {
                client.post("/api/v1/reserve", json!({"qty": 1})).await;
            }
        })
    };
    let items = json!([{"stock": "general", "qty": 1}]);
    for left in (95..100).rev() {
        let made = inside.post("/api/v1/holds", json!({"event": "gala", "items": items})).await;
        assert_eq!(made.status, 201);
        let started = Instant::now();
        until("the hold is seen", async || {
            let seen = door.get("/api/v1/events/gala").await.json();
            assert!(seen.get("stale").is_none(), "{seen}");
            seen["stocks"]["general"]["available"] == left
        })
        .await;
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        // A read that names the write sees it at once.
        let seq = [("event-seq", made.header("event-seq"))];
        let path = "/api/v1/events/gala";
        let read = door.call(reqwest::Method::GET, path, &seq, None).await.unwrap().json();
        assert_eq!(read["stocks"]["general"]["available"], left);
    }
    over.store(true, SeqCst);
    buyer.await.unwrap();
}
