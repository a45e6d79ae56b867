//! Clients that hang up, send slowly, or stay idle.

use std::time::{Duration, Instant};

use checker::{Ask, reserve_kind};
use futures::future::join_all;
use inventory::IdempotencyKey;
use system_tests::{Client, Process};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::Buyers;

const DISCONNECTS: usize = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn hang_ups_leave_whole_sales_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(
        dir.path(),
        &[("INITIAL_STOCK", "1000000"), ("RATE_LIMIT_PER_SECOND", "")],
    )
    .await;
    let (port, buyers) = (vacancy.port(), Buyers::default());
    let clients = (0..16).map(|worker| {
        let buyers = buyers.clone();
        tokio::spawn(async move {
            for number in 0..DISCONNECTS / 16 {
                let key = format!("d{worker}-{number}");
                let body = r#"{"qty": 1}"#;
                let head = format!(
                    "POST /api/v1/reserve HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nidempotency-key: \"{key}\"\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let whole = [head.as_bytes(), body.as_bytes()].concat();
                // Most hang up after the request, before the response; some within the request.
                let sent = if number % 5 == 0 { whole.len() * (number % 17) / 17 } else { whole.len() };
                drop(buyers.history.send(Ask::Write { kind: reserve_kind(1), key: IdempotencyKey::new(&key).ok() }));
                let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let _ = stream.write_all(&whole[..sent]).await;
                if number % 3 == 0 {
                    tokio::time::sleep(Duration::from_micros(300)).await;
                }
                // A reset in a third of the cases, a close in the others.
                if number % 3 == 1 {
                    let _ = stream.set_zero_linger();
                }
            }
        })
    });
    for one in clients.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let client = vacancy.client();
    // Repeating a key completes the sale if it had not happened.
    let again: Vec<_> = (0..16).map(|worker| format!("d{worker}-{}", worker * 7)).collect();
    for key in &again {
        // Until the service has closed the connections that hung up, it may refuse further ones.
        let since = Instant::now();
        while !buyers.buy_with(&client, "/api/v1/reserve", key).await {
            assert!(since.elapsed() < Duration::from_secs(60), "no response to {key}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let checked = buyers.check_running(&client).await;
    println!(
        "{DISCONNECTS} clients hung up: {} of their sales had happened, each whole and once",
        checked.unknown_done
    );
    assert!(checked.unknown_done > 0 && checked.unknown_done < checked.unknown);
}

/// The 99th percentile of the answers to `count` purchases by a few good clients.
async fn p99(client: &Client, count: usize) -> Duration {
    let buyers = (0..4).map(|_| async {
        let mut took = Vec::new();
        for _ in 0..count / 4 {
            let since = Instant::now();
            let answer = client.post("/api/v1/reserve", serde_json::json!({"qty": 1})).await;
            assert_eq!(answer.status, 200, "a good client was refused");
            took.push(since.elapsed());
        }
        took
    });
    let mut took: Vec<_> = join_all(buyers).await.into_iter().flatten().collect();
    took.sort();
    took[took.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_slow_clients_do_not_delay_others() {
    const IDLE: usize = 5_000;
    const SLOW: usize = 500;
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "1000000")]).await;
    let (client, port) = (vacancy.client(), vacancy.port());
    p99(&client, 400).await;
    let alone = p99(&client, 2_000).await;
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        let stream = TcpStream::connect(("127.0.0.1", port)).await;
        idle.push(stream.expect("5,000 connections need as many files: raise 'ulimit -n'"));
    }
    let mut slow = Vec::new();
    for number in 0..SLOW {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let start: &[u8] = if number % 2 == 0 {
            b"POST /api/v1/reserve HT"
        } else {
            b"POST /api/v1/reserve HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"
        };
        stream.write_all(start).await.unwrap();
        slow.push(tokio::spawn(async move {
            // A byte a second, until the server closes the connection.
            for _ in 0..60 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if stream.write_all(b" ").await.is_err() {
                    return;
                }
            }
        }));
    }
    let among = p99(&client, 2_000).await;
    println!(
        "p99 of good clients: {:.1} ms alone, {:.1} ms among {IDLE} idle and {SLOW} slow ones: {:.2} times",
        alone.as_secs_f64() * 1e3,
        among.as_secs_f64() * 1e3,
        among.as_secs_f64() / alone.as_secs_f64()
    );
    for one in slow {
        one.abort();
    }
}
