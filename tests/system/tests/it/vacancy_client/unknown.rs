//! Calls with an unknown outcome.

use std::time::Duration;

use serde_json::json;
use system_tests::Process;
use tokio::io::AsyncWriteExt;

use super::stub::{Stub, answers};

#[tokio::test]
async fn unknown_outcome_is_not_reported_as_unsold() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[("VACANCY_CALLS", "1")]).await;
    let client = ticket.client();
    let sold =
        json!({"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 3});
    let sold = answers(&[sold]);
    let overloaded = json!({
        "type": "urn:ticket-system:problem:overloaded", "title": "T", "status": 503, "detail": "d", "error": "T",
        "code": "overloaded", "retry_after_s": 1,
    });
    let calls = async {
        let (_, mut first) = stub.call().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        first
            .write_all(
                format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{sold}",
                    sold.len()
                )
                .as_bytes(),
            )
            .await
            .unwrap();
        let (head, lost) = stub.call().await;
        assert!(head.starts_with("post /api/v1/internal/batch"), "{head}");
        drop(lost);
        let (_, mut again) = stub.call().await;
        // One answer of the batch is malformed: only its buyer gets an unknown outcome.
        let body = answers(&[
            overloaded,
            json!({"hm": 1}),
            json!({"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 4}),
        ]);
        again
            .write_all(
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                    .as_bytes(),
            )
            .await
            .unwrap();
        again
    };
    let buy = |key: &'static str, after_ms| {
        let client = client.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            client.keyed("/api/v1/purchase", key, json!({"qty": 1})).await.unwrap()
        }
    };
    let (_, first, second, third, fourth) =
        tokio::join!(calls, buy("a", 0), buy("b", 150), buy("c", 200), buy("d", 250));
    assert_eq!((first.status, fourth.status), (200, 200), "{fourth:?}");
    for unknown in [second, third] {
        assert_eq!(
            (unknown.status, unknown.problem().as_str()),
            (503, "vacancy_unavailable"),
            "{unknown:?}"
        );
        assert!(
            unknown.json()["detail"].as_str().unwrap().contains("did not respond"),
            "{unknown:?}"
        );
    }
}
