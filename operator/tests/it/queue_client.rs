//! The calls to a running system, over a local socket.

use std::time::Duration;

use operator::{
    api::QueueStatus,
    queues::{CallError, Endpoint, HttpSystemClient, SystemClient},
};

use crate::support::system_api::SystemApi;

fn client() -> HttpSystemClient {
    HttpSystemClient::new(Duration::from_millis(500))
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint { url: url.to_owned(), token: "sesame".to_owned() }
}

#[tokio::test]
async fn queues_of_all_pages_are_read() {
    let api = SystemApi::start().await;
    for (event, waiting) in [("opera", 5), ("circus", 9), ("ballet", 0)] {
        api.set_queue(event, "open", waiting, false);
    }
    api.set_event_without_queue("default");
    api.set_queue("gone", "pre", 1, true);
    let mut queues = client().queues(&endpoint(&api.url)).await.expect("an answer");
    queues.sort_by_key(|queue| queue.waiting);
    let names: Vec<_> = queues.iter().map(|queue| queue.event.as_str()).collect();
    assert_eq!(names, ["ballet", "opera", "circus"]);
    let wanted = QueueStatus {
        event: "circus".to_owned(),
        phase: "open".to_owned(),
        waiting: 9,
        serving: 7,
        paused: false,
    };
    assert_eq!(queues[2], wanted);
    let calls = api.calls("/");
    assert!(calls.iter().all(|(_, token)| token == "Bearer sesame"), "{calls:?}");
    assert!(!calls.iter().any(|(path, _)| path.ends_with("/default")), "{calls:?}");
}

#[tokio::test]
async fn failures_name_the_url_and_no_token() {
    let api = SystemApi::start().await;
    let at = endpoint(&api.url);
    api.refuse(403);
    let url = format!("{}/api/v1/admin/queues/pause", api.url);
    let refused = CallError::Refused { url, status: 403 };
    assert_eq!(client().set_queues_paused(&at, true).await, Err(refused.clone()));
    assert_eq!(refused.reason(), "CallRefused");
    api.refuse(204);
    let error = client().queues(&at).await.expect_err("no body");
    assert!(matches!(error, CallError::Unexpected { .. }), "{error}");
    assert!(client().set_queues_paused(&at, false).await.is_ok(), "its body is not read");
    for url in ["http://127.0.0.1:1", "not a url"] {
        let error = client().queues(&endpoint(url)).await.expect_err("nothing responds");
        assert_eq!(error, CallError::Unreachable { url: url.to_owned() });
    }
    assert!(!format!("{at:?} {refused} {error}").contains("sesame"));
}

#[tokio::test]
async fn stalled_system_is_unreachable_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let started = std::time::Instant::now();
    let error = client().queues(&endpoint(&url)).await.expect_err("it never responds");
    assert_eq!(error, CallError::Unreachable { url });
    assert!(started.elapsed() < Duration::from_secs(3));
}
