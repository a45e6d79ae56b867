//! Who answers at VACANCY_URL, and requests that go in a circle.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Process, free_port};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::stub::{Stub, answers, metric};

const NESTED: &str = r#"method="GET",route="/ready",service="ticket",status="508""#;

async fn readiness(ticket: &Process) -> (u16, String) {
    let answer = ticket.client().get("/ready").await;
    (answer.status, answer.json()["reason"].as_str().unwrap_or_default().to_owned())
}

/// A web server that sends the same response to every request.
async fn web_server(response: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let response = response.to_owned();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let response = response.clone();
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    drop(stream.write_all(response.as_bytes()).await);
                }
            });
        }
    });
    base
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn vacancy_and_the_monolith_are_recognised() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let vacancy = Process::vacancy(dirs[0].path(), &[]).await;
    let monolith = Process::monolith(dirs[1].path(), &[]).await;
    for (keeper, service) in [(&vacancy, "vacancy"), (&monolith, "monolith")] {
        let said = keeper.client().get("/ready").await.json();
        assert_eq!(said["service"], service);
        let ticket = Process::ticket(keeper.base(), &[]).await;
        let ready = ticket.client().get("/ready").await;
        assert_eq!((ready.status, &ready.json()["service"]), (200, &json!("ticket")));
        assert_eq!(ready.json()["vacancy_version"], said["version"]);
        assert!(said["version"].is_string());
        assert_eq!(ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
    }
}

#[tokio::test]
async fn other_servers_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let page = ok("<html>Welcome to nginx!</html>");
    let other_service =
        ok(&json!({"service": "shop", "version": "1", "status": "ready"}).to_string());
    let nearly = ok(&json!({"status": "ready", "dependencies": {"vacancy": "up"}}).to_string());
    for (base, words) in [
        (ticket.base().to_owned(), "leads to a ticket service"),
        (web_server(&page).await, "another server"),
        (web_server(&ok("{}")).await, "another server"),
        (web_server(&ok(r#"{"status":"ready"}"#)).await, "another server"),
        (web_server(&nearly).await, "another server"),
        (web_server(&other_service).await, r#""shop" answers at VACANCY_URL"#),
        (
            web_server("HTTP/1.1 404 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await,
            "status 404",
        ),
    ] {
        let asking = Process::ticket(&base, &[]).await;
        let (status, reason) = readiness(&asking).await;
        assert_eq!(status, 503, "{words}");
        assert!(reason.contains(words) && !reason.contains("127.0.0.1"), "{reason}");
    }
}

#[tokio::test]
async fn older_vacancy_is_recognised_by_its_start_page() {
    // A release that says its name on `/` alone answers both paths with the same body here.
    let body = json!({
        "service": null, "status": "ready", "dependencies": {"store": "up", "vacancy": "up"},
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let body = if request[..read].starts_with(b"GET /ready ") {
                body.to_string()
            } else {
                json!({"service": "vacancy", "version": "0.0.9", "links": {}}).to_string()
            };
            drop(stream.write_all(ok(&body).as_bytes()).await);
        }
    });
    let ticket = Process::ticket(&base, &[]).await;
    let ready = ticket.client().get("/ready").await;
    assert_eq!((ready.status, &ready.json()["vacancy_version"]), (200, &json!("0.0.9")));
}

#[tokio::test]
async fn probe_of_itself_ends_after_one_turn() {
    let port = free_port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let ticket = Process::ticket(&url, &[("TICKET_PORT", &port)]).await;
    let (status, reason) = readiness(&ticket).await;
    assert_eq!(status, 503);
    assert!(reason.contains("leads to a ticket service"), "{reason}");
    let nested = metric(&ticket, &format!("http_requests_total{{{NESTED}}}")).await;
    assert!(nested <= 2.0, "{nested} nested probes");
    let bought = ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await;
    assert_eq!((bought.status, bought.problem().as_str()), (503, "vacancy_unavailable"));
}

#[tokio::test]
async fn circle_of_two_ends_after_one_turn() {
    let (one, two) = (free_port().to_string(), free_port().to_string());
    let url = |port: &str| format!("http://127.0.0.1:{port}");
    let first = Process::ticket(&url(&two), &[("TICKET_PORT", &one)]).await;
    let second = Process::ticket(&url(&one), &[("TICKET_PORT", &two)]).await;
    for ticket in [&first, &second] {
        let (status, reason) = readiness(ticket).await;
        assert!(status == 503 && reason.contains("leads to a ticket service"), "{reason}");
    }
}

#[tokio::test]
async fn request_over_the_hop_limit_is_508() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let call = |process: &Process, method: Method, path: &'static str, hops: &'static str| {
        let (client, body) =
            (process.client(), (method == Method::POST).then(|| json!({"qty": 1})));
        async move { client.call(method, path, &[("x-ticket-hops", hops)], body).await.unwrap() }
    };
    for (hops, status) in
        [("0", 200), ("1", 200), ("3", 200), ("4", 508), ("4000000000", 508), ("-1", 508)]
    {
        let answer = call(&ticket, Method::POST, "/api/v1/purchase", hops).await;
        assert_eq!(answer.status, status, "{hops}: {}", answer.json());
        if status == 508 {
            assert_eq!(answer.problem(), "loop_detected");
        }
    }
    assert_eq!(vacancy.client().available().await, 997);
    for path in ["/ready", "/readyz"] {
        assert_eq!(call(&ticket, Method::GET, path, "1").await.problem(), "loop_detected");
        assert_eq!(call(&vacancy, Method::GET, path, "1").await.status, 200);
    }
    assert_eq!(call(&ticket, Method::GET, "/livez", "1").await.status, 200);
    assert_eq!(call(&vacancy, Method::POST, "/api/v1/reserve", "9").await.status, 200);
}

#[tokio::test]
async fn calls_count_the_ticket_services_they_have_passed() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[("VACANCY_CALLS", "1")]).await;
    let client = ticket.client();
    let sold: Value = json!({
        "success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 3,
    });
    let server = async {
        let mut heads = Vec::new();
        while heads.len() < 2 {
            let (call, mut stream) = stub.call().await;
            heads.push(call);
            stream.write_all(ok(&answers(std::slice::from_ref(&sold))).as_bytes()).await.unwrap();
        }
        heads
    };
    let buyer = async {
        for hops in [None, Some("2")] {
            let headers: Vec<_> = hops.iter().map(|hops| ("x-ticket-hops", *hops)).collect();
            let body = Some(json!({"qty": 1}));
            let answer = client.call(Method::POST, "/api/v1/purchase", &headers, body).await;
            assert_eq!(answer.unwrap().status, 200);
        }
    };
    let (heads, ()) = tokio::join!(server, buyer);
    assert!(heads[0].contains("\r\nx-ticket-hops: 1\r\n"), "{}", heads[0]);
    assert!(heads[1].contains("\r\nx-ticket-hops: 3\r\n"), "{}", heads[1]);
}
