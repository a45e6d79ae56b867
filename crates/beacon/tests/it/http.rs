//! The source that asks relays, against local servers with fixed responses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use beacon::{BeaconError, BeaconSource, Chain, HttpBeacon, LEAGUE_OF_ENTROPY_URLS, UrlError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::vectors::{QUICKNET, QUICKNET_T, Recorded};

const TIMEOUT: Duration = Duration::from_secs(10);
const ROUND: Recorded = QUICKNET[3];

/// A relay with one response for all requests.
struct Relay {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Relay {
    /// Starts one. A request for another path than that of the round gets 400.
    async fn start(response: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/drand/", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, SeqCst);
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let path = format!("/drand/{}/public/1000 ", Chain::QUICKNET.hash_hex());
                let is_right = head.starts_with(&format!("GET {path}"));
                let wrong = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec();
                // The client may have closed the connection.
                let _ = socket.write_all(if is_right { &response } else { &wrong }).await;
                if response.is_empty() {
                    std::future::pending::<()>().await;
                }
            }
        });
        Self { url, requests }
    }

    async fn with(status: &str, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::start(format!("{head}{body}").into_bytes()).await
    }

    async fn of(recorded: Recorded) -> Self {
        Self::with("200 OK", &body(recorded)).await
    }

    fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

