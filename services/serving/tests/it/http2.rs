use std::time::Instant;

use reqwest::Client;
use serving::server::ServerSettings;
use tokio::time::sleep;

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
    let answers = futures::future::join_all((0..100).map(|_| client.get(server.url("/slow?ms=200")).send())).await;
    for answer in answers {
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    assert_eq!(server.metrics.connections().open.get(), 1);
    assert_eq!(server.stop().await.expect("no panic").accepted, 1);
}

#[tokio::test]
async fn shutdown_lets_streams_finish_and_does_not_wait_for_idle_ones() {
    let server = ServerSettings { shutdown_drain: ms(100), shutdown_timeout: ms(5_000), ..Default::default() };
    let server = Setup { server, ..Setup::default() }.start().await;
    let (busy, idle) = (client(), client());
    idle.get(server.url("/items/1")).send().await.expect("an answer");
    let request = tokio::spawn(busy.get(server.url("/slow?ms=700")).send());
    sleep(ms(150)).await;
    let began = Instant::now();
    let report = server.stop().await.expect("no panic");
    let answer = request.await.expect("no panic").expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.text().await.expect("a body").as_str()), (200, "done"));
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
