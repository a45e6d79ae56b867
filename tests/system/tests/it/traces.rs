//! Traces, as a collector receives them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message;
use reqwest::Method;
use serde_json::json;
use system_tests::Process;

/// Service and name of each span, and the span.
type Spans = Arc<Mutex<Vec<(String, Span)>>>;

/// An OTLP receiver: its address and the spans it has received.
async fn collector() -> (String, Spans) {
    let spans = Spans::default();
    let routes = Router::new().route("/v1/traces", post(receive)).with_state(spans.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, spans)
}

async fn receive(State(spans): State<Spans>, body: Bytes) {
    for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let service =
            attributes.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
        let service = format!("{:?}", service.value.unwrap());
        let name = ["ticket", "vacancy", "monolith"]
            .into_iter()
            .find(|name| service.contains(name))
            .unwrap();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.lock().unwrap().push((name.to_owned(), span));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn purchase_is_one_trace_from_ticket_to_commit() {
    let (url, spans) = collector().await;
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &env).await;
    let ticket = Process::ticket(vacancy.base(), &env).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [("traceparent", parent.as_str())];
    let bought = ticket
        .client()
        .call(Method::POST, "/api/v1/purchase", &headers, Some(json!({"qty": 1})))
        .await
        .unwrap();
    assert_eq!(bought.status, 200);
    let returned = bought.header("traceparent").to_owned();
    assert!(returned.starts_with(&format!("00-{trace}-")) && returned != parent, "{returned}");

    let started = Instant::now();
    let found = loop {
        let found: BTreeMap<_, _> = spans
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, span)| hex(&span.trace_id) == trace)
            .map(|(service, span)| (format!("{service}: {}", span.name), span.clone()))
            .collect();
        if found.len() >= 4 {
            break found;
        }
        assert!(started.elapsed().as_secs() < 20, "only {:?}", found.keys());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let chain = [
        "ticket: POST /api/v1/purchase",
        "ticket: vacancy batch",
        "vacancy: POST /api/v1/internal/batch",
        "vacancy: commit",
    ];
    assert_eq!(found.keys().collect::<Vec<_>>(), chain);
    let mut parent = "00f067aa0ba902b7".to_owned();
    for name in chain {
        assert_eq!(hex(&found[name].parent_span_id), parent, "{name}");
        parent = hex(&found[name].span_id);
    }
}

#[tokio::test]
async fn spans_of_one_batch_are_linked() {
    let (url, spans) = collector().await;
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &env).await;
    let client = monolith.client();
    let buys = (0..50).map(|_| client.post("/api/v1/purchase", json!({"qty": 1})));
    assert!(futures::future::join_all(buys).await.iter().all(|answer| answer.status == 200));
    let started = Instant::now();
    loop {
        let (mut requests, mut committed) = (0, 0);
        for (_, span) in spans.lock().unwrap().iter() {
            requests += usize::from(span.name == "POST /api/v1/purchase");
            committed += if span.name == "commit" { 1 + span.links.len() } else { 0 };
        }
        if (requests, committed) == (50, 50) {
            break;
        }
        assert!(
            requests <= 50 && committed <= 50 && started.elapsed().as_secs() < 20,
            "{requests} requests, {committed} of them in commits"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
