//! Several processes on one database: one of them delivers.

use serde_json::json;
use system_tests::Process;

use super::{
    OPEN, end, get, put,
    receiver::{Receiver, SECRET, check_order},
    replay, until,
};
use crate::postgres::support::start_server;

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_delivers_and_another_takes_over() {
    let server = start_server(&[]).await;
    let url = server.database().await;
    let env = [&OPEN[..], &[("STORE_URL", url.as_str()), ("WEBHOOK_TIMEOUT_S", "1")]].concat();
    let receiver = Receiver::start().await;
    let first = Process::start("vacancy", &env).await;
    let second = Process::start("vacancy", &env).await;
    let client = second.client();
    until("the event exists", async || client.get("/api/v1/events/default").await.status == 200)
        .await;
    let body = json!({"url": receiver.url(), "secret": SECRET});
    assert_eq!(put(&client, "shop", body).await.status, 201);
    assert_eq!(replay(&first.client(), "shop", 0).await.status, 200);
    until("the first record has arrived", async || receiver.seqs("default") == [1]).await;
    for number in 0..30 {
        let buyer = [&first, &second][number % 2].client();
        assert_eq!(buyer.post("/api/v1/reserve", json!({"qty": 1})).await.status, 200);
    }
    let newest = end(&client).await.max(31);
    until("all of it has arrived", async || {
        receiver.seqs("default").last().copied() == Some(newest)
    })
    .await;
    let all: Vec<u64> = (1..=newest).collect();
    assert_eq!(receiver.seqs("default"), all, "none twice while nobody was killed");
    until("the cursor is written", async || {
        get(&client, "shop").await["cursors"]["default"]["delivered"] == newest
    })
    .await;

    // The first process delivers. It is killed, and the other one takes over when the lease ends.
    first.kill().await;
    assert_eq!(client.post("/api/v1/reserve", json!({"qty": 1})).await.status, 200);
    until("the other one delivers", async || {
        receiver.seqs("default").last().copied() == Some(newest + 1)
    })
    .await;
    check_order(&receiver.seqs("default"), newest + 1);
}
