//! HTTP/2.

use std::{convert::Infallible, time::Instant};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use http_body::Frame;
use http_body_util::StreamBody;
use http_server::{middleware::RequestSettings, server::ServerSettings};
use reqwest::{Body, Client};
use tokio::time::{sleep, timeout};

use crate::support::{Setup, ms};

fn client() -> Client {
    Client::builder().http2_prior_knowledge().build().expect("a client")
}

#[tokio::test]
async fn streams_share_a_connection() {
    let server = Setup::default().start().await;
    let client = client();
    let answer = client.get(server.url("/items/1")).send().await.expect("an answer");
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let answers =
        futures::future::join_all((0..100).map(|_| client.get(server.url("/slow?ms=200")).send()))
            .await;
    for answer in answers {
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    assert_eq!(server.metrics.connections().open.get(), 1);
    assert_eq!(server.stop().await.expect("no panic").accepted, 1);
}

#[tokio::test]
async fn shutdown_lets_streams_finish_and_does_not_wait_for_idle_ones() {
    let server = ServerSettings {
        shutdown_drain: ms(100),
        shutdown_timeout: ms(5_000),
        ..Default::default()
    };
    let server = Setup { server, ..Setup::default() }.start().await;
    let (busy, idle) = (client(), client());
    idle.get(server.url("/items/1")).send().await.expect("an answer");
    let request = tokio::spawn(busy.get(server.url("/slow?ms=700")).send());
    sleep(ms(150)).await;
    let began = Instant::now();
    let report = server.stop().await.expect("no panic");
    let answer = request.await.expect("no panic").expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.expect("a body").as_str()),
        (200, "done")
    );
    assert_eq!(report.cut, 0);
    assert!(began.elapsed() < ms(3_000), "{report:?}");
}

#[tokio::test]
async fn old_connections_are_replaced_without_a_failed_request() {
    let server = ServerSettings { max_connection_age: ms(200), ..Default::default() };
    let server = Setup { server, ..Setup::default() }.start().await;
    let client = client();
    for _ in 0..40 {
        let answer = client.get(server.url("/items/1")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(!answer.headers().contains_key("connection"));
        sleep(ms(25)).await;
    }
    let report = server.stop().await.expect("no panic");
    assert!(report.accepted >= 3 && report.cut == 0, "{report:?}");
}

#[tokio::test]
async fn a_preface_that_arrives_byte_by_byte_is_read() {
    let server = Setup::default().start().await;
    let mut conn = server.connect().await;
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
        conn.send_bytes(&[*byte]).await;
        sleep(ms(1)).await;
    }
    conn.send_bytes(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    // The acknowledgement of the SETTINGS.
    conn.until(&[0, 0, 0, 4, 1, 0, 0, 0, 0]).await;
}

#[tokio::test]
async fn a_peer_that_acknowledges_nothing_does_not_hold_up_shutdown() {
    let server =
        ServerSettings { shutdown_drain: ms(0), shutdown_timeout: ms(6_000), ..Default::default() };
    let server = Setup { server, ..Setup::default() }.start().await;
    let mut conn = server.connect().await;
    conn.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    // Empty SETTINGS, then HEADERS of stream 1 with END_STREAM and END_HEADERS: GET http://t/.
    conn.send_bytes(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    conn.send_bytes(&[0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, b't']).await;
    sleep(ms(200)).await;
    let answered = server
        .metrics
        .text()
        .expect("metrics")
        .contains("route=\"/\",service=\"test\",status=\"200\"} 1");
    assert!(answered, "the request was understood");
    let report = server.stop().await.expect("no panic");
    assert_eq!(report.cut, 0);
    assert!(report.shutdown_took < ms(3_000), "{report:?}");
}

#[tokio::test]
async fn streams_whose_bodies_trickle_do_not_keep_others_out() {
    let requests = RequestSettings { max_in_flight: 40, max_slow_bodies: 10, ..Default::default() };
    let server = Setup { requests, ..Setup::default() }.start().await;
    let slow = client();
    let trickle = || {
        let first =
            futures::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{")))]);
        let body = Body::wrap(StreamBody::new(first.chain(futures::stream::pending())));
        slow.post(server.url("/order")).header("content-type", "application/json").body(body).send()
    };
    let mut answers = FuturesUnordered::from_iter((0..40).map(|_| trickle()));
    // A stream above the limit is refused at once; the others still wait for their bodies.
    for _ in 0..30 {
        let answer = timeout(ms(5_000), answers.next())
            .await
            .expect("in time")
            .expect("one of them")
            .expect("an answer");
        assert_eq!(answer.status(), 503);
    }
    assert!(timeout(ms(200), answers.next()).await.is_err(), "ten may be slow");
    let whole = client()
        .post(server.url("/order"))
        .header("content-type", "application/json")
        .body("{\"qty\": 1}");
    assert_eq!(whole.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn streams_over_the_limit_are_refused() {
    let server = ServerSettings { http2_max_streams: 2, ..Default::default() };
    let server = Setup { server, ..Setup::default() }.start().await;
    let mut conn = server.connect().await;
    conn.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    conn.send_bytes(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    // HEADERS with END_STREAM and END_HEADERS: GET http://t/slow?ms=900, on three streams without waiting for anything.
    let path = b"/slow?ms=900";
    for stream in [1, 3, 5] {
        let mut frame = vec![
            0,
            0,
            7 + path.len() as u8,
            1,
            5,
            0,
            0,
            0,
            stream,
            0x82,
            0x86,
            0x04,
            path.len() as u8,
        ];
        frame.extend_from_slice(path);
        frame.extend_from_slice(&[0x41, 1, b't']);
        conn.send_bytes(&frame).await;
    }
    // RST_STREAM (3) of stream 5 with REFUSED_STREAM (7): it was not looked at, and can be sent
    // again.
    let refused = [0, 0, 4, 3, 0, 0, 0, 0, 5, 0, 0, 0, 7];
    let seen = timeout(ms(5_000), conn.until(&refused)).await;
    assert!(seen.is_ok(), "the third stream was taken");
    assert_eq!(server.metrics.connections().open.get(), 1, "the others go on");
}
