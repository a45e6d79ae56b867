//! A server on a free port and a client that speaks bytes.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use axum::{
    Router,
    routing::{get, post},
};
use http_server::{
    Problem, app,
    app::{AppParts, ServiceInfo},
    docs::Documentation,
    extract::{IdempotencyKey, JsonBody, OptionalJson, PathParams, QueryParams},
    health::Health,
    middleware::{CurrentRequestId, RequestSettings},
    server,
    server::{ServeReport, ServerSettings},
};
use serde::Deserialize;
use telemetry::Metrics;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Limit for every step of these tests.
const TIMEOUT: Duration = Duration::from_secs(10);

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub struct Server {
    pub address: SocketAddr,
    pub health: Health,
    pub metrics: Metrics,
    stop: oneshot::Sender<()>,
    task: JoinHandle<ServeReport>,
}

#[derive(Default)]
pub struct Setup {
    pub server: ServerSettings,
    pub requests: RequestSettings,
    pub health: Option<Health>,
}

impl Setup {
    pub async fn start(self) -> Server {
        let health = self.health.unwrap_or_else(|| Health::new("test"));
        let metrics = Metrics::new("test", "1.2.3").expect("metrics");
        let info = ServiceInfo::new("test", "1.2.3", "microservices", "development");
        let parts = AppParts::new(info, health.clone(), metrics.clone(), self.requests)
            .with_documentation(Documentation::new("Test <Service>", document));
        let router = app::finish(routes(), parts);
        let listener = server::bind("127.0.0.1", 0).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        health.set_ready();
        let (stop, stopped) = oneshot::channel::<()>();
        let (server, served_health, served_metrics) =
            (self.server, health.clone(), metrics.clone());
        let task = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            server::serve(listener, router, &server, &served_health, &served_metrics, stopped).await
        });
        Server { address, health, metrics, stop, task }
    }
}

impl Server {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn connect(&self) -> Conn {
        Conn {
            stream: TcpStream::connect(self.address).await.expect("a connection"),
            buffer: Vec::new(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await
    }

    pub async fn post(&self, path: &str, headers: &str, body: &str) -> Answer {
        self.request(&format!(
            "POST {path} HTTP/1.1\r\nhost: t\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    pub async fn post_json(&self, path: &str, body: &str) -> Answer {
        self.post(path, "content-type: application/json\r\n", body).await
    }

    pub async fn request(&self, bytes: &str) -> Answer {
        let mut conn = self.connect().await;
        conn.send(bytes).await;
        conn.answer().await
    }

    /// Starts the shutdown and returns the task that ends with it.
    pub fn stop(self) -> JoinHandle<ServeReport> {
        self.stop.send(()).expect("the server runs");
        self.task
    }
}

pub struct Conn {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Conn {
    pub async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("sending");
    }

    /// Closes the sending half.
    pub async fn end(&mut self) {
        self.stream.shutdown().await.expect("open");
    }

    /// The next answer; its length must be given by `content-length`.
    pub async fn answer(&mut self) -> Answer {
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(
                self.fill().await,
                "closed before an answer: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        };
        let head: Vec<u8> = self.buffer.drain(..head_end).collect();
        let head = String::from_utf8(head).expect("an ASCII head");
        let mut answer = Answer::parse(&head);
        let length: usize =
            answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while self.buffer.len() < length {
            assert!(self.fill().await, "closed within an answer");
        }
        answer.body = self.buffer.drain(..length).collect();
        answer
    }

    /// Waits until the peer has sent these bytes.
    pub async fn until(&mut self, bytes: &[u8]) {
        while !self.buffer.windows(bytes.len()).any(|window| window == bytes) {
            assert!(self.fill().await, "closed before: {:?}", self.buffer);
        }
    }

    /// Waits until the peer has closed and returns what it sent before.
    pub async fn closed(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// Whether the peer keeps the connection open for `time`.
    pub async fn stays_open(&mut self, time: Duration) -> bool {
        timeout(time, self.fill()).await.is_err()
    }

    /// Reads more; false at the end.
    async fn fill(&mut self) -> bool {
        let read =
            timeout(TIMEOUT, self.stream.read_buf(&mut self.buffer)).await.expect("the peer hangs");
        matches!(read, Ok(1..))
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
            .collect();
        Self { status: status.expect("a status line"), headers, body: Vec::new() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that this is a problem of that status and code, with everything a problem has.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let body = self.json();
        assert_eq!(body["type"], format!("urn:ticket-system:problem:{code}"));
        assert_eq!(body["status"], status);
        assert_eq!(body["code"], code);
        assert_eq!(body["error"], body["title"]);
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        body
    }
}

#[derive(Deserialize)]
struct Order {
    qty: u32,
}

#[derive(Deserialize, Default)]
struct Note {
    text: Option<String>,
}

#[derive(Deserialize)]
struct Slow {
    ms: u64,
}

fn routes() -> Router {
    Router::new()
        .route(
            "/slow",
            get(|QueryParams(slow): QueryParams<Slow>| async move {
                sleep(ms(slow.ms)).await;
                "done"
            }),
        )
        .route(
            "/order",
            post(
                |IdempotencyKey(key): IdempotencyKey, JsonBody(order): JsonBody<Order>| async move {
                    format!("{} {}", order.qty, key.unwrap_or_default())
                },
            ),
        )
        .route(
            "/note",
            post(|OptionalJson(note): OptionalJson<Note>| async move {
                note.text.unwrap_or("none".into())
            }),
        )
        .route("/items/{id}", get(|PathParams(id): PathParams<u64>| async move { id.to_string() }))
        .route(
            "/bytes/{count}",
            get(|PathParams(count): PathParams<usize>| async move { "x".repeat(count) }),
        )
        .route(
            "/id",
            get(|CurrentRequestId(id): CurrentRequestId| async move {
                id.expect("the middleware sets it")
            }),
        )
        .route("/panic", get(panics))
        .route("/effects", get(|| async { EFFECTS.load(SeqCst).to_string() }))
        .route(
            "/effect",
            post(|| async {
                EFFECTS.fetch_add(1, SeqCst);
                "done ".repeat(500)
            }),
        )
        .route(
            "/fails",
            get(|| async {
                Problem::overloaded("Too much.", 7).with("seq", 42).with("status", "kept out")
            }),
        )
}

/// Requests that took effect.
static EFFECTS: AtomicU64 = AtomicU64::new(0);

async fn panics() -> &'static str {
    tokio::task::yield_now().await;
    panic!("secret of the handler")
}

/// A document with a title that HTML has to escape.
pub fn document() -> utoipa::openapi::OpenApi {
    utoipa::openapi::OpenApiBuilder::new()
        .info(utoipa::openapi::InfoBuilder::new().title("Test <Service>").version("1.2.3").build())
        .build()
}
