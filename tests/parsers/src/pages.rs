//! The query of a list of events.

use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::http_call::Service;

/// The events of the service.
const EVENTS: [&str; 5] = ["a", "b-1", "default", "gala.2", "z"];

/// The query of a list of events returns a page: in order, after the requested name, at most as
/// long as requested, and `next` leads through all remaining events. Other queries get a 4xx.
///
/// # Panics
/// When that does not hold.
pub fn pages(data: &[u8]) {
    static SERVICE: Mutex<Option<Service>> = Mutex::new(None);
    let Ok(query) = std::str::from_utf8(data) else { return };
    let mut service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
    let service = service.get_or_insert_with(|| Service::start(&EVENTS));
    let Some((status, page)) = list(service, query) else { return };
    if status != 200 {
        assert!(matches!(status, 400 | 404 | 422), "{query:?}: {status}");
        return;
    }
    let mut names = names(&page);
    let from = names.first().map_or(EVENTS.len(), |first| {
        EVENTS.iter().position(|name| name == first).expect("a known event")
    });
    let mut next = page["next"].as_str().map(str::to_owned);
    while let Some(after) = next {
        assert_eq!(names.last(), Some(&after), "{query:?}");
        let (status, page) = list(service, &format!("after={after}&limit=2")).expect("a query");
        assert_eq!(status, 200, "{query:?}");
        names.extend(self::names(&page));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(names, EVENTS[from..], "{query:?}");
}

fn names(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().expect("a list");
    events.iter().map(|event| event["event"].as_str().expect("a name").to_owned()).collect()
}

/// Status and body; `None` when `query` cannot be in a URI.
fn list(service: &Service, query: &str) -> Option<(u16, Value)> {
    let request = Request::get(format!("/api/v1/events?{query}"))
        .header("host", "t")
        .body(Body::empty())
        .ok()?;
    service.runtime.block_on(async {
        let Ok(response) = service.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        Some((status, serde_json::from_slice(&body).expect("JSON")))
    })
}
