//! Selling out: many buyers at once get exactly the stock.

use futures::future::join_all;
use serde_json::json;
use system_tests::{Client, Process};

/// Each buyer buys single tickets until none is left. Returns the number they bought together.
async fn rush(client: &Client, buyers: usize) -> u64 {
    let buyers = (0..buyers).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut bought = 0_u64;
            loop {
                let answer = client.post("/api/v1/purchase", json!({"qty": 1})).await;
                assert_eq!(answer.status, 200, "{}", answer.json());
                if answer.json()["success"] == false {
                    return bought;
                }
                bought += 1;
            }
        })
    });
    join_all(buyers).await.into_iter().map(Result::unwrap).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn monolith_sells_exactly_ten_thousand_to_200_buyers() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("INITIAL_STOCK", "10000")]).await;
    assert_eq!(rush(&monolith.client(), 200).await, 10_000);
    assert_eq!(monolith.client().available().await, 0);
    assert_eq!(monolith.client().ledger("default").await.len(), 10_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tickets_sell_exactly_ten_thousand() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "10000")]).await;
    let slow = [("VACANCY_TIMEOUT", "20"), ("REQUEST_TIMEOUT_S", "30")];
    let tickets = [
        Process::ticket(vacancy.base(), &slow).await,
        Process::ticket(vacancy.base(), &slow).await,
    ];
    let (one, two) = (tickets[0].client(), tickets[1].client());
    let (one, two) = tokio::join!(rush(&one, 100), rush(&two, 100));
    assert_eq!(one + two, 10_000);
    assert_eq!(vacancy.client().available().await, 0);
}
