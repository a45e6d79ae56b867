//! Requests that HTTP forbids, or whose body is coded.

use crate::support::{Server, Setup};

async fn head(server: &Server, line: &str, headers: &str) -> crate::support::Answer {
    server.request(&format!("{line}\r\n{headers}\r\n")).await
}

#[tokio::test]
async fn host_must_be_single_and_valid() {
    let server = Setup::default().start().await;
    let get = "GET /items/1 HTTP/1.1";
    for headers in [
        "",
        "accept: */*\r\n",
        "host: a\r\nhost: a\r\n",
        "Host: a\r\nHOST: b\r\n",
        "host: a b\r\n",
        "host: a/b\r\n",
        "host: user@a\r\n",
        "host: a:port\r\n",
        "host: a:99999\r\n",
        "host: ::1\r\n",
        "host: [::1\r\n",
        "host: http://a\r\n",
    ] {
        let answer = head(&server, get, headers).await;
        answer.assert_problem(400, "bad_request");
        assert_eq!(answer.header("connection"), Some("close"), "{headers:?}");
    }
    for headers in
        ["host: a\r\n", "host: a:80\r\n", "host: [::1]:80\r\n", "host:\r\n", "HOST: A.\r\n"]
    {
        assert_eq!(head(&server, get, headers).await.status, 200, "{headers:?}");
    }
    // Probes have no exception, and HTTP/1.0 has no Host.
    head(&server, "GET /health HTTP/1.1", "").await.assert_problem(400, "bad_request");
    let mut conn = server.connect().await;
    conn.send("GET /items/1 HTTP/1.0\r\n\r\n").await;
    assert!(conn.closed().await.starts_with("HTTP/1.0 200 "));
}

#[tokio::test]
async fn absolute_target_is_served_and_needs_a_host_too() {
    let server = Setup::default().start().await;
    let line = "GET http://shop.example:8000/items/1 HTTP/1.1";
    for host in ["host: shop.example:8000\r\n", "host: other\r\n"] {
        let answer = head(&server, line, host).await;
        assert_eq!((answer.status, answer.text()), (200, "1"), "{host}");
    }
    head(&server, line, "").await.assert_problem(400, "bad_request");
    head(&server, line, "host: a\r\nhost: a\r\n").await.assert_problem(400, "bad_request");
}

#[tokio::test]
async fn transfer_codings_other_than_chunked_are_501() {
    let server = Setup::default().start().await;
    for coding in [
        "transfer-encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "TRANSFER-ENCODING: deflate\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: x\r\ncontent-length: 3\r\n",
    ] {
        let headers = format!("host: t\r\ncontent-type: application/json\r\n{coding}");
        let answer = head(&server, "POST /order HTTP/1.1", &headers).await;
        answer.assert_problem(501, "transfer_coding");
        assert_eq!(answer.header("connection"), Some("close"), "{coding:?}");
    }
    let chunked = "POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\nTransfer-Encoding: Chunked\r\n\r\na\r\n{\"qty\": 4}\r\n0\r\n\r\n";
    assert_eq!(server.request(chunked).await.status, 200);
}

#[tokio::test]
async fn coded_bodies_are_415_and_name_what_is_accepted() {
    let server = Setup::default().start().await;
    let json = "content-type: application/json\r\n";
    for coding in ["gzip", "br", "deflate", "identity, gzip", "GZIP", "nonsense"] {
        let headers = format!("{json}content-encoding: {coding}\r\n");
        let answer = server.post("/order", &headers, "{\"qty\": 1}").await;
        answer.assert_problem(415, "unsupported_media_type");
        assert_eq!(answer.header("accept-encoding"), Some("identity"), "{coding}");
        assert!(answer.text().contains("Content-Encoding"), "{}", answer.text());
    }
    for coding in ["identity", "Identity", ""] {
        let headers = format!("{json}content-encoding: {coding}\r\n");
        let answer = server.post("/order", &headers, "{\"qty\": 1}").await;
        assert_eq!(answer.status, 200, "{coding}");
    }
    // Without a body there is nothing coded.
    let get = "GET /items/1 HTTP/1.1\r\nhost: t\r\ncontent-encoding: gzip\r\n\r\n";
    assert_eq!(server.request(get).await.status, 200);
    let wrong_type = server.post("/order", "content-type: text/plain\r\n", "{}").await;
    wrong_type.assert_problem(415, "unsupported_media_type");
    assert_eq!(wrong_type.header("accept-encoding"), None);
}

#[tokio::test]
async fn byte_order_marks_are_400_and_named() {
    let server = Setup::default().start().await;
    for body in [
        &b"\xef\xbb\xbf{\"qty\": 1}"[..],
        b"\xff\xfe{\0\"\0q\0t\0y\0\"\0:\x001\0}\0",
        b"\xfe\xff\0{\0\"\0q\0t\0y\0\"\0:\x001\0}",
        b"\xef\xbb\xbf",
    ] {
        for path in ["/order", "/note"] {
            let mut conn = server.connect().await;
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            conn.send_bytes(&[head.as_bytes(), body].concat()).await;
            let answer = conn.answer().await;
            let problem = answer.assert_problem(400, "malformed_json");
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("byte order mark"), "{path}: {detail}");
        }
    }
}
