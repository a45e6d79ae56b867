//! Graceful shutdown.

use std::time::Instant;

use http_server::server::ServerSettings;
use tokio::{net::TcpStream, time::sleep};

use crate::support::{Setup, ms};

const GET: &str = "GET /items/1 HTTP/1.1\r\nhost: t\r\n\r\n";

fn setup() -> Setup {
    let server = ServerSettings {
        shutdown_drain: ms(400),
        shutdown_timeout: ms(2_000),
        ..Default::default()
    };
    Setup { server, ..Setup::default() }
}

#[tokio::test]
async fn readiness_turns_503_while_requests_are_still_served() {
    let server = setup().start().await;
    let (address, health) = (server.address, server.health.clone());
    let mut kept = server.connect().await;
    kept.send(GET).await;
    assert_eq!(kept.answer().await.header("connection"), None);
    let mut probe = server.connect().await;
    let mut fresh = server.connect().await;
    let task = server.stop();
    let began = Instant::now();
    while !health.lifecycle().is_draining() {
        assert!(began.elapsed() < ms(2_000), "draining does not begin");
        sleep(ms(5)).await;
    }

    probe.send("GET /ready HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let answer = probe.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert_eq!(answer.json()["status"], "draining");
    for conn in [&mut kept, &mut fresh] {
        conn.send(GET).await;
        let answer = conn.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        conn.closed().await;
    }
    assert!(TcpStream::connect(address).await.is_ok(), "new connections are still accepted");

    let report = task.await.expect("no panic");
    assert_eq!(report.cut, 0);
    assert!(report.shutdown_took >= ms(400) && report.shutdown_took < ms(1_500), "{report:?}");
    assert!(TcpStream::connect(address).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn a_request_in_flight_finishes_after_the_drain() {
    let server = setup().start().await;
    let mut conn = server.connect().await;
    conn.send("GET /slow?ms=900 HTTP/1.1\r\nhost: t\r\n\r\n").await;
    sleep(ms(100)).await;
    let task = server.stop();
    let answer = conn.answer().await;
    assert_eq!(
        (answer.status, answer.text(), answer.header("connection")),
        (200, "done", Some("close"))
    );
    let report = task.await.expect("no panic");
    assert_eq!(report.cut, 0);
    assert!(
        report.shutdown_took < ms(1_800),
        "ends with the request, not with the deadline: {report:?}"
    );
}

#[tokio::test]
async fn idle_and_stalled_connections_do_not_delay_it() {
    let server = setup().start().await;
    let mut idle = server.connect().await;
    idle.send(GET).await;
    idle.answer().await;
    let mut stalled_again = server.connect().await;
    stalled_again.send(GET).await;
    stalled_again.answer().await;
    let mut stalled = server.connect().await;
    let _silent = server.connect().await;
    for conn in [&mut stalled, &mut stalled_again] {
        conn.send("GET /items/1 HTTP/1.1\r\nhost:").await;
    }
    sleep(ms(50)).await;
    let report = server.stop().await.expect("no panic");
    assert_eq!((report.accepted, report.cut), (4, 0));
    assert!(report.shutdown_took < ms(900), "{report:?}");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_at_the_hard_deadline() {
    let server =
        ServerSettings { shutdown_drain: ms(0), shutdown_timeout: ms(300), ..Default::default() };
    let server = Setup { server, ..Setup::default() }.start().await;
    let mut conn = server.connect().await;
    conn.send("GET /slow?ms=8000 HTTP/1.1\r\nhost: t\r\n\r\n").await;
    sleep(ms(100)).await;
    let began = Instant::now();
    let report = server.stop().await.expect("no panic");
    assert_eq!(report.cut, 1);
    assert!(began.elapsed() >= ms(250) && began.elapsed() < ms(1_500));
}

#[tokio::test]
async fn servers_in_one_process_do_not_affect_each_other() {
    let (first, second) = (setup().start().await, setup().start().await);
    first.stop().await.expect("no panic");
    assert_eq!(second.get("/ready").await.status, 200);
}

#[tokio::test]
async fn sigterm_resolves_the_signal() {
    let mut signal = Box::pin(http_server::shutdown::signal().expect("handlers"));
    assert!(tokio::time::timeout(ms(50), &mut signal).await.is_err());
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &std::process::id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
    assert!(tokio::time::timeout(ms(2_000), signal).await.is_ok());
}
