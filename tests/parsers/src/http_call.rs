//! Whole HTTP calls.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Body};
use config::Source;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::BodyExt;
use http_server::{
    app::{AppParts, ServiceInfo, finish},
    docs::Documentation,
    health::Health,
    middleware::Peer,
    streams::Streams,
};
use inventory::{CommandKind, EventName, EventSettings, Limits, StockName};
use inventory_embedded::EmbeddedWebhooks;
use inventory_engine::{Engine, Environment};
use inventory_store::MemoryStore;
use telemetry::Metrics;
use ticket::api;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use vacancy::api::AppState;
use vacancy_api::{complete, document};
use vacancy_service::VacancySettings;
use webhooks::Webhooks;

/// Calls before a new service: the events of a service fill the memory.
const CALLS_MAX: u32 = 20_000;
/// The largest input; other tests send larger ones.
const INPUT_MAX: usize = 70_000;

/// The monolith on a store in memory.
pub(crate) struct Service {
    pub(crate) runtime: Runtime,
    pub(crate) router: Router,
    calls: u32,
}

/// The monolith responds to any call, written as `METHOD path`, lines of headers, an empty line and
/// a body. The only 5xx is 503, and an error is a problem as the contract defines it.
///
/// # Panics
/// When that does not hold.
pub fn http_call(data: &[u8]) {
    static SERVICE: Mutex<Option<Service>> = Mutex::new(None);
    let Some(request) = (data.len() <= INPUT_MAX).then(|| request(data)).flatten() else { return };
    let mut service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
    if service.as_ref().is_none_or(|service| service.calls >= CALLS_MAX) {
        *service = Some(Service::start(&["default"]));
    }
    if let Some(service) = service.as_mut() {
        service.calls += 1;
        service.runtime.block_on(check(service.router.clone(), request));
    }
}

impl Service {
    /// Starts a monolith with these events.
    pub(crate) fn start(events: &[&str]) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let pairs = [
            ("ADMIN_TOKEN", "an-admin-token-for-tests"),
            ("RATE_LIMIT_PER_SECOND", "1000000"),
            ("TRUSTED_PROXIES", "10.0.0.0/8"),
            ("RATE_LIMIT_BY", "token"),
            ("RATE_LIMIT_CLIENTS_MAX", "100"),
        ];
        let settings = VacancySettings::from_source(&Source::from_pairs(pairs)).unwrap();
        let router = runtime.block_on(async {
            let (engine, committer) =
                Engine::assemble(MemoryStore::default(), Limits::default(), Environment::system());
            tokio::spawn(committer.run());
            for event in events {
                let capacities = [(StockName::new("general").unwrap(), 1_000_000)].into();
                let (event, settings) = (EventName::new(event).unwrap(), EventSettings::default());
                let kind = CommandKind::PutEvent {
                    event,
                    capacities,
                    settings,
                    if_settings_seq: None,
                    only_create: true,
                    draw: None,
                };
                engine.submit(inventory_engine::Request::new(kind)).await.unwrap();
            }
            let health = Health::new("monolith");
            let streams = Streams::new(settings.http.streams, health.lifecycle().clone()).unwrap();
            let state =
                AppState::new(engine.clone(), &settings, streams, webhooks(engine, &settings));
            let (routes, openapi) = OpenApiRouter::with_openapi(document("Ticket System", ""))
                .merge(api::router(state.public().clone()))
                .merge(vacancy::api::router(state))
                .split_for_parts();
            health.set_ready();
            let info = ServiceInfo::new("monolith", "0", "monolith", "tests");
            let parts = AppParts::new(
                info,
                health,
                Metrics::new("monolith", "0").unwrap(),
                settings.http.requests.clone(),
            );
            let document = complete(&openapi, &settings.document_limits());
            finish(
                routes,
                parts.with_documentation(Documentation::new("Ticket System", move || {
                    document.clone()
                })),
            )
        });
        Self { runtime, router, calls: 0 }
    }
}

/// Receivers, to which nothing is delivered.
fn webhooks(engine: Engine, settings: &VacancySettings) -> Webhooks {
    let receivers = Arc::new(EmbeddedWebhooks::in_memory());
    Webhooks::new(receivers, engine, settings.webhooks.clone()).unwrap()
}

fn request(data: &[u8]) -> Option<Request<Body>> {
    let at = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = at.map_or((data, &[][..]), |at| (&data[..at], &data[at + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = Method::from_bytes(first.next()?).ok()?;
    *request.uri_mut() = http::Uri::try_from(first.next()?).ok()?;
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (
            HeaderName::from_bytes(&line[..at]).ok()?,
            HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?,
        );
        request.headers_mut().append(name, value);
    }
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if !request.headers().contains_key(header::HOST) {
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("t"));
    }
    request.extensions_mut().insert(Peer(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))));
    Some(request)
}

async fn check(router: Router, request: Request<Body>) {
    let (line, is_head) =
        (format!("{} {}", request.method(), request.uri()), request.method() == Method::HEAD);
    let Ok(response) = router.oneshot(request).await;
    let (parts, mut body) = response.into_parts();
    let is_stream = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/event-stream" || kind == "application/x-ndjson");
    let body = if is_stream {
        // It has no end.
        let first = body.frame().await.expect("a beginning").expect("a body");
        first.into_data().unwrap_or_default()
    } else {
        body.collect().await.expect("a body").to_bytes()
    };
    let status = parts.status.as_u16();
    assert!(status < 500 || matches!(status, 501 | 503), "{line}: {status} {body:?}");
    assert!(parts.headers.contains_key("x-request-id"), "{line}");
    if status < 400 || is_head {
        return;
    }
    assert_eq!(parts.headers[header::CONTENT_TYPE], "application/problem+json", "{line}: {body:?}");
    let problem: serde_json::Value = serde_json::from_slice(&body).expect("a problem is JSON");
    let code = problem["code"].as_str().expect("a code");
    assert_eq!(
        (&problem["status"], &problem["type"]),
        (&status.into(), &format!("urn:ticket-system:problem:{code}").into())
    );
    assert_eq!(
        problem["request_id"],
        parts.headers["x-request-id"].to_str().expect("visible"),
        "{line}"
    );
    assert!(
        problem["detail"].as_str().is_some_and(|detail| (1..=400).contains(&detail.len())),
        "{problem}"
    );
    assert!(status != 503 || parts.headers.contains_key(header::RETRY_AFTER), "{line}");
}