fn body(Recorded { round, signature, randomness }: Recorded) -> String {
    format!(r#"{{"round":{round},"randomness":"{randomness}","signature":"{signature}"}}"#)
}

async fn fetch(relays: &[&Relay]) -> Result<Vec<u8>, BeaconError> {
    let urls: Vec<_> = relays.iter().map(|relay| relay.url.as_str()).collect();
    let source = HttpBeacon::allowing_http(&urls, TIMEOUT).unwrap();
    source.fetch(&Chain::QUICKNET, ROUND.round).await
}

/// What one relay with this response leads to.
async fn failure(status: &str, body: &str) -> BeaconError {
    fetch(&[&Relay::with(status, body).await]).await.unwrap_err()
}

#[tokio::test]
async fn published_round_is_fetched_and_verified() {
    let relay = Relay::of(ROUND).await;
    assert_eq!(fetch(&[&relay]).await, Ok(ROUND.signature()));
    let source: Box<dyn BeaconSource> =
        Box::new(HttpBeacon::allowing_http(&[&relay.url], TIMEOUT).unwrap());
    let beacon = source.fetch_verified(&Chain::QUICKNET, ROUND.round).await.unwrap();
    assert_eq!((beacon.round, beacon.signature), (ROUND.round, ROUND.signature()));
    assert_eq!(const_hex::encode(beacon.randomness), ROUND.randomness);
    assert_eq!(relay.requests(), 2);
}

#[tokio::test]
async fn randomness_may_be_left_out() {
    let body = format!(r#"{{"round":1000,"signature":"{}"}}"#, ROUND.signature);
    let relay = Relay::with("200 OK", &body).await;
    assert_eq!(fetch(&[&relay]).await, Ok(ROUND.signature()));
}

#[tokio::test]
async fn round_that_is_missing_is_not_published_yet() {
    for status in ["404 Not Found", "425 Too Early"] {
        assert_eq!(failure(status, "early").await, BeaconError::NotYet { round: 1_000 });
    }
}

#[tokio::test]
async fn other_statuses_are_failures_and_redirects_are_not_followed() {
    for (status, code) in [("500 Internal Server Error", 500), ("204 No Content", 204)] {
        assert_eq!(failure(status, "").await, BeaconError::Status(code));
    }
    let target = Relay::of(ROUND).await;
    let location = format!("{}{}/public/1000", target.url, Chain::QUICKNET.hash_hex());
    let redirect =
        format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let relay = Relay::start(redirect.into_bytes()).await;
    assert_eq!(fetch(&[&relay]).await, Err(BeaconError::Status(302)));
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn garbage_is_refused_and_not_shown() {
    let not_hex = body(Recorded { signature: "xyz", ..ROUND });
    let other_randomness = body(Recorded { randomness: QUICKNET[0].randomness, ..ROUND });
    for garbage in
        ["", "secret", "[]", "{}", r#"{"round":"1000"}"#, "\u{0}", &not_hex, &other_randomness]
    {
        let error = failure("200 OK", garbage).await;
        assert_eq!(error, BeaconError::Response, "{garbage}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    let relay = Relay::start(b"secret garbage\r\n\r\n".to_vec()).await;
    let error = fetch(&[&relay]).await.unwrap_err();
    assert!(matches!(error, BeaconError::Connection(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[tokio::test]
async fn long_responses_are_cut_off() {
    let padded = format!("{}{}", body(ROUND), " ".repeat(4_096));
    assert_eq!(failure("200 OK", &padded).await, BeaconError::TooLong(4_096));
    // Without a length, and without an end.
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(10_000_000, b' ');
    let relay = Relay::start(endless).await;
    assert_eq!(fetch(&[&relay]).await, Err(BeaconError::TooLong(4_096)));
}

#[tokio::test]
async fn other_rounds_and_signatures_are_refused() {
    let error = failure("200 OK", &body(QUICKNET[0])).await;
    assert_eq!(error, BeaconError::WrongRound { expected: 1_000, found: 1 });
    for signed in [QUICKNET[0], QUICKNET_T] {
        let error = failure("200 OK", &body(Recorded { round: 1_000, ..signed })).await;
        assert_eq!(error, BeaconError::WrongSignature { round: 1_000 });
    }
}

#[tokio::test]
async fn next_relay_is_asked_when_one_fails() {
    let forged = Recorded { round: 1_000, ..QUICKNET_T };
    let failing = [
        Relay::with("500 Internal Server Error", "").await,
        Relay::with("404 Not Found", "").await,
        Relay::with("200 OK", "garbage").await,
        Relay::of(forged).await,
    ];
    let (right, unneeded) = (Relay::of(ROUND).await, Relay::of(ROUND).await);
    for relay in &failing {
        assert_eq!(fetch(&[relay, &right, &unneeded]).await, Ok(ROUND.signature()));
    }
    assert_eq!((right.requests(), unneeded.requests()), (4, 0));
}

#[tokio::test]
async fn round_that_may_come_soon_wins_over_other_failures() {
    let early = Relay::with("425 Too Early", "").await;
    let down = Relay::with("503 Service Unavailable", "").await;
    let not_yet = Err(BeaconError::NotYet { round: 1_000 });
    assert_eq!(fetch(&[&early, &down]).await, not_yet);
    assert_eq!(fetch(&[&down, &early]).await, not_yet);
    assert_eq!(fetch(&[&down, &down]).await, Err(BeaconError::Status(503)));
}

#[tokio::test]
async fn silent_and_absent_relays_are_passed_over() {
    let limit = Duration::from_millis(200);
    let silent = Relay::start(Vec::new()).await;
    let source = HttpBeacon::allowing_http(&[&silent.url], limit).unwrap();
    let error = source.fetch(&Chain::QUICKNET, ROUND.round).await.unwrap_err();
    assert_eq!(error, BeaconError::TimedOut(limit));
    // No server can have port 0.
    let source = HttpBeacon::allowing_http(&["http://127.0.0.1:0"], TIMEOUT).unwrap();
    let error = source.fetch(&Chain::QUICKNET, ROUND.round).await.unwrap_err();
    assert!(matches!(error, BeaconError::Connection(_)), "{error:?}");
}

#[tokio::test]
async fn relay_without_tls_does_not_pass_for_one_with_it() {
    let relay = Relay::of(ROUND).await;
    let url = relay.url.replacen("http:", "https:", 1);
    let source = HttpBeacon::new(&[url], Duration::from_millis(300)).unwrap();
    let error = source.fetch(&Chain::QUICKNET, ROUND.round).await.unwrap_err();
    let expected = matches!(error, BeaconError::Connection(_) | BeaconError::TimedOut(_));
    assert!(expected, "{error:?}");
}

#[tokio::test]
async fn plain_http_needs_to_be_allowed() {
    let refused = HttpBeacon::new(&["http://127.0.0.1:80"], TIMEOUT);
    assert_eq!(refused.unwrap_err(), UrlError::Invalid { position: 1 });
    assert!(HttpBeacon::new(&LEAGUE_OF_ENTROPY_URLS, TIMEOUT).is_ok());
}
