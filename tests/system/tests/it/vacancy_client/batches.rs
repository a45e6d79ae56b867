//! Batches of purchases in one call.

use std::time::Duration;

use serde_json::json;
use system_tests::Process;
use tokio::io::AsyncWriteExt;

use super::stub::{Stub, answers, metric};

#[tokio::test]
async fn concurrent_purchases_share_a_call_with_own_answers() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "150")]).await;
    let ticket =
        Process::ticket(vacancy.base(), &[("VACANCY_CALLS", "1"), ("VACANCY_BATCH_MAX", "16")])
            .await;
    let client = ticket.client();
    let buys = (0..200).map(|number| {
        let client = client.clone();
        async move {
            client
                .keyed("/api/v1/purchase", &format!("buyer-{number}"), json!({"qty": 1}))
                .await
                .unwrap()
        }
    });
    let answers = futures::future::join_all(buys).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let sold: Vec<_> = answers.iter().filter(|answer| answer.json()["success"] == true).collect();
    assert_eq!((sold.len(), vacancy.client().available().await), (150, 0));
    let ledger = vacancy.client().ledger("default").await;
    for (number, answer) in
        answers.iter().enumerate().filter(|(_, answer)| answer.json()["success"] == true)
    {
        let (seq, key) = (answer.header("event-seq"), format!("buyer-{number}"));
        let record = ledger.iter().find(|record| record["sequence"] == *seq).unwrap();
        assert!(
            record.to_string().contains(&key),
            "{key} was answered with {seq}, which is {record}"
        );
    }
    let calls = metric(&ticket, "vacancy_call_purchases_count").await;
    assert_eq!(metric(&ticket, "vacancy_call_purchases_sum").await, 200.0);
    assert!((200.0 / 16.0..150.0).contains(&calls), "{calls} calls for 200 buyers");
}

#[tokio::test]
async fn refused_batch_is_split() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("RESERVE_BATCH_MAX", "3")]).await;
    let ticket =
        Process::ticket(vacancy.base(), &[("VACANCY_CALLS", "1"), ("BREAKER_FAILURES", "2")]).await;
    let client = ticket.client();
    let answers = futures::future::join_all(
        (0..50).map(|_| client.post("/api/v1/purchase", json!({"qty": 1}))),
    )
    .await;
    let sold = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((sold, vacancy.client().available().await), (50, 950));
    assert_eq!(metric(&ticket, "vacancy_breaker_opened_total").await, 0.0);
}

#[tokio::test]
async fn slow_vacancy_still_sells_at_its_capacity() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(
        &stub.base(),
        &[("VACANCY_CALLS", "1"), ("VACANCY_BATCH_MAX", "1"), ("VACANCY_TIMEOUT", "2")],
    )
    .await;
    let client = ticket.client();
    let slow = async {
        let sold = json!({"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 3});
        let sold = answers(&[sold]);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{sold}",
            sold.len()
        );
        loop {
            let (_, mut stream) = stub.call().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            // The caller may have given up.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    };
    // Six times the capacity of the stub, for 5 s.
    let buys = (0..100).map(|number| {
        let client = client.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(50 * number)).await;
            client.post("/api/v1/purchase", json!({"qty": 1})).await
        }
    });
    let answers = tokio::select! {
        answers = futures::future::join_all(buys) => answers,
        () = slow => unreachable!("the stub never ends"),
    };
    let sold = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers
        .iter()
        .filter(|answer| answer.status == 503 && answer.problem() == "overloaded")
        .count();
    assert!(sold >= 10 && sold + refused >= 98, "{sold} sold, {refused} refused of 100");
    assert_eq!(metric(&ticket, "vacancy_breaker_opened_total").await, 0.0);
}
